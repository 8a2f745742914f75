"""What every phonemizer shares: plain text to read, which characters of it can be, and tokens in their places."""

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Generic

from speakkit.engines.base import AnyPhrase, Phonemizer, Phrase
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token

APOSTROPHES = dict.fromkeys("\u2018\u2019\u02bc", "'")
"""spaCy splits "wasn\u2019t" in the wrong place, and misaki then says "was" (misaki issue 100)."""

PLAIN = {**APOSTROPHES, "\u0130": "I", "\u2212": "-"}
"""Characters that are read as another: the dotted capital I is two letters to Python in lower case."""

ONE_FOR_ONE = str.maketrans(PLAIN)

Places = list[tuple[int, int]]
"""For each character of a plain text the stretch of the user's that it is from."""

COMPATIBLE = ("FULLWIDTH", "HALFWIDTH", "SQUARE", "DEGREE CELSIUS", "DEGREE FAHRENHEIT")
"""How the Unicode names begin of characters that are others in another shape: \uff21 is A, \u338f is kg."""

FOREIGN_MARKS = dict(zip(map(ord, "।॥。、«»"), "...,“”", strict=True))
"""Marks of other scripts -> those that an English reader knows; espeak-ng would say "Hindi danda"."""

CLUSTER = re.compile(r".[\u0300-\u036f\u3099\u309a\uff9e\uff9f\u00ad\u200b-\u200f\u2060\ufeff]*", re.DOTALL)
"""A character with the accents, voicing marks and invisible characters behind it."""

LONG_NUMBER = re.compile(r"\d[\d,]{17,}")
"""Nobody reads so many digits as one number, and num2words cannot: they are spoken one by one."""

LONG_WORD = re.compile(r"[^\W\d_]{51,}")
"""espeak-ng drops the end of a word whose phonemes outgrow its buffer: over 50 letters are spoken in parts."""

PART = 20
"""Letters of a long word said at once: few enough to fit espeak-ng's buffer even where it spells them out."""

LATIN = ("LATIN", "GREEK", "DIGIT", "FEMININE", "MASCULINE", "SUPERSCRIPT", "SUBSCRIPT", "VULGAR", "MICRO")
"""How the Unicode names begin of the letters and digits that a reader of a Latin script can say. For the rest
espeak-ng says "Chinese letter" or the like, which is no reading of them."""


class Composed:
    """Phonemizer that hands another one plain text, and puts its tokens where they stand in the user's.

    Plain is: letters composed with their accents, no invisible characters (a soft hyphen, a joiner), one kind of
    apostrophe, and wide letters, half-width kana and squared units as the letters that they stand for.
    """

    def __init__(self, phonemizer: Phonemizer, source: str = "") -> None:
        """`source` is where the phonemes of a word are from, if the phonemizer does not say."""
        self._phonemizer, self._source = phonemizer, source

    @property
    def identity(self) -> Identity:
        """See `base.Engine`."""
        return self._phonemizer.identity

    def close(self) -> None:
        """See `base.Engine`."""
        self._phonemizer.close()

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`."""
        for outcome in self._phonemizer.phonemize(_Plain.of(phrase) for phrase in phrases):
            plain = outcome.item
            if outcome.error:
                yield Outcome(plain.source, error=outcome.error)
            else:
                yield Outcome(plain.source, tuple(self._told(token) for token in _in_place(plain, outcome.result())))

    def _told(self, token: Token) -> Token:
        if not self._source or token.source or not token.phonemes or not token.is_word:
            return token
        return replace(token, source=self._source)


@dataclass(frozen=True)
class _Plain(Generic[AnyPhrase]):
    """A phrase as plain text.

    places: for each character of `text` the stretch of the source's text that it is from; None if each stands for
        itself
    """

    text: str
    source: AnyPhrase
    places: Places | None
    start: int = 0

    @classmethod
    def of(cls, source: AnyPhrase) -> "_Plain[AnyPhrase]":
        """Make `source` plain."""
        odd = not source.text.isascii() and any(map(_is_odd, set(source.text)))
        text, places = _plain(source.text) if odd else (source.text.translate(ONE_FOR_ONE), None)
        return cls(text, source, places)


@cache
def _is_odd(character: str) -> bool:
    """Whether a plain text may not have one character for it, at its place."""
    return (
        unicodedata.name(character, "").startswith(COMPATIBLE)
        or not unicodedata.is_normalized("NFC", character)
        or _is_invisible(character)
        or CLUSTER.fullmatch(f"a{character}") is not None
    )


def _plain(text: str) -> tuple[str, Places]:
    """Plain text, and for each of its characters where in `text` it is from."""
    plain, places = "", []
    for cluster in CLUSTER.finditer(text):
        visible = "".join(PLAIN.get(letter, letter) for letter in cluster.group() if not _is_invisible(letter))
        compatible = unicodedata.name(visible[:1] or " ", "").startswith(COMPATIBLE)
        composed = unicodedata.normalize("NFKC" if compatible else "NFC", visible)
        plain += composed
        places += [cluster.span()] * len(composed)
    return plain, places


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf"


def _in_place(plain: "_Plain[AnyPhrase]", tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens where they stand in the user's text."""
    source, places = plain.source, plain.places
    at = 0
    for token in tokens:
        start, end = token.start, token.start + len(token.text)
        if places is not None:
            covered = places[start:end]
            start, end = (max(covered[0][0], at), covered[-1][1]) if covered else (at, at)
        text = source.text[start:end]
        is_there = not source.start and start == token.start and text == token.text
        yield token if is_there else replace(token, text=text, start=source.start + start)
        at = max(at, end)


def in_parts(text: str) -> str:
    """`text` with white space inside the numbers and words that are too long to be said at once."""
    apart = LONG_NUMBER.sub(lambda number: " ".join(number.group()), text)
    return LONG_WORD.sub(lambda word: " ".join(textwrap.wrap(word.group(), PART)), apart)


def is_readable(word: str, scripts: tuple[str, ...]) -> bool:
    """Whether each letter, digit and vowel sign of `word` is of one of `scripts`, the beginnings of Unicode names."""
    written = (character for character in word if character.isalnum() or unicodedata.category(character)[0] == "M")
    return all(unicodedata.name(character, "").startswith((*scripts, "COMBINING")) for character in written)


@dataclass(frozen=True)
class RawToken:
    """What a library calls a token: without its place in the text."""

    text: str
    phonemes: str
    source: str
    spaced: bool


def located(sentence: Phrase, folded: str, pieces: list[RawToken]) -> Iterator[Token]:
    """Tokens at their places in the sentence. A stretch that the library passed over is a token without phonemes.

    folded: the sentence's text as the library was given it, character for character
    """
    at = 0
    for piece in pieces:
        start, end = _find(folded, piece.text, at)
        yield from _passed_over(sentence, at, start)
        yield Token(sentence.text[start:end], sentence.start + start, piece.phonemes, piece.spaced, source=piece.source)
        at = end
    yield from _passed_over(sentence, at, len(folded))


def _find(text: str, piece: str, at: int) -> tuple[int, int]:
    """Where the characters of `piece` stand in `text`, from `at` on: the library may leave out one between them."""
    start = text.index(piece[0], at)
    end = start
    for character in piece:
        end = text.index(character, end) + 1
    return start, end


def _passed_over(sentence: Phrase, start: int, end: int) -> Iterator[Token]:
    stretch = sentence.text[start:end]
    if any(character.isalnum() for character in stretch):
        yield Token(stretch.strip(), sentence.start + start, "", spaced=stretch[-1].isspace())
