"""English text -> Kokoro's phonemes: misaki's lexicons, spaCy's tagger, and espeak-ng for words in no lexicon."""

import logging
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import misaki.en
import misaki.espeak

from speakkit.engines import tagger
from speakkit.errors import EngineError
from speakkit.text.chunks import Token
from speakkit.text.sentences import Sentence

INVENTED_WORD = "blimvastic"
"""In no lexicon, so that only a working espeak-ng can say it."""

APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc", "'"))
"""spaCy splits "wasn\u2019t" in the wrong place, and misaki then says "was" (misaki issue 100)."""

LONG_NUMBER = re.compile(r"\d[\d,]{17,}")
"""Nobody reads so many digits as one number, and num2words cannot: they are spoken one by one."""

LONG_WORD = re.compile(r"([^\W\d_]{30})(?=[^\W\d_]{20})")
"""espeak-ng drops the end of a word whose phonemes outgrow its buffer: over 50 letters are spoken in parts."""

SCRIPTS = ("LATIN", "GREEK", "DIGIT", "FEMININE", "MASCULINE", "SUPERSCRIPT", "SUBSCRIPT", "VULGAR", "MICRO")
"""How the Unicode names begin of the letters and digits that an English reader can say. For the rest espeak-ng says
"Chinese letter" or the like, which is no reading of them."""

_espeak = threading.Lock()
"""espeak-ng has one state for the whole process: concurrent calls speak words of each other's texts."""

logging.getLogger("phonemizer").setLevel(logging.ERROR)
vars(misaki.en)["print"] = lambda *_: None


class Misaki:
    """Phonemizer for American (en-us) and British (en-gb) English."""

    def __init__(self, language: str) -> None:
        """Raises EngineError where espeak-ng cannot be loaded, or loads and says nothing."""
        british = language == "en-gb"
        self._g2p = misaki.en.G2P.__new__(misaki.en.G2P)
        self._g2p.version = None
        self._g2p.british = british
        self._g2p.nlp = tagger.load()
        self._g2p.lexicon = misaki.en.Lexicon(british)
        self._g2p.fallback = self._fallback = _working_espeak(british)
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
            text = LONG_WORD.sub(r"\1 ", LONG_NUMBER.sub(_digits, sentence.text.translate(APOSTROPHES)))
            with _espeak:
                _, spoken = self._g2p(" ".join(text.split()), preprocess=False)
                pieces = [_Piece(token.text, self._phonemes(token), bool(token.whitespace)) for token in spoken]
            yield tuple(_located(sentence, pieces))

    def _phonemes(self, token: Any) -> str:
        """Misaki's phonemes, or espeak-ng's for a word that misaki took for a mark of punctuation."""
        readable = [_is_readable(character) for character in token.text if character.isalnum()]
        if not all(readable):
            return ""
        if token.phonemes or not readable:
            return token.phonemes or ""
        return self._fallback(token)[0] or ""


def _digits(number: re.Match[str]) -> str:
    return " ".join(number.group())


def _is_readable(character: str) -> bool:
    return unicodedata.name(character, "").startswith(SCRIPTS)


def _working_espeak(british: bool) -> Any:
    mend = "words that are in no lexicon would be lost; reinstall espeakng-loader and phonemizer-fork"
    with _espeak:
        try:
            fallback = misaki.espeak.EspeakFallback(british)
            said, _ = fallback(misaki.en.MToken(text=INVENTED_WORD, tag="NN", whitespace=""))
        except (RuntimeError, OSError) as error:
            raise EngineError(f"espeak-ng does not load ({error}): {mend}") from error
    if not said:
        raise EngineError(f"espeak-ng says nothing for the invented word {INVENTED_WORD!r}: {mend}")
    return fallback


@dataclass(frozen=True)
class _Piece:
    """What misaki calls a token: without its place in the text."""

    text: str
    phonemes: str
    spaced: bool


def _located(sentence: Sentence, pieces: list[_Piece]) -> Iterator[Token]:
    """Tokens at their places in the sentence. A stretch that misaki passed over is a token without phonemes."""
    text = sentence.text
    folded = text.translate(APOSTROPHES)
    at = 0
    for piece in pieces:
        start, end = _find(folded, piece.text, at)
        yield from _passed_over(sentence, at, start)
        yield Token(text[start:end], sentence.start + start, piece.phonemes, piece.spaced)
        at = end
    yield from _passed_over(sentence, at, len(text))


def _find(text: str, piece: str, at: int) -> tuple[int, int]:
    """Where the characters of `piece` stand in `text`, from `at` on: misaki may leave out one between them."""
    start = text.index(piece[0], at)
    end = start
    for character in piece:
        end = text.index(character, end) + 1
    return start, end


def _passed_over(sentence: Sentence, start: int, end: int) -> Iterator[Token]:
    stretch = sentence.text[start:end]
    if any(character.isalnum() for character in stretch):
        yield Token(stretch.strip(), sentence.start + start, "", spaced=stretch[-1].isspace())
