"""English text -> Kokoro's phonemes: misaki's lexicons, spaCy's tagger, and espeak-ng for words in no lexicon."""

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
from speakkit.engines.g2p import FOREIGN_MARKS, LATIN, RawToken, in_parts, is_readable, located
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token

NAME = "misaki"

FALLBACK = 2
"""Misaki's rating of what its fallback says, and not one of its lexicons."""

BATCH = 32
"""Sentences that are tagged at once."""

SHOUTED = 4
"""Letters; a shorter word in capitals is rather an initialism than a shout."""

ARTICLE_A, LETTER_A = "ɐ", "ˈA"
NO_NOUN = frozenset(
    ["plus", "minus", "slash", "dot", "dash", "underscore", "colon", "at", "to", "and", "or", "equals", "is"]
)
"""No article stands before these."""

vars(misaki.en)["print"] = lambda *_: None


@dataclass(frozen=True)
class _Parts:
    """Misaki's G2P, which has the lexicon and the fallback, and the tagger that tells senses apart."""

    g2p: Any
    senses: patches.Senses

    @classmethod
    def load(cls, language: str) -> "_Parts":
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
        """What misaki makes of `text`, whose words are `tagged`."""
        with espeak.lock:
            self.g2p.nlp = lambda _: tagged
            _, spoken = self.g2p(text, preprocess=False)
            for token in _letters(spoken):
                token.phonemes = LETTER_A
            return [RawToken(token.text, *self._phonemes(token), spaced=bool(token.whitespace)) for token in spoken]

    def _phonemes(self, token: Any) -> tuple[str, str]:
        """Misaki's phonemes, or espeak-ng's for a word that misaki took for a mark; and whose they are."""
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
            rating = getattr(token, "rating", None) or token._.rating  # misaki keeps it in either place
            return phonemes, "espeak-ng" if rating and rating <= FALLBACK else "lexicon"
        return self.g2p.fallback(token)[0] or "", "espeak-ng"

    def _is_spelled(self, word: str) -> bool:
        """Whether misaki has no word for the capitals, and says letter after letter."""
        return word not in self.g2p.lexicon.golds and word not in self.g2p.lexicon.silvers


class Misaki:
    """Phonemizer for American (en-us) and British (en-gb) English."""

    def __init__(self, language: str) -> None:
        """Raises EngineError where espeak-ng cannot be loaded, or loads and says nothing."""
        self._parts = Held(NAME, _Parts.load(language))

    @classmethod
    def load(cls, language: str) -> "Misaki":
        """The phonemizer for "en-us" or "en-gb"."""
        return cls(language)

    @classmethod
    def footprint(cls, language: str) -> Footprint:  # noqa: ARG003  both Englishes are of one size
        """See `base.Engine`."""
        return Footprint("cpu", 400 << 20)

    @property
    def identity(self) -> Identity:
        """See `base.Engine`. The GPL is espeak-ng's."""
        return Identity(NAME, version(NAME), licence="Apache-2.0 AND GPL-3.0-or-later", commercial=True)

    def close(self) -> None:
        """See `base.Engine`."""
        self._parts.close()

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`. A word that neither a lexicon nor espeak-ng can say has no phonemes."""
        for batch in _batches(phrases):
            yield from self._together(batch)

    def _together(self, batch: Sequence[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        folded = [phrase.text.translate(FOREIGN_MARKS) for phrase in batch]
        plain = [" ".join(in_parts(text).split()) for text in folded]
        tagged = attempt(plain, lambda texts: list(self._parts().senses.pipe(texts)), NAME)
        if tagged.error:
            yield from (Outcome(phrase, error=tagged.error) for phrase in batch)
            return
        for phrase, text, said, words in zip(batch, folded, plain, tagged.result(), strict=True):
            yield attempt(phrase, partial(self._tokens, text, said, words), NAME)

    def _tokens(self, folded: str, plain: str, tagged: Any, phrase: Phrase) -> tuple[Token, ...]:
        return tuple(located(phrase, folded, self._parts().pieces(plain, tagged)))


def _batches(phrases: Iterable[AnyPhrase]) -> Iterator[list[AnyPhrase]]:
    """A phrase, then two, then four and so on: the first does not wait for others."""
    remaining = iter(phrases)
    size = 1
    while batch := list(islice(remaining, size)):
        yield batch
        size = min(2 * size, BATCH)


def _letters(tokens: Sequence[Any]) -> Iterator[Any]:
    """Those of `tokens` that are the letter A, and that misaki takes for the article.

    A capital A inside a sentence is the letter, unless a capitalised word follows, as in titles; the first word of a
    sentence is the letter where another single letter follows, or what follows no article.
    """
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if token.text != "A" or token.phonemes != ARTICLE_A:
            continue
        following = after.text if after else ""
        is_letter = not following[:1].isalnum() or following in NO_NOUN or (len(following) == 1 and following.isupper())
        inside = before is not None and before.text[-1:].isalnum()
        if is_letter or (inside and not following[:1].isupper()):
            yield token
