"""Amounts of money."""

import re
from importlib.resources import files

from speakkit.text.english.numbers import cardinal, decimal, with_and
from speakkit.text.english.rule import Readings, Rule

MAGNITUDES = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "mm": "million",
    "MM": "million",
    "b": "billion",
    "B": "billion",
    "bn": "billion",
    "t": "trillion",
    "T": "trillion",
    "tn": "trillion",
}
MAGNITUDE = r"(?:(?:\s(?P<word>hundred|thousand|million|billion|trillion))(?![a-z])|\s?(?P<letter>bn|mn|mm|tn|MM|[kKmMbBtT])(?![\w]))?"
AMOUNT = r"(?P<amount>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
PER = {"mo": "month", "yr": "year", "hr": "hour", "h": "hour", "wk": "week", "d": "day"}


def _currencies() -> dict[str, tuple[str, str, str, str]]:
    lines = (files("speakkit") / "data" / "currencies.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {sign: (one, many, cent, cents) for sign, one, many, cent, cents in rows}


CURRENCIES = _currencies()
SIGNS = "|".join(sorted((re.escape(sign) for sign in CURRENCIES if not sign.isalpha()), key=len, reverse=True))
CODES = "|".join(sign for sign in CURRENCIES if sign.isupper() and sign.isalpha())


def said(sign: str, amount: str, magnitude: str = "", *, describing: bool = False) -> Readings:
    """As "$", "5.99" -> "five dollars and ninety nine cents"; `describing`: as in "a five dollar bill"."""
    one, many, cent, cents = CURRENCIES[sign]
    whole, _, part = amount.replace(",", "").partition(".")
    if magnitude:
        return _all(decimal(amount.replace(",", "")), f"{magnitude} {one if describing else many}")
    if not part or not int(part):
        unit = one if describing or int(whole or 0) == 1 else many
        return _all(cardinal(whole or "0"), unit)
    if len(part) != 2:
        return _all(decimal(amount.replace(",", "")), many)
    small = f"{cardinal(str(int(part)))} {cent if int(part) == 1 else cents}"
    if not int(whole or 0):
        return (small,)
    unit = one if int(whole) == 1 else many
    short = f"{cardinal(whole)} {'oh ' * (part[0] == '0')}{cardinal(str(int(part)))}"
    full = tuple(f"{number} {unit} and {small}" for number in with_and(cardinal(whole)))
    return (short, *full) if describing else (*full, f"{cardinal(whole)} {unit} {small}", short)


def _all(number: str, unit: str) -> Readings:
    return tuple(f"{form} {unit}" for form in with_and(number))


def _magnitude(match: re.Match[str]) -> str:
    return match["word"] or MAGNITUDES.get(match["letter"] or "", "")


def _is_describing(match: re.Match[str]) -> bool:
    """Whether the amount describes what follows: "a $5 bill", "$10-a-day"."""
    before = match.string[max(0, match.start() - 4) : match.start()].lower()
    after = match.string[match.end() : match.end() + 12]
    article = re.search(r"(?:^|\W)(?:a|an) $", before)
    return bool(article and re.match(r"[ -](?!(?:in|of|on|for|to|and|or|a|per|an|each|is|more|less)\b)[a-z]", after))


def _money(match: re.Match[str]) -> Readings:
    sign = match["sign"]
    spoken = said(sign, match["amount"], _magnitude(match), describing=_is_describing(match))
    if match["minus"] or match["inner"]:
        spoken = tuple(f"{minus} {form}" for minus in ("minus", "negative") for form in spoken)
    return _per(spoken, match["per"])


def _per(spoken: Readings, unit: str | None) -> Readings:
    if not unit:
        return spoken
    word = PER.get(unit, unit)
    return tuple(
        f"{form} {per} {word}"
        for per in ("per", "an" if word[0] in "aeiou" or word == "hour" else "a")
        for form in spoken
    )


def _range(match: re.Match[str]) -> Readings:
    """As "$5-10", "$5m–$10m"."""
    magnitude = _magnitude(match)
    first_magnitude = MAGNITUDES.get(match["own"] or "", "")
    first = decimal(match["first"].replace(",", "")) + (f" {first_magnitude}" if first_magnitude else "")
    last = said(match["sign"], match["amount"], magnitude)
    if match["again"] and (first_magnitude or not magnitude):
        full = said(match["sign"], match["first"], first_magnitude)[0]
        return (*(f"{full} to {end}" for end in last), *(f"{first} to {end}" for end in last))
    return tuple(f"{first} to {end}" for end in last)


def _trailing(match: re.Match[str]) -> Readings:
    """As "500 INR", "5 €", "50¢"."""
    return said(match["sign"], match["amount"], _magnitude(match))


def _cents(match: re.Match[str]) -> Readings:
    number = decimal(match["amount"].replace(",", ""))
    return (f"{number} cent{'s' * (match['amount'] != '1')}",)


END = r"(?!\d|[.,]\d)"
PERIOD = r"(?:\s?/\s?(?P<per>month|mo|year|yr|hour|hr|h|week|wk|day|d|person|user|seat|unit|share|night)\b)?"

RULES = (
    Rule(
        "money",
        re.compile(
            rf"(?<![\w$.])(?P<sign>{SIGNS}|(?:{CODES})(?=\s?\d))\s?(?P<first>\d[\d,]*(?:\.\d+)?)(?P<own>[kKmMbB]|bn)?\s?[-–—]\s?"
            rf"(?P<again>{SIGNS})?{AMOUNT}{MAGNITUDE}{END}"
        ),
        _range,
    ),
    Rule(
        "money",
        re.compile(
            rf"(?:(?<![\w)])(?P<minus>[-−]))?(?<![A-Za-z$])(?P<sign>{SIGNS}|\b(?:{CODES})(?=\s?\d))(?P<inner>[-−])?\s?{AMOUNT}"
            rf"{MAGNITUDE}{PERIOD}{END}"
        ),
        _money,
    ),
    Rule("money", re.compile(rf"(?<![\w.,$]){AMOUNT}{MAGNITUDE}\s?(?P<sign>[€£₹₽₺₪₫₱₩]|(?:{CODES})(?!\w))"), _trailing),
    Rule("money", re.compile(rf"(?<![\w.,$]){AMOUNT}\s?¢"), _cents),
)
