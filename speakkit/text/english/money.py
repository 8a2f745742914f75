"""Rules for amounts of money."""

import re

from speakkit.text.english.numbers import cardinal, combined, count, decimal, quantity, signed, two_digits, ungrouped
from speakkit.text.english.patterns import NUMBER, TO, any_of, describes
from speakkit.text.english.tables import mapping, rows
from speakkit.text.english.units import per
from speakkit.text.rule import Readings, rule

CURRENCIES = {sign: names for sign, *names in rows("currencies")}
"""Sign or code -> name, plural, name of the smaller unit, its plural."""

MAGNITUDES = mapping("magnitudes")

BY_SIGN = any_of(sign for sign in CURRENCIES if not sign.isalpha())
BY_CODE = rf"(?:{any_of(sign for sign in CURRENCIES if sign.isalpha())})(?![A-Za-z])"
BEFORE = rf"(?P<sign>{BY_SIGN}|\b{BY_CODE}(?=\s?\d))"
"""A sign or code before an amount: "$", "US$", "USD", "Rs"."""

MAGNITUDE = rf"""(?:
    [\s-](?P<word>hundred|thousand|million|billion|trillion)(?![a-z])
    | \s?(?P<letter>{any_of(MAGNITUDES)})(?!\w)
)?"""
PERIODS = (
    "month mo year yr hour hr h week wk day d person user seat unit share night lb "
    "kg g oz gal mi mile km GB TB MB ft kWh MWh token request call seat head "
    "plate dozen barrel ton gram pound gallon liter piece page word item class visit ticket game"
)
PERIOD = rf"(?: \s?/\s?(?P<per>{any_of(PERIODS.split())})\b )?"
TAIL = rf"(?P<amount>\d+,\d\d(?!\d)|{NUMBER}) {MAGNITUDE}"
COLLOQUIAL = ("pound", "euro")
"""Currencies that are also counted in the singular."""

DECIMAL_COMMA = re.compile(r",(?=\d\d$)")
"""The comma in "€5,50"."""

END = r"(?!\d|[.,]\d)"


def said(sign: str, amount: str, magnitude: str = "", *, describing: bool = False) -> Readings:
    """Return the readings of an amount: "$", "5.99" -> "five dollars and ninety nine cents".

    describing: the amount modifies a noun, as in "a five dollar bill"
    """
    one, many, cent, cents = CURRENCIES[sign]
    plain = ungrouped(DECIMAL_COMMA.sub(".", amount))
    whole, _, part = plain.partition(".")
    whole = whole or "0"
    if magnitude:
        return combined(quantity(plain), (magnitude,), (one if describing else many,))
    units = (one,) if describing or int(whole) == 1 else (many, one) if one in COLLOQUIAL else (many,)
    if not int(part or "0"):
        article = ("an" if one[0] in "AI" else "a",) if int(whole) == 1 else ()
        return combined((*count(whole), *article), units)
    if len(part) != 2:
        return combined(quantity(plain), (many,))
    small = f"{cardinal(part)} {cent if int(part) == 1 else cents}"
    if not int(whole):
        return (small, f"{cardinal(whole)} {many} and {small}")
    if int(whole) != 1:
        units = (many, one) if one in COLLOQUIAL else (many,)
    rest = (f"and {small}", small, two_digits(part))
    short = (f"{cardinal(whole)} {two_digits(part)}",)
    full = combined(count(whole), units, rest)
    return short + full if describing else full + short


def _magnitude(match: re.Match[str]) -> str:
    return match["word"] or MAGNITUDES.get(match["letter"], "")


def _money(match: re.Match[str]) -> Readings:
    """Read "-$5.99", "a $5m deal", "$20/hour", "500 INR"."""
    spoken = said(match["sign"], match["amount"], _magnitude(match), describing=describes(match))
    if match["letter"] in ("k", "K"):
        spoken += (f"{decimal(ungrouped(match['amount']))} K",)
    return _for_each(signed(match["minus"] or match["inner"], spoken), match["per"])


def _for_each(spoken: Readings, unit: str | None) -> Readings:
    return tuple(f"{form} {how}" for how in per(unit) for form in spoken) if unit else spoken


def _range(match: re.Match[str]) -> Readings:
    """Read "$5-10", "$5m-$10m", "$5-€10"."""
    magnitude, own = _magnitude(match), MAGNITUDES.get(match["own"], "")
    last = said(match["again"] or match["sign"], match["amount"], magnitude)
    short = combined((decimal(match["first"]),), (own,))
    full = said(match["sign"], match["first"], own)[:1]
    if match["again"] not in (None, match["sign"]):
        firsts = full
    elif match["again"] and (own or not magnitude):
        firsts = full + short
    else:
        firsts = short
    return _for_each(combined(firsts, ("to",), last), match["per"])


def _cents(match: re.Match[str]) -> Readings:
    return (f"{decimal(match['amount'])} cent{'s' * (match['amount'] != '1')}",)


RULES = (
    rule(
        "money",
        rf"""(?<![\w$.]) {BEFORE} \s? (?P<first>{NUMBER}) (?P<own>[kKmMbB]|bn)? {TO} (?P<again>{BY_SIGN})?
        {TAIL} {PERIOD} {END}""",
        _range,
    ),
    rule(
        "money",
        rf"(?: (?<![\w)])(?P<minus>[-−+]) )? (?<![A-Za-z$]) {BEFORE} (?P<inner>[-−])? \s? {TAIL} {PERIOD} {END}",
        _money,
    ),
    rule(
        "money",
        rf"""(?<![\w.,$]) (?P<minus>) (?P<inner>) {TAIL}
        \s? (?P<sign> [€£₹₽₺₪₫₱₩] | \$(?!\w) | {BY_CODE}(?!\w) ) {PERIOD}""",
        _money,
    ),
    rule("money", rf"(?<![\w.,$]) (?P<amount>{NUMBER}) \s? ¢", _cents),
)
