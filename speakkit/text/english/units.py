"""Rules for numbers with a unit: the symbols of data/units.tsv, with the prefixes that each takes."""

import re
from dataclasses import dataclass

from speakkit.text.english.numbers import amount, cardinal, combined, counted, pixels, signed
from speakkit.text.english.patterns import AMOUNT, DECIMAL, NUMBER, START, TO, VULGAR, any_of, describes
from speakkit.text.english.tables import rows
from speakkit.text.rule import Readings, rule


@dataclass(frozen=True)
class Unit:
    """A unit of measurement.

    one, many: its name, in the singular and the plural
    stands: how its symbol must be placed to differ from a word or a letter, as data/units.tsv defines it
    """

    one: str
    many: str
    stands: str


def _units() -> dict[str, Unit]:
    """Map each symbol, with and without prefixes, to its unit."""
    prefixes = rows("prefixes")
    found: dict[str, Unit] = {}
    for symbol, one, many, takes, stands in rows("units"):
        for prefix, name, sets in prefixes:
            if takes in sets.split():
                found.setdefault(prefix + symbol, Unit(name + one, name + many, "-"))
        found[symbol] = Unit(one, many, stands)
    return found


UNITS = _units()
SYMBOL = any_of(UNITS)
POWERS = {"²": "square ", "^2": "square ", "2": "square ", "³": "cubic ", "^3": "cubic ", "3": "cubic "}
POWER = r"[²³]|\^[23]"
DIVISOR = r"second|minute|hour|day|week|month|year|user|person|token|step|file"
TIME_LETTERS = {"d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}

SHORTER = {"kilogram": "kilo", "degrees Celsius": "Celsius", "degrees Fahrenheit": "Fahrenheit"}
"""Part of a unit's name -> a shorter form that is also said."""

SHORT = 3
"""Letters of a symbol that may be spelled, such as "mph" and "rpm"."""

COMPASS = re.compile(r"\.?\s[A-Z][a-z]")
"""Text after the N of "123 N. Main St."."""

GRADED = re.compile(r"\s(?:students?|grades?|levels?|teams?|players?|papers?|pupils?)\b")
"""Text after the A of "5 A students"."""

ADJECTIVAL = re.compile(r"\s(?!(?:long|wide|tall|deep|thick|high|of|in|by|from|to|and|or|is|was)\b)[A-Za-z]")
"""Text after a unit of length that modifies a noun, as in "a six inch nail"."""


def unit_name(symbol: str, power: str = "", *, one: bool) -> str:
    """Return the name of a unit: "km", "²" -> "square kilometers"; a `symbol` not in UNITS is already a name."""
    unit = UNITS.get(symbol)
    return POWERS.get(power, "") + ((unit.one if one else unit.many) if unit else symbol)


def per(symbol: str, power: str = "") -> Readings:
    """Return the readings of a divisor: "h" -> "per hour", "an hour"; "s", "²" -> "per second squared"."""
    name = unit_name(symbol, one=True)
    if power in ("²", "^2"):
        return (f"per {name} squared",)
    if power:
        return (f"per cubic {name}",)
    return (f"per {name}", f"{'an' if name[0] in 'aeio' or name == 'hour' else 'a'} {name}")


def _stands_as_unit(match: re.Match[str]) -> bool:
    """Return whether the placement of the symbol makes it a unit rather than a word or a letter."""
    gap, symbol = match["gap"] or "", match["unit"]
    if symbol in "NSEW" and COMPASS.match(match.string, match.end()):
        return False
    if symbol in "AB" and GRADED.match(match.string, match.end()):
        return False
    return {
        "-": True,
        "spaced": gap.isspace(),
        "apart": bool(gap),
        "glued": not gap,
        "dotted": gap == "-" or bool(match["stop"] or match["power"]),
    }[UNITS[symbol].stands]


def _is_one(match: re.Match[str]) -> bool:
    """Return whether the unit is in the singular."""
    if match["gap"] == "-" or describes(match):
        return True
    number = match["number"]
    is_one = number.lstrip("0") in ("1", "1.0") or number in VULGAR or number.startswith("1/")
    return is_one and not match["first"]


def _measure(match: re.Match[str]) -> Readings:
    """Read "5 km", "-3.5 °C", "10-20 mg/dL", "a 5-ft pole", "4 x 100 m"."""
    if not _stands_as_unit(match):
        return ()
    name = unit_name(match["unit"], match["power"] or "", one=_is_one(match))
    spoken = combined(signed(match["minus"], _numbers(match)), _names(name, match["unit"]))
    if match["number"] in ("½", "1/2"):
        spoken += (f"half a {name}", f"half an {name}")
    if not match["per"]:
        return spoken
    return tuple(f"{form} {how}" for how in per(match["per"], match["per_power"] or "") for form in spoken)


def _names(name: str, symbol: str) -> Readings:
    """Return the readings of a unit's name.

    Examples: "miles per hour", "mph" -> also "miles an hour", "M P H"; "feet" -> also "foot"; "degrees Celsius" -> also
    "Celsius".
    """
    first, is_rate, time = name.partition(" per ")
    others = [f"{first} {'an' if time == 'hour' else 'a'} {time}"] if is_rate else []
    if is_rate and len(symbol) == SHORT and symbol.isalpha():
        others.append(" ".join(symbol.upper()))
    others += [name.replace(full, short) for full, short in SHORTER.items() if full in name]
    return (name, *others, *(("foot",) if name == "feet" else ()))


def _numbers(match: re.Match[str]) -> Readings:
    """Return the readings of the number, or of the two numbers of a range or an area."""
    if not match["first"]:
        return amount(match["number"])
    if not re.search("[x×]", match["to"]):
        return combined(amount(match["first"]), ("to",), amount(match["number"]))
    if match["unit"] == "px":
        return (f"{pixels(match['first'])} by {pixels(match['number'])}",)
    return combined(amount(match["first"]), ("by",), amount(match["number"]))


def _bare(match: re.Match[str]) -> Readings:
    """Read "km/h" after a number in words or a power."""
    name = unit_name(match["unit"], one=False)
    return tuple(f"{name} {how}" for how in per(match["per"], match["per_power"] or ""))


def _feet(match: re.Match[str]) -> Readings:
    one = "foot" if int(match["feet"]) == 1 else "feet"
    feet = cardinal(match["feet"])
    return (f"{feet} {one}", f"{feet} foot")


def _feet_and_inches(match: re.Match[str]) -> Readings:
    """Read 5'10" as a height, or as a modifier of the word after it."""
    feet, inches = cardinal(match["feet"]), amount(match["inches"])[0]
    unit = "inch" if match["inches"] == "1" else "inches"
    full = f"{feet} {'foot' if int(match['feet']) == 1 else 'feet'} {inches} {unit}"
    short = f"{feet} foot {inches}"
    said = (full, short, f"{short} {unit}")
    return (short, full, f"{short} {unit}") if describes(match) else said


def _inches(match: re.Match[str]) -> Readings:
    """Read a double prime or quote as inches, unless it closes a quotation."""
    if match.string.count('"', 0, match.start()) % 2:
        return ()
    one = match["inches"] == "1" or ADJECTIVAL.match(match.string, match.end())
    return combined(amount(match["inches"]), ("inch" if one else "inches",))


def _sheet(match: re.Match[str]) -> Readings:
    """Read the size of a sheet: 8½" x 11"."""
    first, last = amount(match["first"])[0], amount(match["last"])[0]
    return (f"{first} by {last} inches", f"{first} inches by {last} inches")


def _duration(match: re.Match[str]) -> Readings:
    """Read durations with letters: "1h30m", "2m 15s", "1d 4h"."""
    parts = re.findall(rf"({DECIMAL})\s?(ms|[dhms])", match.group())
    *firsts, last = (counted(number, TIME_LETTERS[letter]) for number, letter in parts)
    return (" ".join((*firsts, last)), f"{' '.join(firsts)} and {last}")


UNIT = rf"""(?P<unit>{SYMBOL}) (?P<power>{POWER}|(?<=m)[23](?!\d))?
    (?: / (?P<per>{SYMBOL}|{DIVISOR}) (?P<per_power>{POWER})? )?
    (?P<stop> \.(?=\s[a-z(]|[,;:)]) )? (?! [\w°/] | \.\w )"""
"""A unit; a full stop after it is included if it does not end the sentence, as in "5 ft. tall"."""

DURATION = rf"""{START} (?:
    \d+d\s?\d+h
    | (?:\d+d\s?)? \d+h\s?\d+m(?:in)? (?:\s?{DECIMAL}s)?
    | \d+m\s?{DECIMAL}s
    | \d+s\s?\d+ms
) (?!\w)"""

BARE = r"km|m|cm|mm|ft|mi|[KMGT]i?B|[KMGT]b|kg|mg|g|L|req|tok"

RULES = (
    rule(
        "unit",
        rf"(?<![\w/.]) (?P<unit>{BARE}) / (?P<per>s|h|hr|min|dL|L|m|kg|day) (?P<per_power>{POWER})? (?![\w/])",
        _bare,
    ),
    rule("duration", DURATION, _duration),
    rule(
        "feet and inches",
        rf"""{START} (?P<feet>\d+)\s?['′’] \s? (?P<inches>{DECIMAL}(?:\s?[½¼¾])?) \s? (?:["″”]|''|’’)""",
        _feet_and_inches,
    ),
    rule(
        "feet and inches",
        rf"""{START} (?P<feet>\d+)\s(?:ft\.?|feet)\s (?P<inches>{DECIMAL})\sin
        (?: \. | (?=[,;)]|$|\s(?:tall|high|wide|long|deep)\b) )""",
        _feet_and_inches,
    ),
    rule("feet", r"(?<![\w.,$'’]) (?P<feet>\d+) (?:′|'(?=\s(?:tall|long|wide|deep|high|by|x)\b))", _feet),
    rule("inches", rf"""{START} (?P<first>{AMOUNT})["″] \s?[x×]\s? (?P<last>{AMOUNT})["″]""", _sheet),
    rule("inches", rf"""{START} (?P<inches>{AMOUNT}) \s? (?:″|"(?!\w))""", _inches),
    rule(
        "unit",
        rf"""{START}(?<![A-Za-z]-) (?: (?<![\w)])(?P<minus>[-−+]) )?
        (?: (?P<first>{NUMBER})°? (?P<to>{TO}|\sto\s|\s?[x×]\s?) )?
        (?P<number>{AMOUNT}) (?P<gap>\s|-)? {UNIT}""",
        _measure,
    ),
)
