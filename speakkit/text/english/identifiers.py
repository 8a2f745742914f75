"""Identifiers in words, as they occur in code, file names and addresses."""

import re
import unicodedata
from collections.abc import Mapping

from speakkit.text.english.numbers import DIGITS, cardinal, pairs
from speakkit.text.english.tables import readings
from speakkit.text.rule import Readings

SPELLED_FROM = 5
"""Digits: from this length on, a number in a name is neither a quantity nor a year, and is read digit by digit."""

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
"""The word for each mark, if marks are spoken; marks that are not listed are skipped."""

QUIET: Mapping[str, str] = {**MARKS, "_": "", "-": ""}
"""As MARKS, but the marks that only join the words of one name are silent."""

PIECE = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+(?:['’](?:s|t)\b)?|[^\W\d_]+|\d+|[^\w\s]|_")


def letters(word: str) -> str:
    """Spell a word: "http2" -> "H T T P two". Capitals, because phonemizers read a single "a" as the article."""
    return " ".join(DIGITS[int(character)] if character in "0123456789" else character.upper() for character in word)


def number(digits: str) -> str:
    """Read a number in a name: "2" -> "two", "256" -> "two fifty six", "8080" -> "eighty eighty", "007" by digits."""
    if not digits.isascii() or digits.startswith("0") or len(digits) >= SPELLED_FROM:
        return letters(digits) if digits.isascii() else digits
    return pairs(digits) if len(digits) > 2 else cardinal(digits)  # as rooms and ports are read


def word(piece: str) -> str:
    """Read the letters of a part of a name: "HTTP" -> "H T T P", "MAX" -> "max", "id" -> "I D"."""
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
    """Return whether capitals form a word rather than initials, judging by the vowels."""
    vowels = sum(letter in "aeiouy" for letter in piece)
    return len(piece) > 2 and 0 < vowels < len(piece)  # two letters, such as "ON" and "IS", are initials more often


def said(name: str, marks: Mapping[str, str] = QUIET) -> str:
    """Read a name in words: "parseHTTPResponse" -> "parse H T T P response", "max_retries2" -> "max retries two".

    marks: the word for each mark; marks that are not listed are skipped
    """
    plain = unicodedata.normalize("NFKC", name)  # otherwise a raised or lowered digit would join the letters after it
    return " ".join(filter(None, (_piece(found[0], marks) for found in PIECE.finditer(plain))))


def _piece(piece: str, marks: Mapping[str, str]) -> str:
    if piece.isdecimal():
        return number(piece)
    return word(piece) if piece[0].isalpha() else marks.get(piece, "")


def distinct(*ways: str) -> Readings:
    """Return each of the readings once, in order, without empty ones."""
    return tuple(dict.fromkeys(way for way in ways if way))


def both(name: str) -> Readings:
    """Return a name without the words for the marks that join its parts, and with them."""
    return distinct(said(name), said(name, MARKS))


def file_name(name: str, marks: Mapping[str, str] = QUIET) -> str:
    """Read a file name: "parse_args.py" -> "parse args dot py". Known extensions are read by their usual names."""
    stem, *rest = name.split(".")
    endings = readings("extensions")
    parts = [endings[part][0] if part in endings else said(part, marks) for part in rest]
    if stem.startswith("__") and stem.endswith("__") and stem.strip("_"):
        stem = f"dunder{stem.rstrip('_')}"
    return " dot ".join([said(stem, marks), *parts]).strip()


def path(text: str, marks: Mapping[str, str] = QUIET) -> str:
    """Read a path: "src/parse_args.py" -> "src slash parse args dot py"; ".." -> "dot dot"."""
    steps = re.split(r"([/\\])", text)
    return " ".join(filter(None, (marks[step] if step in "/\\" and step else _step(step, marks) for step in steps)))


def _step(step: str, marks: Mapping[str, str]) -> str:
    return said(step, MARKS) if not step.strip(".") else file_name(step, marks)
