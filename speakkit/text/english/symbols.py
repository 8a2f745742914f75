"""Rules for signs that stand for words, such as & + = % @ #, and for keys, grades and words with slashes."""

import re

from speakkit.text.english.numbers import cardinal
from speakkit.text.english.patterns import any_of
from speakkit.text.english.tables import column, mapping, rows
from speakkit.text.rule import Readings, rule

SIGNS: dict[tuple[str, str], Readings] = {(sign, where): tuple(said.split("|")) for sign, said, where in rows("signs")}
"""Sign and its position, as in data/signs.tsv -> readings. The same sign may have other readings elsewhere."""

KEYS = mapping("keys", "modifier") | mapping("keys", "key")
MODIFIER = rf"(?:{any_of(column('keys', 'modifier'))})"
KEY = rf"(?:{any_of(KEYS)}|F\d{{1,2}}|[A-Z0-9]|[A-Z][a-z]+)"


def _anywhere(match: re.Match[str]) -> Readings:
    return _fitting(match, SIGNS[match["it"], "anywhere"])


def _between(match: re.Match[str]) -> Readings:
    return _fitting(match, SIGNS[match["it"], "between"])


def _fitting(match: re.Match[str], readings: Readings) -> Readings:
    """Drop the verb of "is less than" if no operand precedes the sign, as in "grew ≈2%" and "it is > 1 mm"."""
    start, end = match.span("it")
    if match.string[end : end + 1].isspace() and OPERAND.search(match.string[max(0, start - 40) : start]):
        return readings
    bare = tuple(form for form in readings if not form.startswith("is "))
    return bare or readings


def _alone(match: re.Match[str]) -> Readings:
    return SIGNS[match["it"], "alone"]


def _keys(match: re.Match[str]) -> Readings:
    """Read "Ctrl+Shift+F5"."""
    names = [KEYS.get(key) or _key(key) for key in re.split(r"\s?[+-]\s?", match.group())]
    return (" ".join(names), " plus ".join(names))


def _key(written: str) -> str:
    return re.sub(r"\d+", lambda digits: f" {cardinal(digits[0])}", written).strip()


def _grade(match: re.Match[str]) -> Readings:
    """Read "A+", "B-"."""
    return (f"{match['letter']} {'plus' if match['sign'] == '+' else 'minus'}",)


def _number_sign(match: re.Match[str]) -> Readings:
    """Read "#5", "#5-7"."""
    number = cardinal(match["digits"])
    if match["last"]:
        last = cardinal(match["last"])
        return (f"numbers {number} to {last}", f"number {number} to {last}")
    return (f"number {number}", f"hash {number}", number)


def _letters(match: re.Match[str]) -> Readings:
    """Read "A-Z"."""
    first, last = match["first"], match["last"]
    return (f"{first} to {last}", f"{first} through {last}", f"{first} {last}")


def _slashed_words(match: re.Match[str]) -> Readings:
    """Read "and/or", "TCP/IP"; initialisms in capitals are read one after the other."""
    first, last = match["first"], match["last"]
    if first.isupper() and last.isupper() and len(first) <= 4 and len(last) <= 4:
        return (f"{first} {last}", f"{first} slash {last}")
    if match.group().lower() == "and/or":
        return ("and or", "and slash or")
    return (f"{first} slash {last}", f"{first} or {last}", f"{first} {last}")


OPERAND = re.compile(r"(?:\d|\b[A-Za-z]|[)\]%]|\w_\w*)\s$")
"""The operand before a comparison sign: a number, a letter, the end of a bracket, an identifier."""

VARIABLE = r"[b-hj-zA-HJ-Z]\b"
"""A letter that is not a word."""

OPERATOR = r"""(?<=[\w)\]]\s) (?P<it>[+−<>*/^]) (?=\s[\w(\[$€£])
    (?: (?<=[\d)]\s.) | (?<=\s[a-z]\s.) | (?=\s\d) | (?=\s[a-z]\b) )"""
"""An operator with spaces around it, and an operand on at least one side."""

MINUS = rf"""(?<=[\w)\]]\s) (?P<it>[-–])
    (?: (?: (?<=[\d)\]]\s.) | (?<=\b[b-hj-z]\s.) ) (?= \s (?: [\d(\[$€£] | {VARIABLE} ) )
      | (?<=[\w)\]]\s.) (?= \s\d+(?!\w|\s[a-z]) ) )"""
"""As OPERATOR, for a minus rather than a dash: between two operands, or before a number that counts nothing."""

FIRST = (
    rule("keys", rf"\b {MODIFIER} (?: \s?\+\s? {KEY}\b ){{1,3}}", _keys),
    rule("keys", rf"\b {MODIFIER}-(?:{MODIFIER}-)?[A-Z]\b", _keys),
    rule("grade", r"(?<![\w+-]) (?P<letter>[A-F]) (?P<sign>[+−]|-(?=[\s.,;:!?)]|$)) (?![\w+])", _grade),
    rule(
        "number sign",
        r"(?<![\w#&/]) \# \s? (?P<digits>\d{1,3}(?:,\d{3})+|\d{1,6}) (?:[-–](?P<last>\d{1,6}))? (?![\w-]|[.,]\d)",
        _number_sign,
    ),
)
"""Rules that apply before those for numbers, because they need the digits."""

RULES = (
    rule("letters", r"(?<!\w) (?P<first>[A-Z]) (?:[–—]|-(?=Z)) (?P<last>[A-Z]) (?!\w)", _letters),
    rule(
        "slash",
        r"""(?<![\w/.:~-])(?<![A-Za-z]['’]) (?P<first>[A-Za-z][A-Za-z'’]*)/(?P<last>[A-Za-z][A-Za-z'’]*)
        (?! [\w/.-]\w | / | \w )""",
        _slashed_words,
    ),
    rule("symbol", OPERATOR, _between),
    rule("symbol", MINUS, _between),
    rule("symbol", r"(?<=\d) (?P<it>[+*^/]) (?=\d)", _between),
    rule("symbol", r"(?:^|(?<=[\s(])) (?P<it>[<>~]) (?=\s?[\d$€£])", _between),
    rule("symbol", r"(?<=\s) (?P<it>[@|+]) (?=\s)", _between),
    rule("symbol", rf"(?P<it>{any_of(column('signs', 'anywhere'))})", _anywhere),
    rule("Greek letter", rf"(?<!\w) (?P<it>{any_of(column('signs', 'alone'))}) (?!\w)", _alone),
)
