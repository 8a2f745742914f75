"""English text -> Kokoro's phonemes: misaki's lexicons, spaCy's tagger, and espeak-ng for words in no lexicon."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import islice
from typing import Any

import misaki.en

from speakkit.engines import espeak, patches, tagger
from speakkit.engines.attempt import Held, attempt
from speakkit.engines.base import AnyPhrase, Footprint, Phrase
from speakkit.engines.g2p import FOREIGN_MARKS, LATIN, SENTENCE, RawToken, in_parts, is_readable, located
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token

NAME = "misaki"

FALLBACK = 2
"""Highest rating that misaki gives to phonemes of its fallback; phonemes from a lexicon are rated higher."""

BATCH = 32
"""Maximum number of sentences that are tagged in one batch."""

PIECE = r"(?:[^\W\d_]++|\d++|[^\w\s]|_)"
"""Pattern of a piece of a word, as misaki cuts words into pieces: letters, digits, or one symbol."""

PIECES = 8
"""Pieces of a run without white space that misaki reads together. Its time grows with the third power of them."""

LONG_RUN = re.compile(rf"{PIECE}{{{PIECES}}}(?=\S)")
"""The pieces at the start of a longer run."""

SHOUTED = 4
"""Minimum letters of an all-caps word that is read as a word; a shorter one is more likely an initialism."""

ARTICLE_A, LETTER_A = "ɐ", "ˈA"
"""Phonemes of "A": as an article, and as a letter."""

NO_NOUN = frozenset(
    ["plus", "minus", "slash", "dot", "dash", "underscore", "colon", "at", "to", "and", "or", "equals", "is"]
)
"""Words that never follow an article, so that an "A" before them is the letter."""

vars(misaki.en)["print"] = lambda *_: None


@dataclass(frozen=True)
class _Parts:
    """The components of the phonemizer.

    g2p: misaki's G2P, with the lexicon and the fallback
    senses: the tagger that distinguishes the senses of a word
    """

    g2p: Any
    senses: patches.Senses

    @classmethod
    def load(cls, language: str) -> "_Parts":
        """Load the components for "en-us" or "en-gb". Raises EngineError if espeak-ng does not work."""
        british = language == "en-gb"
        g2p = misaki.en.G2P.__new__(misaki.en.G2P)
        g2p.version = None
        g2p.british = british
        g2p.lexicon = misaki.en.Lexicon(british)
        senses = patches.Senses(tagger.load(), patches.amend(g2p.lexicon, language))
        g2p.fallback = espeak.english(british=british)
        g2p.unk = ""
        return cls(g2p, senses)

    def pieces(self, text: str, tagged: Any) -> list[RawToken]:
        """Return misaki's tokens for `text`, whose tagged words are `tagged`."""
        with espeak.lock:
            self.g2p.nlp = lambda _: tagged
            _, spoken = self.g2p(text, preprocess=False)
            for token in _letters(spoken):
                token.phonemes = LETTER_A
            return [RawToken(token.text, *self._phonemes(token), spaced=bool(token.whitespace)) for token in spoken]

    def _phonemes(self, token: Any) -> tuple[str, str]:
        """Return the phonemes of a token, and their source.

        These are misaki's, or espeak-ng's for a word that misaki treated as punctuation. The source is "lexicon",
        "espeak-ng", or "" for a mark or an unreadable word.
        """
        if not is_readable(token.text, LATIN):
            return "", ""
        phonemes: str = token.phonemes or ""
        is_word = any(character.isalnum() for character in token.text)
        if not is_word:
            return phonemes, ""
        if token.text.isupper() and len(token.text) >= SHOUTED and self._is_spelled(token.text):
            shouted = self.g2p.lexicon.get_word(token.text.lower(), token.tag, None, misaki.en.TokenContext())[0]
            if shouted:
                return shouted, "lexicon"
        if any(symbol.isalpha() for symbol in phonemes):
            rating = getattr(token, "rating", None) or token._.rating  # misaki stores it in one of two places
            return phonemes, "espeak-ng" if rating and rating <= FALLBACK else "lexicon"
        return self.g2p.fallback(token)[0] or "", "espeak-ng"

    def _is_spelled(self, word: str) -> bool:
        """Whether no lexicon has the all-caps word, so that misaki spells it out."""
        return word not in self.g2p.lexicon.golds and word not in self.g2p.lexicon.silvers


class Misaki:
    """Phonemizer for American (en-us) and British (en-gb) English."""

    def __init__(self, language: str) -> None:
        """Load the phonemizer. Raises EngineError if espeak-ng cannot be loaded, or returns no phonemes."""
        self._parts = Held(NAME, _Parts.load(language))

    @classmethod
    def load(cls, language: str) -> "Misaki":
        """Load the phonemizer for "en-us" or "en-gb"."""
        return cls(language)

    @classmethod
    def footprint(cls, language: str) -> Footprint:  # noqa: ARG003  both languages have the same size
        """See `base.Engine`."""
        return Footprint("cpu", 400 << 20)

    @property
    def identity(self) -> Identity:
        """See `base.Engine`. The GPL applies because of espeak-ng."""
        return Identity(NAME, version(NAME), licence="Apache-2.0 AND GPL-3.0-or-later", commercial=True)

    def close(self) -> None:
        """See `base.Engine`."""
        self._parts.close()

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`. A word in no lexicon that espeak-ng cannot pronounce either has no phonemes."""
        for batch in _batches(phrases):
            yield from self._together(batch)

    def _together(self, batch: Sequence[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """Tag the phrases in one batch, and yield the tokens of each."""
        folded = [phrase.text.translate(FOREIGN_MARKS) for phrase in batch]
        plain = [" ".join(LONG_RUN.sub(r"\g<0> ", in_parts(text)).split()) for text in folded]
        tagged = attempt(plain, lambda texts: list(self._parts().senses.pipe(texts)), NAME, SENTENCE)
        if tagged.error and len(batch) == 1:
            yield Outcome(batch[0], error=tagged.error)
            return
        if tagged.error:  # of one or more of them: the others are read alone
            for phrase in batch:
                yield from self._together([phrase])
            return
        for phrase, text, said, words in zip(batch, folded, plain, tagged.result(), strict=True):
            yield attempt(phrase, partial(self._tokens, text, said, words), NAME, SENTENCE)

    def _tokens(self, folded: str, plain: str, tagged: Any, phrase: Phrase) -> tuple[Token, ...]:
        """Return the located tokens of a phrase: `folded` is its text after FOREIGN_MARKS, `plain` what was tagged."""
        return tuple(located(phrase, folded, self._parts().pieces(plain, tagged)))


def _batches(phrases: Iterable[AnyPhrase]) -> Iterator[list[AnyPhrase]]:
    """Yield batches of 1, 2, 4, ... phrases, up to BATCH.

    The sizes grow so that the first phrase does not wait for others.
    """
    remaining = iter(phrases)
    size = 1
    while batch := list(islice(remaining, size)):
        yield batch
        size = min(2 * size, BATCH)


def _letters(tokens: Sequence[Any]) -> Iterator[Any]:
    """Yield the tokens that are the letter A, but that misaki reads as the article.

    A capital A is the letter if nothing, a mark, a word of NO_NOUN or a single capital letter follows. Inside a
    sentence, it is also the letter before any word that is not capitalized; capitalized words may be part of a title.
    """
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if token.text != "A" or token.phonemes != ARTICLE_A:
            continue
        following = after.text if after else ""
        is_letter = not following[:1].isalnum() or following in NO_NOUN or (len(following) == 1 and following.isupper())
        inside = before is not None and before.text[-1:].isalnum()
        if is_letter or (inside and not following[:1].isupper()):
            yield token
