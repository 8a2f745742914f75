"""English numbers in words. Digits are passed as strings, so that none is lost: "007", "1.50"."""

import re
import unicodedata
from functools import lru_cache
from itertools import product

from num2words import num2words

from speakkit.text.english.patterns import NUMBER, VULGAR
from speakkit.text.rule import Readings

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

MOST = 36
"""Digits; a longer number is read digit by digit, because its magnitude has no common name."""

SIGNS = {"-": ("minus", "negative"), "−": ("minus", "negative"), "+": ("plus",)}

MIXED = re.compile(
    rf"(?P<whole>{NUMBER})? \s? (?: (?P<sign>[{VULGAR}]) | (?<!\d) (?P<top>\d+) / (?P<bottom>\d+) )", re.VERBOSE
)


@lru_cache(maxsize=4096)
def cardinal(digits: str) -> str:
    """Return a cardinal number in words: "1234" or "1,234" -> "one thousand two hundred thirty four"."""
    plain = ungrouped(digits)
    return _plain(num2words(int(plain))) if len(plain) <= MOST else spelled(plain)


@lru_cache(maxsize=4096)
def ordinal(digits: str) -> str:
    """Return an ordinal number in words: "22" -> "twenty second"."""
    plain = ungrouped(digits)
    return _plain(num2words(int(plain), to="ordinal")) if len(plain) <= MOST else spelled(plain)


def ungrouped(digits: str) -> str:
    """Return the number without thousands separators: "1,234.5" -> "1234.5"."""
    return re.sub(r"[,\s]", "", digits)


def spelled(digits: str, zero: str = "zero") -> str:
    """Return the digits one by one: "007" -> "zero zero seven". `zero` may be "oh". Other characters are skipped."""
    return " ".join(zero if int(digit) == 0 else DIGITS[int(digit)] for digit in digits if digit.isdecimal())


def decimal(digits: str) -> str:
    """Return a decimal number in words: "3.14" -> "three point one four"; without a point as `cardinal`."""
    whole, _, part = digits.partition(".")
    return f"{cardinal(whole or '0')} point {spelled(part)}" if part else cardinal(whole)


def amount(written: str) -> Readings:
    """Read a number with or without a fraction: "2½" and "2 1/2" -> "two and a half", "two and one half"."""
    mixed = MIXED.fullmatch(written)
    if not mixed:
        return quantity(ungrouped(written))
    sign, top, bottom = mixed["sign"], mixed["top"], mixed["bottom"]
    if sign:
        top, bottom = unicodedata.normalize("NFKC", sign).split("\N{FRACTION SLASH}")
    parts = fraction(top, bottom) or (f"{cardinal(top)} over {cardinal(bottom)}",)
    if not mixed["whole"]:
        return parts
    behind_and = sorted((part for part in parts if part != "half"), key=lambda part: part.startswith("one "))
    return combined((decimal(mixed["whole"]),), ("and",), tuple(behind_and))


def signed(sign: str | None, spoken: Readings) -> Readings:
    """Return `spoken` with the word for `sign` before it, if any: a minus, a hyphen used as one, or a plus."""
    return combined(SIGNS[sign], spoken) if sign else spoken


def counted(digits: str, noun: str) -> str:
    """Return a number and its noun: "1", "hour" -> "one hour"; "2.5", "hour" -> "two point five hours"."""
    return f"{decimal(digits)} {noun}{'s' * (digits.lstrip('0') != '1')}"


def year(digits: str) -> Readings:
    """Read a year of one to four digits: "1905" -> "nineteen oh five", "2005" -> "two thousand five"."""
    number = int(digits)
    high, low = divmod(number, 100)
    if number < 1000 or number % 1000 == 0:
        return (*count(digits), *((f"{cardinal(str(high))} {two_digits(digits[-2:])}",) if low and high % 10 else ()))
    centuries = f"{cardinal(str(high))} hundred"
    if low == 0:
        return (centuries,)
    pair = f"{cardinal(str(high))} {'oh ' * (low < 10)}{cardinal(str(low))}"
    if high % 10 == 0:
        whole = count(digits) if high != 10 or low < 10 else ()
        return (*whole, pair) if 2000 <= number < 2010 else (pair, *whole)
    return (pair, f"{centuries} {cardinal(str(low))}", f"{centuries} and {cardinal(str(low))}") if low < 10 else (pair,)


@lru_cache(maxsize=4096)
def count(digits: str) -> Readings:
    """Return the readings of a count: "105" -> with and without "and", with "a"; "1500" -> "fifteen hundred" too."""
    words = cardinal(digits)
    if len(ungrouped(digits)) > MOST:
        return (words,)
    number = int(ungrouped(digits))
    high, low = divmod(number, 100)
    ways = with_and(words)
    if number > 1000 and 0 < number % 1000 < 100:
        ways += (f"{cardinal(str(number - number % 1000))} and {cardinal(str(number % 1000))}",)
    if 1100 <= number < 10_000 and high % 10:
        ways += with_and(f"{cardinal(str(high))} hundred {cardinal(str(low)) if low else ''}".strip())
    if number in (100, 1000, 1_000_000) or 100 < number < 200:
        ways += tuple(f"a{way.removeprefix('one')}" for way in ways if way.startswith("one "))
    return ways


def quantity(digits: str) -> Readings:
    """Return the readings of a count or a decimal fraction, as of a measure: "1.5" -> "one and a half" too."""
    whole, _, part = digits.partition(".")
    if not part:
        return count(digits)
    ways = with_and(decimal(digits))
    if part == "5" and int(whole or "0"):
        ways += (f"{cardinal(whole)} and a half",)
    return ways if int(whole or "0") else (*ways, ways[0].replace("zero point", "point"))


def pairs(digits: str) -> str:
    """Read digits as of rooms, flights and highways: "1508" -> "fifteen oh eight", "370" -> "three seventy"."""
    if int(digits[0]) == 0 or len(digits) > 4:
        return spelled(digits, "oh")
    head, tail = digits[:-2], digits[-2:]
    if not head:
        return cardinal(digits)
    if int(tail) == 0:
        return cardinal(digits) if int(head) % 10 == 0 else f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {two_digits(tail)}"


def pixels(digits: str) -> str:
    """Read the side of a screen: "1920" -> "nineteen twenty", "800" -> "eight hundred"."""
    return pairs(digits) if re.fullmatch(r"1\d[1-9]\d", digits) else decimal(digits)


def plural(number: str) -> str:
    """Return the plural of a number in words: "twenty" -> "twenties", "six" -> "sixes", "oh two" -> "oh twos"."""
    if number.endswith("y"):
        return f"{number[:-1]}ies"
    return f"{number}{'es' if number.endswith('x') else 's'}"


def two_digits(digits: str) -> str:
    """Read two digits as minutes or years: "05" -> "oh five", "45" -> "forty five"."""
    return f"oh {cardinal(digits[1])}" if int(digits[0]) == 0 else cardinal(digits)


def fraction(top: str, bottom: str) -> Readings:
    """Return the readings of a fraction: "3", "4" -> "three quarters", "three fourths"; () if it has no common name."""
    parts, one = int(bottom), int(top) == 1
    counts = (cardinal(top), "a") if one else (cardinal(top),)
    if parts == 2 and int(top) % 2:
        halves = tuple(f"{number} {'half' if one else 'halves'}" for number in counts)
        return (*halves, "half") if one else halves
    if not (3 <= parts <= 20 or parts in (32, 64, 100, 1000)):
        return ()
    named = ("quarter", "fourth") if parts == 4 else (ordinal(bottom),)
    return tuple(f"{number} {name}{'s' * (not one)}" for name in named for number in counts)


def with_and(words: str) -> Readings:
    """Return a number in words without and with "and" after its hundreds, because both are in use."""
    if " hundred " not in words:
        return (words,)
    return (words, words.replace(" hundred ", " hundred and "))


def combined(*parts: Readings) -> Readings:
    """Return all combinations of the parts' readings, joined by spaces, those with the first readings first."""
    return tuple(" ".join(filter(None, chosen)) for chosen in product(*parts))


def _plain(words: str) -> str:
    return words.replace(",", "").replace("-", " ").replace(" and ", " ")
