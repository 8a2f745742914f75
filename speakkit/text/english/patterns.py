"""Fragments shared by the patterns of several rules, to be compiled with `re.VERBOSE`."""

import re
from collections.abc import Iterable

START = r"(?<![\w.,$€£¥#@/:^])"
"""Position before a number that is not part of something longer; a dash or a sign may precede it."""

ALONE = rf"{START}(?<!-)"
"""As START, but no dash may precede it."""

END = r"(?![\w/]|[.,:-]\d)"
"""Position after a number that is not part of something longer."""

TO = r"\s?[-–—]\s?"
"""The dash between the ends of a range."""

DECIMAL = r"\d+(?:\.\d+)?"

NUMBER = (
    r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?"
    r"|\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)"  # thousands may be set apart by a narrow or unbreakable space
    r"|\d{1,3}(?:[ ]\d{3}){0,3}[ ]000(?!\d)"  # or by a plain one, but "20 500 mg tablets" has two numbers
    rf"|{DECIMAL}|\.\d+)"
)

VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"

AMOUNT = rf"(?:{NUMBER}\s?[{VULGAR}]|[{VULGAR}]|\d+\s\d/\d+|\d/\d{{1,2}}|{NUMBER})"
"""A number, a fraction, or both."""

UNCOUNTED = r"""(?!
    \s+ (?! (?i: was | is | has | his | this | as | us | census | series | its | always | s ) \b ) [a-z]+s\b
    | \s+ (?: people | men | women | children ) \b
)"""
"""Position after a number that counts nothing: no plural follows it."""

COUNTED = re.compile(rf"(?! {UNCOUNTED} )", re.VERBOSE)
"""Position after a number that counts something: a plural follows it."""

NO_ATTRIBUTE = (
    r"(?! (?: in | of | on | for | to | and | or | a | per | an | each | is | more | less | at | from | with | than"
    r" | was | are | were | has | had | that | which | it | he | she | we | you | they ) \b )"
)
DETERMINER = re.compile(
    r"(?:^|\W)(?:an?|the|this|that|his|her|its|their|our|my|your|every|each|another) $", re.IGNORECASE
)
DESCRIBED = re.compile(rf"[\s-] {NO_ATTRIBUTE} [a-z]", re.VERBOSE)


def any_of(words: Iterable[str]) -> str:
    """Return a fragment that matches any of `words`, the longest possible."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def capitalizable(words: Iterable[str]) -> str:
    """As `any_of`; words that begin in lower case also match with a capital."""
    return any_of({form for word in words for form in (word, word[0].upper() + word[1:])})


def describes(match: re.Match[str]) -> bool:
    """Return whether an amount modifies the next word, so its unit is singular: "a $5 bill", "the 100 m dash"."""
    before = match.string[max(0, match.start() - 9) : match.start()]
    return bool(DETERMINER.search(before) and DESCRIBED.match(match.string, match.end()))
