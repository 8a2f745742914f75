"""Helpers that all phonemizers share: plain text, the characters that can be read, and token offsets."""

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
"""Typographic apostrophes -> ASCII. spaCy splits "wasn\u2019t" in the wrong place, and misaki then says "was"
(misaki issue 100)."""

PLAIN = {**APOSTROPHES, "\u0130": "I", "\u2212": "-"}
"""Character -> the character that it is read as. The dotted capital I is included because Python lower-cases it to
two letters."""

ONE_FOR_ONE = str.maketrans(PLAIN)
"""PLAIN as a translation table."""

SENTENCE = 2.0
"""Maximum seconds of processor time for the phonemes of one sentence, which has at most 1000 characters. A common one
takes a tenth of it on a slow processor."""

Places = list[tuple[int, int]]
"""For each character of a plain text, its half-open offsets in the user's text."""

COMPATIBLE = ("FULLWIDTH", "HALFWIDTH", "SQUARE", "DEGREE CELSIUS", "DEGREE FAHRENHEIT")
"""Prefixes of Unicode names of characters that are compatibility forms of others: \uff21 is A, \u338f is kg."""

FOREIGN_MARKS = dict(zip(map(ord, "।॥。、«»"), "...,“”", strict=True))
"""Marks of other scripts -> marks that an English phonemizer reads; otherwise espeak-ng says "Hindi danda"."""

CLUSTER = re.compile(r".[\u0300-\u036f\u3099\u309a\uff9e\uff9f\u00ad\u200b-\u200f\u2060\ufeff]*", re.DOTALL)
"""A character with the accents, voicing marks and invisible characters after it."""

LONG_NUMBER = re.compile(r"\d[\d,]{17,}")
"""A number whose digits are spoken one by one, because it is too long to read as one number and num2words cannot
convert it."""

LONG_WORD = re.compile(r"[^\W\d_]{51,}")
"""A word of over 50 letters, which is spoken in parts because espeak-ng drops the end of a word whose phonemes
outgrow its buffer."""

PART = 20
"""Letters of each part of a long word: few enough for espeak-ng's buffer even if it spells them out."""

LATIN = ("LATIN", "GREEK", "DIGIT", "FEMININE", "MASCULINE", "SUPERSCRIPT", "SUBSCRIPT", "VULGAR", "MICRO")
"""Prefixes of Unicode names of the letters and digits that a phonemizer for a Latin script can read. For other
characters, espeak-ng says "Chinese letter" or the like, which is not a reading of them."""


class Composed:
    """Phonemizer that passes plain text to another one, and maps its tokens back to the user's text.

    In plain text, letters are composed with their accents, there are no invisible characters (a soft hyphen, a joiner),
    there is one kind of apostrophe, and wide letters, half-width kana and squared units are replaced by the letters
    they stand for.
    """

    def __init__(self, phonemizer: Phonemizer, source: str = "") -> None:
        """Wrap `phonemizer`.

        source: source of a word's phonemes, such as "espeak-ng", if the phonemizer itself gives none
        """
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
        """Return the token with its source filled in, if it is a word with phonemes and no source."""
        if not self._source or token.source or not token.phonemes or not token.is_word:
            return token
        return replace(token, source=self._source)


@dataclass(frozen=True)
class _Plain(Generic[AnyPhrase]):
    """A phrase as plain text.

    text: the plain text
    source: the original phrase
    places: for each character of `text`, its half-open offsets in the source's text; None if each character is at the
        same offset
    """

    text: str
    source: AnyPhrase
    places: Places | None
    start: int = 0

    @classmethod
    def of(cls, source: AnyPhrase) -> "_Plain[AnyPhrase]":
        """Convert `source` to plain text."""
        odd = not source.text.isascii() and any(map(_is_odd, set(source.text)))
        text, places = _plain(source.text) if odd else (source.text.translate(ONE_FOR_ONE), None)
        return cls(text, source, places)


@cache
def _is_odd(character: str) -> bool:
    """Whether the plain form of `character` may be anything but one character at the same offset."""
    return (
        unicodedata.name(character, "").startswith(COMPATIBLE)
        or not unicodedata.is_normalized("NFC", character)
        or _is_invisible(character)
        or CLUSTER.fullmatch(f"a{character}") is not None
    )


def _plain(text: str) -> tuple[str, Places]:
    """Return `text` as plain text, and for each of its characters the half-open offsets in `text`."""
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
    """Yield the tokens with text and offsets of the user's text."""
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
    """Return `text` with white space inserted into numbers and words that are too long to say at once."""
    apart = LONG_NUMBER.sub(lambda number: " ".join(number.group()), text)
    return LONG_WORD.sub(lambda word: " ".join(textwrap.wrap(word.group(), PART)), apart)


def is_readable(word: str, scripts: tuple[str, ...]) -> bool:
    """Whether each letter, digit and vowel sign of `word` belongs to one of `scripts`.

    scripts: prefixes of Unicode names
    """
    written = (character for character in word if character.isalnum() or unicodedata.category(character)[0] == "M")
    return all(unicodedata.name(character, "").startswith((*scripts, "COMBINING")) for character in written)


@dataclass(frozen=True)
class RawToken:
    """A token as a library returns it, without an offset.

    source: source of the phonemes, such as "lexicon"; "" if none is given
    spaced: white space follows it
    """

    text: str
    phonemes: str
    source: str
    spaced: bool


def located(sentence: Phrase, folded: str, pieces: list[RawToken]) -> Iterator[Token]:
    """Yield tokens with their offsets in the sentence.

    A part of the text that the library skipped is a token without phonemes.

    folded: the sentence's text as the library was given it, one character per character
    """
    at = 0
    for piece in pieces:
        start, end = _find(folded, piece.text, at)
        yield from _passed_over(sentence, at, start)
        yield Token(sentence.text[start:end], sentence.start + start, piece.phonemes, piece.spaced, source=piece.source)
        at = end
    yield from _passed_over(sentence, at, len(folded))


def _find(text: str, piece: str, at: int) -> tuple[int, int]:
    """Return the half-open offsets in `text` of the characters of `piece`, searching from `at`.

    `text` may have characters between them that the library left out.
    """
    start = text.index(piece[0], at)
    end = start
    for character in piece:
        end = text.index(character, end) + 1
    return start, end


def _passed_over(sentence: Phrase, start: int, end: int) -> Iterator[Token]:
    """Yield a token without phonemes for a skipped part of the text, if it has a letter or a digit."""
    stretch = sentence.text[start:end]
    if any(character.isalnum() for character in stretch):
        yield Token(stretch.strip(), sentence.start + start, "", spaced=stretch[-1].isspace())
