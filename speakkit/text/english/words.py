"""Rules for titles, streets, abbreviations and initialisms."""

import re
from collections.abc import Callable

from speakkit.text.english.names import NO_PRONOUN
from speakkit.text.english.patterns import any_of
from speakkit.text.english.tables import column, rows
from speakkit.text.rule import Readings, Rule, rule

ABBREVIATIONS = {short: tuple(long.split("|")) for short, long, _ in rows("abbreviations")}
OPENERS = frozenset(column("cues", "opener"))
COMPASS = {"N": "North", "S": "South", "E": "East", "W": "West"}

BEFORE = r"(?<![\w.@/-])"

FOLLOWED_BY = {
    "anywhere": r"(?![\w@/]|\.\w)",
    "name": r"(?= \s (?: (?:and|&)\s )? [A-Z] )",
    "number": rf"(?= \s? (?: \d | I\b{NO_PRONOUN} | (?!I\b)[IVXLC]+\b ) )",
    "word": r"(?=\s\w)",
    "after": r"(?![\w@/]|\.\w)",
}
"""Position in the last column of data/abbreviations.tsv -> pattern of the text that must follow."""

NAME_BEFORE = re.compile(
    r"""(?P<number> \d+\s (?:[NSEW]\.?\s)? )?
    (?P<name> (?: [A-Z][\w’'-]+ | \d+(?:st|nd|rd|th) ) (?:\s[A-Z][\w’'-]+)? ) ,?\s$""",
    re.VERBOSE,
)
"""The name before a street or an abbreviation of kind "after": capitalised words or an ordinal, and a house number."""


def _expanded(match: re.Match[str]) -> Readings:
    return ABBREVIATIONS[match.group()]


def _expanded_behind_name(match: re.Match[str]) -> Readings:
    return ABBREVIATIONS[match.group()] if _name_before(match) else ()


def _name_before(match: re.Match[str]) -> re.Match[str] | None:
    before = NAME_BEFORE.search(match.string[max(0, match.start() - 60) : match.start()])
    if not before or (not before["number"] and before["name"] in OPENERS):
        return None
    return before


def _is_street(match: re.Match[str], *, alone: bool) -> bool:
    """Return whether "Dr" or "St" is a street: after a name and not before one, or with a house number.

    alone: the result if no name precedes it and none follows
    """
    before = _name_before(match)
    is_before_name = re.match(r"\s[A-Z]", match.string[match.end() : match.end() + 2])
    if before:
        return bool(before["number"] or not is_before_name)
    return alone and not is_before_name


def _drive_or_doctor(match: re.Match[str]) -> Readings:
    return ("Drive" if _is_street(match, alone=False) else "Doctor",)


def _street_or_saint(match: re.Match[str]) -> Readings:
    return ("Street" if _is_street(match, alone=True) else "Saint",)


def _compass_point(match: re.Match[str]) -> Readings:
    return (COMPASS[match["it"][0]],)


def _versus(_match: re.Match[str]) -> Readings:
    return ("versus", "V")


def _letters(match: re.Match[str]) -> Readings:
    """Read "U.S." as "U S"."""
    return (" ".join(letter for letter in match.group() if letter.isalpha()),)


def _plural(match: re.Match[str]) -> Readings:
    """Read "PDFs" as written, because engines pronounce it well; "P D Fs" is another reading."""
    letters, ending = match["letters"], match["ending"].replace("’", "'")
    return (f"{letters}{ending}", " ".join(letters) + ending)


def _abbreviation(name: str, where: str, read: Callable[[re.Match[str]], Readings] = _expanded) -> Rule:
    """Return the rule for the abbreviations of data/abbreviations.tsv whose position is `where`."""
    shorts = any_of(column("abbreviations", where))
    return rule(name, rf"{BEFORE} (?:{shorts}) {FOLLOWED_BY[where]}", read)


RULES = (
    _abbreviation("abbreviation", "anywhere"),
    _abbreviation("abbreviation", "word"),
    _abbreviation("abbreviation", "number"),
    _abbreviation("title", "name"),
    rule("street or title", rf"{BEFORE} Dr (?: \.(?!\w) | (?=\s[A-Z]|\s*$|,) )", _drive_or_doctor),
    rule("street or title", rf"{BEFORE} St (?: \.(?!\w) | (?=\s[A-Z]|\s*$|,) )", _street_or_saint),
    _abbreviation("abbreviation", "after", _expanded_behind_name),
    rule("compass point", r"\b \d+ \s (?P<it>[NSEW]\.?) (?=\s[A-Z][a-z])", _compass_point),
    rule("versus", r"(?<=[a-z]\s) v\. (?=\s[A-Z])", _versus),
    rule(
        "initials",
        r"(?<![\w.]) (?: (?:[A-Z]\.){2,6} (?!\w) | (?:[A-Z]\.){1,6}[A-Z] (?![\w.]) )",
        _letters,
    ),
)

LAST = (rule("plural initialism", r"(?<![\w.-]) (?P<letters>[A-Z]{2,5}) (?P<ending>[’']?s) (?![\w-])", _plural),)
"""Rules that apply after those for names, because the numeral of "Louis XIV's" looks the same."""
