"""English text -> Kokoro's phonemes: misaki's lexicons, spaCy's tagger, and espeak-ng for words in no lexicon."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import misaki.en

from speakkit.engines import espeak, patches, tagger
from speakkit.engines.g2p import FOREIGN_MARKS, LATIN, Piece, in_parts, is_readable, located
from speakkit.text.chunks import Token
from speakkit.text.sentences import Sentence

FALLBACK = 2
"""Misaki's rating of what its fallback says, and not one of its lexicons."""

SHOUTED = 4
"""Letters; a shorter word in capitals is rather an initialism than a shout."""

ARTICLE_A, LETTER_A = "ɐ", "ˈA"
NO_NOUN = frozenset(
    ["plus", "minus", "slash", "dot", "dash", "underscore", "colon", "at", "to", "and", "or", "equals", "is"]
)
"""No article stands before these."""

vars(misaki.en)["print"] = lambda *_: None


class Misaki:
    """Phonemizer for American (en-us) and British (en-gb) English."""

    def __init__(self, language: str) -> None:
        """Raises EngineError where espeak-ng cannot be loaded, or loads and says nothing."""
        british = language == "en-gb"
        self._g2p = misaki.en.G2P.__new__(misaki.en.G2P)
        self._g2p.version = None
        self._g2p.british = british
        self._g2p.lexicon = misaki.en.Lexicon(british)
        self._g2p.nlp = patches.Senses(tagger.load(), patches.amend(self._g2p.lexicon, language))
        self._g2p.fallback = self._fallback = espeak.english(british=british)
        self._g2p.unk = ""

    @classmethod
    def load(cls, language: str) -> "Misaki":
        """The phonemizer for "en-us" or "en-gb"."""
        return cls(language)

    def phonemize(self, sentences: Iterable[Sentence]) -> Iterator[tuple[Token, ...]]:
        """The tokens of each sentence, with offsets into the text that the sentences were cut from.

        A word that neither a lexicon nor espeak-ng can say is a token without phonemes.
        """
        for sentence in sentences:
            folded = sentence.text.translate(FOREIGN_MARKS)
            with espeak.lock:
                _, spoken = self._g2p(" ".join(in_parts(folded).split()), preprocess=False)
                for token in _letters(spoken):
                    token.phonemes = LETTER_A
                pieces = [Piece(token.text, *self._phonemes(token), spaced=bool(token.whitespace)) for token in spoken]
            yield tuple(located(sentence, folded, pieces))

    def _phonemes(self, token: Any) -> tuple[str, str]:
        """Misaki's phonemes, or espeak-ng's for a word that misaki took for a mark; and whose they are."""
        if not is_readable(token.text, LATIN):
            return "", ""
        phonemes: str = token.phonemes or ""
        is_word = any(character.isalnum() for character in token.text)
        if not is_word:
            return phonemes, ""
        if token.text.isupper() and len(token.text) >= SHOUTED and self._is_spelled(token.text):
            shouted = self._g2p.lexicon.get_word(token.text.lower(), token.tag, None, misaki.en.TokenContext())[0]
            if shouted:
                return shouted, "lexicon"
        if any(symbol.isalpha() for symbol in phonemes):
            rating = getattr(token, "rating", None) or token._.rating  # misaki keeps it in either place
            return phonemes, "espeak-ng" if rating and rating <= FALLBACK else "lexicon"
        return self._fallback(token)[0] or "", "espeak-ng"

    def _is_spelled(self, word: str) -> bool:
        """Whether misaki has no word for the capitals, and says letter after letter."""
        return word not in self._g2p.lexicon.golds and word not in self._g2p.lexicon.silvers


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
