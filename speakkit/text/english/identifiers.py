"""Names that programs give to things, in words: of code, files and addresses alike."""

import re
import unicodedata
from collections.abc import Mapping

from speakkit.text.english.numbers import DIGITS, cardinal, pairs
from speakkit.text.english.tables import readings
from speakkit.text.rule import Readings

SPELLED_FROM = 5
"""Digits: such a number within a name is no quantity and no year, and is read digit by digit."""

MARKS: Mapping[str, str] = {
    "_": "underscore",
    "-": "dash",
    ".": "dot",
    "/": "slash",
    "\\": "backslash",
    "~": "tilde",
    "*": "star",
    "@": "at",
    ":": "colon",
    "+": "plus",
    "=": "equals",
    "?": "question mark",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "!": "bang",
    "$": "dollar",
    "^": "caret",
    "<": "less than",
    ">": "greater than",
    "|": "pipe",
}
"""How a mark is said where it is said at all; others are passed over."""

QUIET: Mapping[str, str] = {**MARKS, "_": "", "-": ""}
"""As MARKS, but the marks that only join the words of one name are not said."""

PIECE = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+(?:['’](?:s|t)\b)?|[^\W\d_]+|\d+|[^\w\s]|_")


def letters(word: str) -> str:
    """As "http2" -> "H T T P two": capital letters, since phonemizers take a single "a" for the article."""
    return " ".join(DIGITS[int(character)] if character in "0123456789" else character.upper() for character in word)


def number(digits: str) -> str:
    """A number in a name: "2" -> "two", "256" -> "two fifty six", "8080" -> "eighty eighty", "007" digit by digit."""
    if not digits.isascii() or digits.startswith("0") or len(digits) >= SPELLED_FROM:
        return letters(digits) if digits.isascii() else digits
    return pairs(digits) if len(digits) > 2 else cardinal(digits)  # as rooms and ports are read


def word(piece: str) -> str:
    """A stretch of letters of a name, in words: "HTTP" -> "H T T P", "MAX" -> "max", "id" -> "I D"."""
    known = readings("identifiers").get(piece.lower())
    if known:
        return known[0]
    if len(piece) == 1:
        return piece.upper()
    if piece.isupper():
        return piece.lower() if _is_sayable(piece.lower()) else letters(piece)
    plural = piece[:-1]
    return f"{plural}s" if plural.isupper() and len(plural) > 1 else piece.lower()


def _is_sayable(piece: str) -> bool:
    """Whether capitals are a word rather than initials, as far as its vowels tell."""
    vowels = sum(letter in "aeiouy" for letter in piece)
    return len(piece) > 2 and 0 < vowels < len(piece)  # "ON", "IS" are initials more often


def said(name: str, marks: Mapping[str, str] = QUIET) -> str:
    """As "parseHTTPResponse" -> "parse H T T P response", "max_retries2" -> "max retries two".

    marks: what is said for each mark; one that is not there is passed over
    """
    plain = unicodedata.normalize("NFKC", name)  # else a raised or lowered digit would take the letters behind it along
    return " ".join(filter(None, (_piece(found[0], marks) for found in PIECE.finditer(plain))))


def _piece(piece: str, marks: Mapping[str, str]) -> str:
    if piece.isdecimal():
        return number(piece)
    return word(piece) if piece[0].isalpha() else marks.get(piece, "")


def distinct(*ways: str) -> Readings:
    """Each of them once, in order."""
    return tuple(dict.fromkeys(way for way in ways if way))


def both(name: str) -> Readings:
    """A name without the marks that join its words, and with them."""
    return distinct(said(name), said(name, MARKS))


def file_name(name: str, marks: Mapping[str, str] = QUIET) -> str:
    """As "parse_args.py" -> "parse args dot py": each ending as it is called."""
    stem, *rest = name.split(".")
    endings = readings("extensions")
    parts = [endings[part][0] if part in endings else said(part, marks) for part in rest]
    if stem.startswith("__") and stem.endswith("__") and stem.strip("_"):
        stem = f"dunder{stem.rstrip('_')}"
    return " dot ".join([said(stem, marks), *parts]).strip()


def path(text: str, marks: Mapping[str, str] = QUIET) -> str:
    """As "src/parse_args.py" -> "src slash parse args dot py"; ".." is "dot dot"."""
    steps = re.split(r"([/\\])", text)
    return " ".join(filter(None, (marks[step] if step in "/\\" and step else _step(step, marks) for step in steps)))


def _step(step: str, marks: Mapping[str, str]) -> str:
    return said(step, MARKS) if not step.strip(".") else file_name(step, marks)
