"""Numbers with a unit: the symbols of data/units.tsv, with the prefixes that each takes."""

import re
from importlib.resources import files

from speakkit.text.english.numbers import cardinal, combined, decimal, fraction, with_and
from speakkit.text.english.rule import Readings, Rule

METRIC = {
    "k": "kilo",
    "M": "mega",
    "G": "giga",
    "T": "tera",
    "c": "centi",
    "d": "deci",
    "h": "hecto",
    "m": "milli",
    "µ": "micro",
    "μ": "micro",
    "u": "micro",
    "n": "nano",
    "p": "pico",
    "f": "femto",
}
DATA = {
    "k": "kilo",
    "K": "kilo",
    "M": "mega",
    "G": "giga",
    "T": "tera",
    "P": "peta",
    "Ki": "kibi",
    "Mi": "mebi",
    "Gi": "gibi",
    "Ti": "tebi",
    "Pi": "pebi",
}
PREFIXES = {"metric": METRIC, "small": {k: METRIC[k] for k in "mµμunp"} | {"c": "centi"}, "data": DATA}
POWERS = {"²": "square ", "^2": "square ", "2": "square ", "³": "cubic ", "^3": "cubic ", "3": "cubic "}
PER = {
    "s": "second",
    "sec": "second",
    "second": "second",
    "min": "minute",
    "minute": "minute",
    "h": "hour",
    "hr": "hour",
    "hour": "hour",
    "d": "day",
    "day": "day",
    "week": "week",
    "wk": "week",
    "month": "month",
    "mo": "month",
    "year": "year",
    "yr": "year",
    "ms": "millisecond",
    "px": "pixel",
    "dL": "deciliter",
}
FRACTIONS = {
    "½": "one half",
    "⅓": "one third",
    "⅔": "two thirds",
    "¼": "one quarter",
    "¾": "three quarters",
    "⅕": "one fifth",
    "⅖": "two fifths",
    "⅗": "three fifths",
    "⅘": "four fifths",
    "⅙": "one sixth",
    "⅚": "five sixths",
    "⅛": "one eighth",
    "⅜": "three eighths",
    "⅝": "five eighths",
    "⅞": "seven eighths",
}


def _units() -> dict[str, tuple[str, str, str]]:
    """Symbol, with its prefix -> one, many, and how it must stand: "spaced", "glued", "dotted" or ""."""
    lines = (files("speakkit") / "data" / "units.tsv").read_text("utf-8").splitlines()
    found: dict[str, tuple[str, str, str]] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        symbol, one, many, prefixes = line.split("\t")
        for prefix, name in PREFIXES.get(prefixes, {}).items():
            found.setdefault(prefix + symbol, (name + one, name + many, ""))
        found[symbol] = (one, many, "" if prefixes in PREFIXES or prefixes == "-" else prefixes)
    return found


UNITS = _units()
SYMBOLS = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
ANY = rf"(?:{NUMBER}\s?[{''.join(FRACTIONS)}]|[{''.join(FRACTIONS)}]|\d+\s\d/\d+|\d/\d{{1,2}}|{NUMBER})"
UNIT = rf"(?P<unit>{SYMBOLS})(?P<power>[²³]|\^[23]|(?<=m)[23](?!\d))?(?:/(?P<per>(?:{SYMBOLS}|second|minute|hour|day|week|month|year|user|person|token|step|file)s?)(?P<perpower>[²³]|\^[23])?)?(?![\w°/])"
START = r"(?<![\w.,$€£#@/:])"
TO = r"(?:\s?[-–—]\s?|\sto\s|\sx\s|\s?×\s?)"


def amount(text: str) -> Readings:
    """A written number, with or without a fraction, in words."""
    mixed = re.fullmatch(rf"({NUMBER})?\s?([{''.join(FRACTIONS)}])", text)
    if mixed:
        part = FRACTIONS[mixed[2]]
        return (
            (
                f"{decimal(mixed[1])} and {part.replace('one half', 'a half').replace('one quarter', 'a quarter')}",
                f"{decimal(mixed[1])} and {part}",
            )
            if mixed[1]
            else (part, part.replace("one ", "a "))
        )
    slashed = re.fullmatch(r"(?:(\d+)\s)?(\d)/(\d+)", text)
    if slashed:
        part = fraction(slashed[2], slashed[3])[0]
        return (f"{cardinal(slashed[1])} and {part.replace('one ', 'a ')}" if slashed[1] else part,)
    return with_and(decimal(text.replace(",", "")))


def unit_name(symbol: str, power: str, *, one: bool) -> str:
    """As "km", "²" -> "square kilometers"."""
    singular, plural, _ = UNITS[symbol]
    return POWERS.get(power, "") + (singular if one else plural)


def _is_describing(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 4) : match.start()].lower()
    after = match.string[match.end() : match.end() + 12]
    return bool(
        re.search(r"(?:^|\W)(?:a|an) $", before)
        and re.match(
            r"[ -](?!(?:in|of|on|for|to|and|or|a|per|an|each|is|more|less|at|from|with|than|was)\b)[a-z]", after
        )
    )


def _fits(match: re.Match[str]) -> bool:
    """Whether the symbol stands as it must, to be no word or letter of another kind."""
    symbol, spaced = match["unit"], match["gap"]
    how = UNITS[symbol][2]
    after = match.string[match.end() : match.end() + 2]
    if how == "spaced" or symbol in ("B", "b", "K", "V", "A", "N", "J", "F", "L", "W"):
        return bool(spaced)
    if how == "glued":
        return not spaced
    if how == "dotted":
        return spaced == "-" or bool(re.match(r"\.(?!\s*$)", after)) or bool(match["power"])
    return True


def _measure(match: re.Match[str]) -> Readings:
    if not _fits(match):
        return ()
    hyphen = match["gap"] == "-"
    one = (
        hyphen
        or _is_describing(match)
        or match["number"].lstrip("0") in ("1", "1.0")
        or match["number"] in FRACTIONS
        or bool(re.fullmatch(r"1/\d+", match["number"]))
    )
    name = unit_name(match["unit"], match["power"] or "", one=one and not match["first"])
    numbers = amount(match["number"])
    if match["first"]:
        between = "by" if "x" in match["to"] or "×" in match["to"] else "to"
        numbers = combined(amount(match["first"]), (between,), numbers)
    if match["minus"]:
        numbers = tuple(f"{minus} {number}" for minus in ("minus", "negative") for number in numbers)
    half = (f"half a {name}", f"half an {name}") if match["number"] in ("½", "1/2") else ()
    return _per(match, (*(f"{number} {name}" for number in numbers), *half))


def _per(match: re.Match[str], spoken: Readings) -> Readings:
    if not match["per"]:
        return spoken
    symbol = match["per"]
    power = match["perpower"] or ""
    name = PER.get(symbol) or (unit_name(symbol, "", one=True) if symbol in UNITS else symbol)
    per = {
        "²": f"per {name} squared",
        "^2": f"per {name} squared",
        "³": f"per cubic {name}",
        "^3": f"per cubic {name}",
    }.get(power, f"per {name}")
    other = (f"a {name}",) if not power else ()
    return tuple(f"{form} {how}" for how in (per, *other) for form in spoken)


def _feet(match: re.Match[str]) -> Readings:
    feet = cardinal(match["feet"])
    if not match["inches"]:
        return (f"{feet} {'foot' if match['feet'] == '1' else 'feet'}", f"{feet} foot")
    inches = amount(match["inches"])[0]
    unit = "inch" if match["inches"] == "1" else "inches"
    one = "foot" if match["feet"] == "1" else "feet"
    return (f"{feet} {one} {inches} {unit}", f"{feet} foot {inches}", f"{feet} foot {inches} {unit}")


def _inches(match: re.Match[str]) -> Readings:
    if match.string.count('"', 0, match.start()) % 2:
        return ()
    describing = _is_describing(match) or match.string[match.end() : match.end() + 2].strip()[:1].isalpha()
    return (f"{amount(match['inches'])[0]} {'inch' if match['inches'] == '1' or describing else 'inches'}",)


def _sheet(match: re.Match[str]) -> Readings:
    """As "8½" × 11""."""
    return (
        f"{amount(match['first'])[0]} by {amount(match['last'])[0]} inches",
        f"{amount(match['first'])[0]} inches by {amount(match['last'])[0]} inches",
    )


def _duration(match: re.Match[str]) -> Readings:
    """As "1h30m", "2m 15s", "1d 4h": the letters of time beside each other."""
    names = {"d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}
    parts = re.findall(r"(\d+(?:\.\d+)?)\s?(ms|[dhms])", match.group())
    said = [f"{decimal(number)} {names[letter]}{'s' * (number != '1')}" for number, letter in parts]
    return (" ".join(said), f"{' '.join(said[:-1])} and {said[-1]}")


RULES = (
    Rule(
        "duration",
        re.compile(
            rf"{START}\d+d\s?\d+h(?:\s?\d+m(?:in)?)?(?![\w])|{START}(?:\d+d\s?)?\d+h\s?\d+m(?:\s?\d+(?:\.\d+)?s)?(?!\w)|{START}\d+m\s?\d+(?:\.\d+)?s(?!\w)|{START}\d+s\s?\d+ms(?!\w)"
        ),
        _duration,
    ),
    Rule(
        "feet and inches",
        re.compile(rf"{START}(?P<feet>\d+)\s?['′’]\s?(?P<inches>\d+(?:\.\d+|\s?[½¼¾])?)\s?(?:[\"″”]|''|’’)"),
        _feet,
    ),
    Rule(
        "feet",
        re.compile(r"(?<![\w.,$'’])(?P<feet>\d+)(?P<inches>)(?:′|'(?=\s(?:tall|long|wide|deep|high|by|x)\b))"),
        _feet,
    ),
    Rule("inches", re.compile(rf"{START}(?P<first>{ANY})[\"″]\s?[x×]\s?(?P<last>{ANY})[\"″]"), _sheet),
    Rule("inches", re.compile(rf"{START}(?P<inches>\d+(?:\.\d+)?)\s?(?:″|\"(?!\w)|-inch\b(?!))"), _inches),
    Rule(
        "unit",
        re.compile(
            rf"{START}(?:(?<![\w)])(?P<minus>[-−]))?(?:(?P<first>{NUMBER})°?(?P<to>{TO}))?(?P<number>{ANY})(?P<gap>\s|-)?{UNIT}"
        ),
        _measure,
    ),
)
