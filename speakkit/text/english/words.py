"""Titles, streets, abbreviations and initialisms."""

import re
from collections.abc import Callable
from importlib.resources import files

from speakkit.text.english.rule import Readings, Rule

SENTENCE_OPENERS = frozenset(
    [
        "The",
        "A",
        "An",
        "This",
        "That",
        "These",
        "Those",
        "My",
        "Our",
        "Your",
        "His",
        "Her",
        "Its",
        "Their",
        "And",
        "But",
        "Or",
        "If",
        "When",
        "Dear",
        "Hello",
        "Hi",
        "Hey",
        "Ask",
        "Call",
        "See",
        "Tell",
        "Then",
        "So",
        "Yes",
        "No",
        "Is",
        "Are",
        "Was",
        "Were",
        "Did",
        "Does",
        "Do",
        "Can",
        "Will",
        "Would",
        "Should",
        "Could",
        "May",
        "Thank",
        "Thanks",
        "To",
        "From",
        "For",
        "With",
        "By",
        "At",
        "In",
        "On",
    ]
)
NAMES_BEFORE = re.compile(
    r"(?P<number>\d+\s(?:[NSEW]\.?\s)?)?(?P<name>(?:[A-Z][\w’'-]+|\d+(?:st|nd|rd|th))(?:\s[A-Z][\w’'-]+)?),?\s$"
)
WHERE = {
    "": r"",
    "name": r"(?=\s[A-Z])",
    "number": r"(?=\s?(?:\d|[IVXLC]+\b))",
}


def _abbreviations() -> dict[str, tuple[Readings, str]]:
    lines = (files("speakkit") / "data" / "abbreviations.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {short: (tuple(long.split("|")), where) for short, long, where in rows}


ABBREVIATIONS = _abbreviations()


def _expanded(match: re.Match[str]) -> Readings:
    long, where = ABBREVIATIONS[match.group()]
    if where == "after" and not _name_before(match):
        return ()
    if match.group()[0].islower() and where == "" and match.group().rstrip(".") in ("min", "max", "temp", "dir"):
        return long if re.match(r"\s\w", match.string[match.end() : match.end() + 2]) else ()
    return long


def _name_before(match: re.Match[str]) -> re.Match[str] | None:
    """The capitalised word, or the ordinal, right before the match, with the house number before it."""
    before = NAMES_BEFORE.search(match.string[max(0, match.start() - 60) : match.start()])
    if not before or (not before["number"] and before["name"] in SENTENCE_OPENERS):
        return None
    return before


def _street_or(street: str, title: str) -> Callable[[re.Match[str]], Readings]:
    """Dr. and St.: a street behind a name, a title before one; with a house number before it, a street in any case."""

    def read(match: re.Match[str]) -> Readings:
        before = _name_before(match)
        follows_name = bool(re.match(r"\s[A-Z]", match.string[match.end() : match.end() + 2]))
        if before and (before["number"] or not follows_name):
            return (street,)
        return (title,) if follows_name or title == "Doctor" else (street,)

    return read


def _compass(match: re.Match[str]) -> Readings:
    return ({"N": "North", "S": "South", "E": "East", "W": "West"}[match["it"][0]],)


def _versus(match: re.Match[str]) -> Readings:
    return ("versus", "V")


def _letters(match: re.Match[str]) -> Readings:
    """As "U.S.", "J. R. R." -> the letters; a full stop that ends the sentence is left to it."""
    return (" ".join(letter for letter in match.group() if letter.isalpha()).upper(),)


def _plural(match: re.Match[str]) -> Readings:
    """As "PDFs" -> "P D Fs"."""
    letters, ending = match["letters"], match["ending"].replace("’", "'")
    return (f"{letters}{ending}", " ".join(letters) + ending)


def _table(where: str) -> re.Pattern[str]:
    shorts = sorted((short for short, (_, place) in ABBREVIATIONS.items() if place == where), key=len, reverse=True)
    dotted = "|".join(re.escape(short) for short in shorts)
    return re.compile(rf"(?<![\w.@/-])(?:{dotted})(?![\w@/]|\.\w){WHERE.get(where, '')}")


ACRONYM_PLURALS = r"(?!(?:NASA|NATO|RAM|ROM|PIN|SIM|GIF|JPEG|LAN|WAN|MAC|CAD|DIMM|NAND|SOAP|REST|CRUD|YAML|JSON|ROM|SKU|WASP|SWAT|SEAL|RPG)s)"

RULES = (
    Rule("abbreviation", _table(""), _expanded),
    Rule("abbreviation", _table("number"), _expanded),
    Rule("title", _table("name"), _expanded),
    Rule(
        "street or title",
        re.compile(r"(?<![\w.@/-])Dr\.(?!\w)|(?<![\w.@/-])Dr(?=\s[A-Z]|\s*$|,)"),
        _street_or("Drive", "Doctor"),
    ),
    Rule(
        "street or title",
        re.compile(r"(?<![\w.@/-])St\.(?!\w)|(?<![\w.@/-])St(?=\s[A-Z]|\s*$|,)"),
        _street_or("Street", "Saint"),
    ),
    Rule("abbreviation", _table("after"), _expanded),
    Rule("compass point", re.compile(r"\b\d+\s(?P<it>[NSEW])\.?\s(?=[A-Z][a-z])"), _compass),
    Rule("versus", re.compile(r"(?<=[a-z] )v\.(?=\s[A-Z])"), _versus),
    Rule(
        "initials", re.compile(r"(?<![\w.])(?:[A-Z]\.){2,6}(?!\w)|(?<![\w.])(?:[A-Z]\.){1,6}[A-Z](?![\w.])"), _letters
    ),
    Rule(
        "plural initialism",
        re.compile(rf"(?<![\w.-]){ACRONYM_PLURALS}(?P<letters>[A-Z]{{2,5}})(?P<ending>[’']?s)(?![\w-])"),
        _plural,
    ),
)
