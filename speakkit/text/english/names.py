"""Rules for numbers that are names (rooms, flights, highways), Roman numerals, and words with digits in them."""

import re

from speakkit.text.english.numbers import cardinal, decimal, ordinal, pairs, plural, spelled
from speakkit.text.english.patterns import UNCOUNTED, any_of, capitalizable
from speakkit.text.english.tables import column
from speakkit.text.rule import Readings, rule

PLACE = capitalizable(column("cues", "place"))
CODE = capitalizable(column("cues", "code"))
HEADING = capitalizable(column("cues", "heading"))
NAME = any_of(column("cues", "name"))
MONARCH = rf"(?:(?:{any_of(column('cues', 'monarch'))})|(?:Pope|King|Queen)\s[A-Z][a-z]+)"
OPENER = any_of(column("cues", "opener"))

ROMAN = r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}

NO_PRONOUN = rf"(?!\s (?: (?:{any_of(column('cues', 'after I'))})\b | [A-Z] ) )"
"""Position after an "I" that is a numeral rather than the pronoun."""

NO_READER = rf"{NO_PRONOUN} (?!\s (?:{any_of(column('cues', 'after heading I'))}|[a-z]+ed)\b )"
"""Likewise after a heading: a numeral in "Elizabeth I never married", the pronoun in "the part I never liked"."""

SURE = r"(?=\s(?:of|and|or|to)\b|[,;:)]|\.?$)"
"""Position after an "I" that is a numeral even if its heading is in lower case, as in "the end of part I"."""

PLURAL = re.compile(r"[A-Z].*\ds")
"""A word of letters and digits in the plural, such as "MP3s"."""

WORK = re.compile(
    r"\b(?:watch|watched|watching|saw|seen|play|played|playing|films?|movies?|sequels?|games?|starring)\b[^.!?]{0,30}$"
)
"""Words that come before the name of a film or a game."""

OWN = r"(?P<own>[’']s)?"
NUMERAL_END = r"(?![\w’'-]|\.\s?[A-Z])"
"""Position after a numeral that is not part of a word and not the initial of "John V. Lindsay"."""


def roman(numeral: str) -> int:
    """Return the value of a Roman numeral: "XIV" -> 14."""
    values = [ROMAN_VALUES[letter] for letter in numeral.upper()]
    pairwise = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairwise)


def _numbered(match: re.Match[str]) -> Readings:
    """Read the number of "Room 1508", "Flight 370"."""
    digits = match["digits"]
    if len(digits) > 4:
        return (spelled(digits, "oh"), spelled(digits))
    return (pairs(digits), cardinal(digits), spelled(digits), spelled(digits, "oh"))


def _coded(match: re.Match[str]) -> Readings:
    """Read the number of "PIN 1234"."""
    digits = match["digits"]
    return (spelled(digits), spelled(digits, "oh"), *((pairs(digits), cardinal(digits)) if len(digits) <= 4 else ()))


def _heading(match: re.Match[str]) -> Readings:
    """Read the numeral of "Chapter IV"."""
    return (cardinal(str(roman(match["roman"]))),)


def _monarch(match: re.Match[str]) -> Readings:
    """Read the numeral of "Louis XIV's"."""
    return (f"the {ordinal(str(roman(match['roman'])))}{match['own'] or ''}",)


def _sequel(match: re.Match[str]) -> Readings:
    """Read the numeral of "Rocky II"; as an ordinal too, as for a monarch, unless a film or game is mentioned."""
    number, own = str(roman(match["roman"])), match["own"] or ""
    if WORK.search(match.string[max(0, match.start() - 50) : match.start("it")]):
        return (f"{cardinal(number)}{own}",)
    return (f"{cardinal(number)}{own}", f"the {ordinal(number)}{own}")


def _mixed(match: re.Match[str]) -> Readings:
    """Read a word of letters and digits: "MP3", "H2O", "1080p", "COVID-19", "MP3s"."""
    word = match.group()
    if PLURAL.fullmatch(word):
        return tuple(plural(form) for form in _of_pieces(word.removesuffix("s")))
    return _of_pieces(word)


def _of_pieces(word: str) -> Readings:
    pieces = [_piece(piece, word) for piece in re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", word)]
    return (" ".join(piece[0] for piece in pieces), " ".join(piece[-1] for piece in pieces))


def _piece(piece: str, word: str) -> Readings:
    """Return the readings of a run of digits or letters in `word`."""
    if not piece[0].isdecimal():
        is_pronounceable = len(piece) > 2 and re.search("[aeiouy]", piece, re.IGNORECASE)
        is_short_initialism = len(piece) == 3 and piece.isupper()
        return (piece,) if is_pronounceable and not is_short_initialism else (" ".join(piece.upper()),)
    if "." in piece:
        return (decimal(piece),)
    if piece.startswith("0"):
        return (spelled(piece), spelled(piece, "oh"))
    if len(piece) > 4:
        return (spelled(piece),)
    is_year = len(piece) == 4 and word.endswith(piece) and piece[:2] in ("19", "20")
    return (pairs(piece), cardinal(piece) if is_year else spelled(piece))


FIRST = (
    rule(
        "number as a code",
        rf"""\b (?:{CODE}) (?:\sis|\snumber|\sno\.)?:?\s\#?
        (?P<it>(?P<digits>\d{{4,}})) (?![\w/%]|[.,:-]\d) {UNCOUNTED}""",
        _coded,
    ),
)
"""Rules that apply before those for dates, which would read a PIN as a year."""

RULES = (
    rule(
        "number as a name",
        rf"""(?<![\w-]) (?!train\s\d+\s[a-z]+s\b) (?: (?:{PLACE})[\s-]\#? | I- )
        (?P<it>(?P<digits>\d{{1,5}})) (?![\w/%]|[.,:-]\d)""",
        _numbered,
    ),
    rule(
        "number as a name",
        r"(?: (?<=\b[Tt]he\s) | (?<=\b[Aa]\s) ) (?P<digits>7[0-8]7) (?!\w|[.,]\d|\s[a-z]+s\b)",
        _numbered,
    ),
    rule(
        "Roman numeral",
        rf"""\b (?:{HEADING}) \s (?P<it>(?P<roman> (?=[IVXLC]{{2}}|[VX]) {ROMAN} | I{SURE} )) {NUMERAL_END}""",
        _heading,
    ),
    rule("Roman numeral", rf"\b (?=[A-Z])(?:{HEADING}) \s (?P<it>(?P<roman>I{NO_READER})) {NUMERAL_END}", _heading),
    rule("Roman numeral", rf"\b (?:{NAME}) \s (?P<it>(?P<roman>{ROMAN})) {NUMERAL_END}", _heading),
    rule("Roman numeral", rf"\b (?:{HEADING}) \s (?P<it>(?P<roman>[ivx]{{2,5}}|[vx]|i{SURE})) {NUMERAL_END}", _heading),
    rule(
        "Roman numeral",
        rf"""\b (?!Malcolm\sX) {MONARCH} \s
        (?P<it>(?P<roman> (?=[IVXL]{{2}}) {ROMAN} | [VX] | I(?=[’']s) | I{NO_PRONOUN} ) {OWN}) {NUMERAL_END}""",
        _monarch,
    ),
    rule(
        "Roman numeral",
        rf"""(?<![\w’'-]) (?!(?:{OPENER})\s) [A-Z][\w’'-]*[a-z] \s
        (?P<it>(?P<roman> (?=[IVX]{{2}}) {ROMAN} ) {OWN}) {NUMERAL_END}""",
        _sequel,
    ),
    rule(
        "name with a number",
        r"""(?<![\w.$€£/@#-]) (?:[A-Z]{2,}|[A-Z][a-z]+|[A-Z]) - \d{1,4}(?:\.\d+|s)? (?![\w/]|[.,:-]\d)""",
        _mixed,
    ),
    rule(
        "name with a number",
        r"""(?<![\w.$€£/@#]) (?=[^\W_]*\d) (?=[^\W_]*[A-Za-z]) (?!\d+(?i:st|nd|rd|th)\b) (?![1-9]\d*x\d+(?:x\d+)?\b)
        [^\W_]{2,12} (?![\w/])""",
        _mixed,
    ),
)
