"""Counts, fractions, ratios, scores, ranges, percentages, powers and ordinals."""

import re

from speakkit.text.english.numbers import cardinal, combined, decimal, fraction, ordinal, pairs, spelled, with_and, year
from speakkit.text.english.rule import Readings, Rule
from speakkit.text.english.units import ANY, FRACTIONS, NUMBER, amount

START = r"(?<![\w.,$€£#@/:^])"
END = r"(?![\w/]|[.,:]\d|-\d)"
TO = r"\s?[-–—]\s?"
MAGNITUDES = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "b": "billion",
    "B": "billion",
    "bn": "billion",
}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
PROVERBIAL = frozenset(("24/7", "9/11", "80/20", "20/20", "60/40", "70/30", "7/7", "16/9"))
COUNTING = re.compile(
    r"(?i:\b(?:step|page|part|task|test|tests|score|scored|rated|rating|gave it|got|chapter|batch|epoch|stage|slide|question)\s)$"
)
GAME = re.compile(
    r"(?i:\b(?:won|win|wins|lost|lose|loses|beat|beats|led|lead|leads|leading|up|down|tied|drew|draw|score|scored|victory|defeat|final)\b[^.!?]{0,30}$)"
)
SCORE_AFTER = re.compile(r"\s(?i:win|wins|victory|loss|defeat|lead|draw|vote|decision|score|record)\b")


def _percent(match: re.Match[str]) -> Readings:
    numbers = amount(match["number"])
    if match["first"]:
        numbers = combined(amount(match["first"]), ("to",), numbers)
    minus = ("minus", "negative") if match["sign"] in ("-", "−") else ("plus",) if match["sign"] == "+" else ("",)
    name = {"%": "percent", "‰": "per mille", "％": "percent"}[match["mark"]]
    return tuple(f"{sign} {number} {name}".strip() for sign in minus for number in numbers)


def _mixed(match: re.Match[str]) -> Readings:
    """As "2 1/2", "1⅓", "½"."""
    return amount(match["number"])


def _slashed(match: re.Match[str]) -> Readings:
    """As "3/4" of a whole, "7/10 checks", "24/7"."""
    top, bottom = match["top"], match["bottom"]
    both = f"{cardinal(top)} {cardinal(bottom)}"
    over = (f"{cardinal(top)} over {cardinal(bottom)}", f"{cardinal(top)} slash {cardinal(bottom)}")
    out_of = (f"{cardinal(top)} out of {cardinal(bottom)}", f"{cardinal(top)} of {cardinal(bottom)}")
    if f"{top}/{bottom}" in PROVERBIAL or (top == bottom and int(top) not in (5, 10, 100)):
        return (both, *over, *out_of)
    named = fraction(top, bottom) if int(top) < int(bottom) and not top.startswith("0") else ()
    is_count = COUNTING.search(match.string[max(0, match.start() - 30) : match.start()]) or (
        int(bottom) in (5, 10, 12, 20, 100) and re.match(r"\s[a-z]+s\b", match.string[match.end() :][:30])
    )
    if int(top) <= int(bottom) and (is_count or not named):
        return (*out_of, both, *over, *named)
    return (*named, *out_of, *over, both) if named else (*over, both)


def _ratio(match: re.Match[str]) -> Readings:
    return (
        f"{decimal(match['first'])} to {decimal(match['last'])}",
        f"{decimal(match['first'])} {decimal(match['last'])}",
    )


def _range(match: re.Match[str]) -> Readings:
    first, last = match["first"].replace(",", ""), match["last"].replace(",", "")
    low, high = amount(first), amount(last)
    before = match.string[max(0, match.start() - 60) : match.start()]
    if " = " in match.string and " " in match.group():
        return combined(low, ("minus",), high)
    if GAME.search(before) or SCORE_AFTER.match(match.string, match.end()):
        return (*combined(low, ("to",), high), *combined(low, high))
    return (*combined(low, ("to",), high), *combined(low, ("through",), high), *combined(low, high))


def _groups(match: re.Match[str]) -> Readings:
    """Long rows of digits and dashes, such as an ISBN or a part number: digit by digit."""
    groups = re.split(r"[- ]", match.group())
    return (", ".join(spelled(group) for group in groups), ", ".join(spelled(group, "oh") for group in groups))


def _scientific(match: re.Match[str]) -> Readings:
    power = cardinal(match["power"].lstrip("+-") or "0")
    sign = "minus " if match["power"][0] == "-" else ""
    head = decimal(match["number"])
    return (
        f"{head} times ten to the {sign}{power}",
        f"{head} times ten to the power of {sign}{power}",
        f"{head} E {sign}{power}",
        f"{head} times ten to the negative {power}",
    )


def _power(match: re.Match[str]) -> Readings:
    digits = (match["digits"] or match["raised"].translate(SUPERSCRIPTS)).lstrip("+")
    base = "" if not match["base"] else decimal(match["base"])
    named = {"2": ("squared", "to the second power"), "3": ("cubed", "to the third power")}.get(digits)
    if named:
        return tuple(f"{base} {name}".strip() for name in named)
    if digits.startswith("-"):
        return tuple(f"{base} to the {minus} {cardinal(digits[1:])}".strip() for minus in ("minus", "negative"))
    return tuple(
        f"{base} to the {name}".strip()
        for name in (ordinal(digits), f"power of {cardinal(digits)}", f"{ordinal(digits)} power", cardinal(digits))
    )


def _magnitude(match: re.Match[str]) -> Readings:
    number, letter = decimal(match["number"]), match["letter"]
    plus = " plus" * (match["plus"] == "+")
    named, bare = f"{number} {MAGNITUDES[letter]}{plus}", f"{number} {letter.upper()}{plus}"
    return (bare, named) if letter == "K" and match["number"] in ("2", "4", "5", "8", "10") else (named, bare)


def _by(match: re.Match[str]) -> Readings:
    sides = [side.replace(",", "") for side in re.split(r"\s?[x×X]\s?", match.group()) if side]
    said = [_side(side) for side in sides]
    return (" by ".join(said), " times ".join(said))


def _side(digits: str) -> str:
    if re.fullmatch(r"1[0-9][1-9]\d|19[12]\d", digits):
        return pairs(digits)
    return amount(digits)[0]


def _multiplier(match: re.Match[str]) -> Readings:
    number = decimal(match["number"])
    if match["first"]:
        number = f"{decimal(match['first'])} to {number}"
    return (
        (f"{number} X", f"{number} times")
        if not match.string[match.end() : match.end() + 2].strip()
        else (f"{number} times", f"{number} X")
    )


def _signed(match: re.Match[str]) -> Readings:
    names = {
        "-": ("minus", "negative"),
        "−": ("minus", "negative"),
        "+": ("plus",),
        "±": ("plus or minus",),
        "~": ("about", "approximately", "around"),
        "≈": ("about", "approximately"),
    }
    return combined(names[match["sign"]], amount(match["number"]))


def _ordinal(match: re.Match[str]) -> Readings:
    return with_and(ordinal(match["digits"]))


def _or_more(match: re.Match[str]) -> Readings:
    return (f"{amount(match['number'])[0]} plus",)


def _number(match: re.Match[str]) -> Readings:
    """A bare number: a count, a code with leading zeros, or a long row of digits."""
    digits = match["number"]
    if "." in digits:
        return (
            *with_and(decimal(digits.replace(",", ""))),
            decimal(digits.replace(",", "")).replace("zero point", "point"),
        )
    if "," in digits:
        return with_and(cardinal(digits))
    if re.fullmatch(r"00[1-9]", digits):
        return (f"double oh {cardinal(digits[2])}", spelled(digits), spelled(digits, "oh"))
    if digits.startswith("0") and len(digits) > 1:
        return (spelled(digits), spelled(digits, "oh"))
    if len(digits) > 6 and not digits.endswith("000"):
        return (spelled(digits), spelled(digits, "oh"))
    if len(digits) == 4 and digits[2:] == "00" and digits[1] != "0":
        return (*with_and(cardinal(digits)), f"{cardinal(digits[:2])} hundred")
    return (*with_and(cardinal(digits)), *(year(digits) if len(digits) == 4 else ()))


def _left_over(match: re.Match[str]) -> Readings:
    digits = match.group()
    if len(digits) > 4 or digits.startswith("0"):
        return (spelled(digits), cardinal(digits))
    return (cardinal(digits), spelled(digits))


FIRST = (
    Rule(
        "percent",
        re.compile(
            rf"{START}(?P<sign>[-−+](?<![\w)].))?(?:(?P<first>{NUMBER})%?{TO})?(?P<number>{ANY})\s?(?P<mark>[%‰％])"
        ),
        _percent,
    ),
    Rule(
        "scientific",
        re.compile(rf"{START}(?P<number>\d+(?:\.\d+)?)(?:[eE]|\s?[×x]\s?10\^)(?P<power>[-+]?\d{{1,3}})(?!\w|\.\d)"),
        _scientific,
    ),
    Rule(
        "digits",
        re.compile(
            r"(?<![\w.-])(?:\d+-){2,6}[\dX]+(?![\w-]|\.\d)|(?<![\w.-])\d{4} \d{4} \d{4} \d{4}(?![\w-])|(?<=[A-Z]{2} )\d{5}(?:-\d{4})?(?![\w-])"
        ),
        _groups,
    ),
    Rule(
        "magnitude", re.compile(rf"{START}(?P<number>\d+(?:\.\d+)?)(?P<letter>[kK])(?P<plus>\+)?(?![\w/])"), _magnitude
    ),
    Rule(
        "magnitude",
        re.compile(
            rf"{START}(?P<number>\d+(?:\.\d+)?)(?P<letter>[mMbB]|bn)(?P<plus>\+)?(?=\s(?!(?:in|of|from|to|away)\b)[a-z]+s\b)"
        ),
        _magnitude,
    ),
    Rule(
        "times",
        re.compile(rf"{START}(?:(?P<first>\d+(?:\.\d+)?){TO})?(?P<number>\d+(?:\.\d+)?)\s?[x×](?!\w|\s?\d)"),
        _multiplier,
    ),
)
"""Those that come before units, which would take their letters for symbols."""

RULES = (
    Rule(
        "power",
        re.compile(
            rf"(?:{START}(?P<base>{NUMBER})|(?<=[A-Za-z)])(?P<none>))(?:\^(?P<digits>-?\d{{1,3}})(?!\w|\.\d)|(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,3}}))"
        ),
        _power,
    ),
    Rule(
        "fraction", re.compile(rf"{START}(?P<number>\d+\s\d/\d{{1,2}}|(?:\d+\s?)?[{''.join(FRACTIONS)}]){END}"), _mixed
    ),
    Rule("dimensions", re.compile(rf"{START}{NUMBER}(?:\s?[x×]\s?{NUMBER}){{1,2}}(?!\w|\.\d)"), _by),
    Rule("fraction", re.compile(rf"{START}(?P<top>\d{{1,4}})/(?P<bottom>\d{{1,4}}){END}"), _slashed),
    Rule(
        "ratio",
        re.compile(rf"{START}(?P<first>\d{{1,4}}(?:\.\d+)?):(?P<last>\d{{1,4}}(?:\.\d+)?)(?![\w/]|[.:]\d)"),
        _ratio,
    ),
    Rule("range", re.compile(rf"{START}(?P<first>{NUMBER}){TO}(?P<last>{NUMBER})(?![\w/%]|[.,:]\d|-\d)"), _range),
    Rule(
        "ordinal", re.compile(r"(?<![\w.,])(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th|ˢᵗ|ⁿᵈ|ʳᵈ|ᵗʰ)\b"), _ordinal
    ),
    Rule(
        "signed number",
        re.compile(rf"(?<![\w.,)\]%$/=-])(?P<sign>[-−+])(?P<number>{ANY})(?![\w/]|[.,:]\d|-\d)"),
        _signed,
    ),
    Rule("signed number", re.compile(rf"(?P<sign>[±~≈])\s?(?P<number>{ANY})(?![\w/]|[.,:]\d|-\d)"), _signed),
    Rule("number", re.compile(rf"{START}(?P<number>{NUMBER})\+(?![\w+])"), _or_more),
    Rule("number", re.compile(rf"(?<![\w,])(?<!\w\.)(?P<number>{NUMBER})(?!\w|[.,]\d)"), _number),
)

LAST = (Rule("digits", re.compile(r"\d+"), _left_over),)
"""Whatever digits no other rule has taken: an engine would guess at them, or be silent."""
