"""Rules for counts, fractions, ratios, scores, ranges, percentages, powers and ordinals."""

import re

from speakkit.text.english.numbers import (
    amount,
    cardinal,
    combined,
    decimal,
    fraction,
    ordinal,
    pairs,
    pixels,
    plural,
    quantity,
    signed,
    spelled,
    ungrouped,
    with_and,
    year,
)
from speakkit.text.english.patterns import AMOUNT, COUNTED, DECIMAL, END, NUMBER, START, TO, UNCOUNTED, VULGAR
from speakkit.text.english.tables import mapping
from speakkit.text.rule import Readings, rule

MAGNITUDES = mapping("magnitudes")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
PROVERBIAL = frozenset(("24/7", "9/11", "80/20", "20/20", "60/40", "70/30", "7/7", "16/9"))
"""Pairs of numbers that are read as two numbers."""

DAYS = {"9/11": ("September eleventh", "September the eleventh", "the eleventh of September")}
"""Those of PROVERBIAL that are days."""

COUNTED_THINGS = (
    "step|page|part|task|tests?|scored?|rated|rating|gave it|got|chapter|batch|epoch|stage|slide|question|"
    "attempt|try|retry|round|episode|day|week|job|worker|shard|item|file|run|check|phase|level|lesson|disc|volume|issue|iteration|lap"
)
COUNTING = re.compile(rf"\b(?:{COUNTED_THINGS})\s$", re.IGNORECASE)
"""Words before "3/4" if it means three of four."""

GAME = re.compile(
    r"\b(?:won|wins?|lost|loses?|beats?|led|leads?|leading|up|down|tied|drew|draw|scored?|victory|defeat|final"
    r"|vote[ds]?)\b"
    r"[^.!?]{0,30}$",
    re.IGNORECASE,
)
PLACE = re.compile(r"\b(?:pages?|lines?|numbers?|sections?|channel|exit|extension)\s$", re.IGNORECASE)
"""Words before a number that is a name and may be read digit by digit."""

SHAPES = frozenset(("16:9", "16:10", "4:3", "3:2", "21:9", "1:1"))
"""Ratios of screens and pictures."""

QUANTITY = re.compile(r"\s(?!(?:is|was|are|were|and|or|in|on|at|by|to|but|for|with|has|had|out)\b)[a-z]")
"""Text after "3/4" if it is a part of something: "3/4 of it", "3/4 cup"."""

OUTCOME = re.compile(r"\s(?:wins?|victory|loss|defeat|lead|draw|vote|decision|score|record)\b", re.IGNORECASE)
"""Text before (GAME) or after (OUTCOME) "3-1" if it is a score."""

RECORD = re.compile(r"\brecord\b[^.!?]{0,30}$", re.IGNORECASE)
"""Words before "10-6" if it is games won and lost."""

APPROXIMATE = {
    "±": ("plus or minus",),
    "~": ("about", "approximately", "around"),
    "≈": ("about", "approximately"),
}


def _before(match: re.Match[str], most: int) -> str:
    return match.string[max(0, match.start() - most) : match.start()]


def _percent(match: re.Match[str]) -> Readings:
    numbers = amount(match["number"])
    if match["first"]:
        numbers = combined(amount(match["first"]), ("to",), numbers)
    return combined(signed(match["sign"], numbers), ("per mille" if match["mark"] == "‰" else "percent",))


def _amount(match: re.Match[str]) -> Readings:
    """Read "2 1/2", "1⅓", "½"."""
    return amount(match["number"])


def _slashed(match: re.Match[str]) -> Readings:
    """Read "3/4" of a whole, "7/10 checks", "24/7"."""
    top, bottom = match["top"], match["bottom"]
    low, high = cardinal(top), cardinal(bottom)
    both, over = (f"{low} {high}",), (f"{low} over {high}", f"{low} slash {high}")
    out_of = (f"{low} out of {high}", f"{low} of {high}")
    named = fraction(top, bottom) if top != bottom and not top.startswith("0") else ()
    if match["nth"]:
        return (*fraction(top, bottom), *over)
    if f"{top}/{bottom}" in PROVERBIAL or top == bottom == "50":
        return (*both, *(out_of if _is_count(match) else DAYS.get(f"{top}/{bottom}", ())))
    if int(top) > int(bottom):
        return (*over, *both, *named)
    if _is_count(match) or not named:
        return (*out_of, *both, *over[1:])
    return named if QUANTITY.match(match.string, match.end()) else (*named, *out_of, over[0])


def _is_count(match: re.Match[str]) -> bool:
    """Return whether "3/4" means so many of so many: "step 3/4", "7/10 checks"."""
    of_a_round_number = int(match["bottom"]) in (5, 10, 12, 20, 100)
    followed_by_plural = re.match(r"\s[a-z]{1,28}s\b", match.string[match.end() : match.end() + 32])
    return bool(COUNTING.search(_before(match, 30)) or (of_a_round_number and followed_by_plural))


def _ratio(match: re.Match[str]) -> Readings:
    first, last = decimal(match["first"]), decimal(match["last"])
    shaped = (f"{first} by {last}",) if match.group() in SHAPES else ()
    return (f"{first} to {last}", f"{first} {last}", *shaped)


def _range(match: re.Match[str]) -> Readings:
    """Read "5-10", a score such as "3-1", a difference such as "5 - 3 = 2"."""
    low, high = amount(match["first"]), amount(match["last"])
    if " = " in match.string and " " in match.group():
        return combined(low, ("minus",), high)
    if RECORD.search(_before(match, 60)):
        return combined(low, ("to", "and", ""), high)
    is_score = GAME.search(_before(match, 60)) or OUTCOME.match(match.string, match.end())
    if is_score or float(ungrouped(match["first"])) >= float(ungrouped(match["last"])):
        return combined((*low, *_points(match["first"])), ("to", ""), (*high, *_points(match["last"])))
    return combined(low, ("to", "through"), high)


def _points(digits: str) -> Readings:
    """Read three digits in a score: "102" -> "one oh two"."""
    return (pairs(digits),) if digits.isdecimal() and len(digits) == 3 else ()


def _groups(match: re.Match[str]) -> Readings:
    """Read groups of digits with dashes: an ISBN or part number by its digits, "10-5-2" and "4-4-2" by its numbers."""
    groups = re.split(r"[-\s]", match.group())
    if all(len(group) <= 2 and group.isdecimal() and not group.startswith("0") for group in groups):
        return (", ".join(cardinal(group) for group in groups),)
    return tuple(", ".join(_digits(group, zero) for group in groups) for zero in ("zero", "oh"))


def _digits(group: str, zero: str) -> str:
    """Return the digits of a group, and the X that may end an ISBN."""
    return " ".join(filter(None, (spelled(group, zero), "X" * group.endswith("X"))))


def _scientific(match: re.Match[str]) -> Readings:
    power = cardinal(match["power"].lstrip("+-"))
    sign = "minus " if match["power"][0] == "-" else ""
    times = f"{decimal(match['number'])} times ten to the"
    return (
        f"{times} {sign}{power}",
        f"{times} power of {sign}{power}",
        f"{decimal(match['number'])} E {sign}{power}",
        f"{times} negative {power}",
    )


def _power(match: re.Match[str]) -> Readings:
    """Read "10^6", "x²", "10⁻³"; a base in letters is before the match."""
    base = decimal(match["base"]) if match["base"] else ""
    return combined((base,), _exponent(match["digits"] or match["raised"].translate(SUPERSCRIPTS)))


def _exponent(digits: str) -> Readings:
    if digits == "2":
        return ("squared", "to the second power")
    if digits == "3":
        return ("cubed", "to the third power")
    if digits.startswith("-"):
        return combined(("to the",), signed("-", (cardinal(digits[1:]),)))
    nth, number = ordinal(digits), cardinal(digits)
    return combined(("to the",), (nth, f"power of {number}", f"{nth} power", number))


def _magnitude(match: re.Match[str]) -> Readings:
    """Read "5k", "10K+", "5-10k", "5M users"; 2, 4, 5, 8 and 10 with a K are more often letters, as in "4K"."""
    number, letter = decimal(match["number"]), match["letter"]
    plus = "plus" * (match["plus"] == "+")
    first = f"{decimal(match['first'])} to" if match["first"] else ""
    named, bare = (combined((first,), (number,), (said,), (plus,)) for said in (MAGNITUDES[letter], letter.upper()))
    return bare + named if letter == "K" and match["number"] in ("2", "4", "5", "8", "10") else named + bare


def _by(match: re.Match[str]) -> Readings:
    *first, last = [pixels(side.rstrip("s")) for side in re.split(r"\s?[x×]\s?", match.group())]
    sides = [*first, plural(last) if match.group().endswith("s") else last]
    return (" by ".join(sides), " times ".join(sides))


def _multiplier(match: re.Match[str]) -> Readings:
    """Read "3x faster", "2-4x"; the letter first if nothing follows."""
    number = decimal(match["number"])
    if match["first"]:
        number = f"{decimal(match['first'])} to {number}"
    is_last = not match.string[match.end() : match.end() + 2].strip()
    return (f"{number} X", f"{number} times") if is_last else (f"{number} times", f"{number} X")


def _signed(match: re.Match[str]) -> Readings:
    return signed(match["sign"], amount(match["number"]))


def _approximate(match: re.Match[str]) -> Readings:
    return combined(APPROXIMATE[match["sign"]], amount(match["number"]))


def _ordinal(match: re.Match[str]) -> Readings:
    return with_and(ordinal(match["digits"]))


def _or_more(match: re.Match[str]) -> Readings:
    return combined(amount(match["number"]), ("plus",))


def _number(match: re.Match[str]) -> Readings:
    """Read a bare number: a count, a code with leading zeros, or a long row of digits."""
    written = match["number"]
    digits = ungrouped(written)
    counts = quantity(digits)
    if COUNTED.match(match.string, match.end()) or (digits != written and "." not in digits):
        return counts
    if "." in digits:
        spoken = decimal(digits)
        return (spoken, *with_and(spoken), spoken.replace("zero point", "point"))
    if re.fullmatch(r"00[1-9]", digits):
        return (f"double oh {cardinal(digits[2])}", spelled(digits), spelled(digits, "oh"))
    if (len(digits) > 1 and digits.startswith("0")) or (len(digits) > 6 and not digits.endswith("000")):
        return (spelled(digits), spelled(digits, "oh"))
    if len(digits) == 3 and PLACE.search(_before(match, 15)):
        return (*counts, pairs(digits), spelled(digits))
    return (*counts, *((*year(digits), pairs(digits)) if len(digits) == 4 else ()))


def _left_over(match: re.Match[str]) -> Readings:
    digits = match.group()
    if "." in digits:
        return (" point ".join((cardinal(digits.split(".")[0]), *map(spelled, digits.split(".")[1:]))),)
    forms = (cardinal(digits), spelled(digits))
    return forms[::-1] if len(digits) > 4 or digits.startswith("0") else forms


PERCENT = rf"""{START} (?P<sign>[-−+](?<![\w)].))? (?: (?P<first>{NUMBER})%? {TO} )? (?P<number>{AMOUNT})
    \s? (?P<mark>[%‰％])"""

SCIENTIFIC = rf"""{START} (?P<number>{DECIMAL}) (?: [eE] | \s?[×x]\s?10\^ ) (?P<power>[-+]?\d{{1,3}}) (?!\w|\.\d)"""

GROUPS = rf"""(?<![\w.-]) (?:\d+-){{2,6}} [\dX]+ (?![\w-]|\.\d)
    | (?<![\w.-]) \d{{4}}\s\d{{4}}\s\d{{4}}\s\d{{4}} (?![\w-])
    | (?<![\w.-]) \d{{5}}-\d{{4}} (?![\w-]|\.\d)
    | (?<=\b[A-Z]{{2}}\s) \d{{5}}(?:-\d{{4}})? (?![\w-]) {UNCOUNTED}"""
"""Numbers with two dashes or more, card numbers, and ZIP codes after a state."""

POWER = rf"""(?: {START}(?P<base>{NUMBER}) | (?<=[A-Za-z)]) )
    (?: \^(?P<digits>-?\d{{1,3}}) (?!\w|\.\d) | (?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,3}}) )"""

FIRST = (
    rule("percent", PERCENT, _percent),
    rule("scientific", SCIENTIFIC, _scientific),
    rule("digits", GROUPS, _groups),
    rule(
        "magnitude",
        rf"""{START} (?: (?P<first>{DECIMAL})[kK]? {TO} )? (?P<number>{DECIMAL}) (?P<letter>[kK]) (?P<plus>\+)?
        (?![\w/])""",
        _magnitude,
    ),
    rule(
        "magnitude",
        rf"""{START} (?: (?P<first>{DECIMAL}) {TO} )? (?P<number>{DECIMAL}) (?P<letter>[mMbB]|bn) (?P<plus>\+)?
        (?=\s(?!(?:in|of|from|to|away)\b)[a-z]+s\b)""",
        _magnitude,
    ),
    rule(
        "times",
        rf"{START} (?: (?P<first>{DECIMAL}) {TO} )? (?P<number>{DECIMAL}) \s?[x×] (?!\w|\s?\d|\s?[-+=−/]\s?[\d(a-z])",
        _multiplier,
    ),
)
"""Rules that apply before those for units, which would read their letters as symbols."""

RULES = (
    rule("power", POWER, _power),
    rule("fraction", rf"{START} (?P<number>\d+\s\d/\d{{1,2}}|(?:\d+\s?)?[{VULGAR}]) {END}", _amount),
    rule("dimensions", rf"{START} {NUMBER} (?: \s?[x×]\s? {NUMBER} ){{1,2}} s? (?!\w|\.\d)", _by),
    rule("fraction", rf"{START} (?P<top>\d{{1,4}})/(?P<bottom>\d{{1,4}}) (?P<nth>ths?|rds?|nds?)? {END}", _slashed),
    rule(
        "ratio",
        rf"{START} (?P<first>\d{{1,4}}(?:\.\d+)?) : (?P<last>\d{{1,4}}(?:\.\d+)?) (?![\w/]|[.:]\d)",
        _ratio,
    ),
    rule("range", rf"{START} (?P<first>{NUMBER}) {TO} (?P<last>{NUMBER}) {END} (?!%)", _range),
    rule(
        "ordinal",
        r"(?<![\w.,]) (?P<digits>\d{1,3}(?:,\d{3})+|\d+) (?: (?i:st|nd|rd|th) | ˢᵗ | ⁿᵈ | ʳᵈ | ᵗʰ ) \b",
        _ordinal,
    ),
    rule("signed number", rf"(?<![\w.,)\]%$/=-]) (?P<sign>[-−+]) (?P<number>{AMOUNT}) {END}", _signed),
    rule("signed number", rf"(?P<sign>[±~]|(?<![\w)]\s)≈) \s? (?P<number>{AMOUNT}) {END}", _approximate),
    rule("number", rf"{START} (?P<number>{NUMBER}) \+ (?![\w+])", _or_more),
    rule("number", rf"(?<![\w,])(?<!\w\.) (?P<number>{NUMBER}) (?!\w|[.,]\d)", _number),
)

LAST = tuple(rule("digits", pattern, _left_over) for pattern in (r"(?<!\d\.) \d+(?:\.\d+)*", r"\d+", r"\d"))
"""Rules for digits that no other rule has read, in part or whole, because an engine would misread or skip them."""
