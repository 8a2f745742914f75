"""English numbers in words. Digits come as strings, so that none is lost: "007", "1.50"."""

from functools import lru_cache
from itertools import product

from num2words import num2words

from speakkit.text.english.rule import Readings

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

MOST = 36
"""Digits; a longer number is read digit by digit: nobody knows the names of such magnitudes."""


@lru_cache(maxsize=4096)
def cardinal(digits: str) -> str:
    """As "1234" or "1,234" -> "one thousand two hundred thirty four"."""
    plain = digits.replace(",", "")
    if len(plain) > MOST:
        return spelled(plain)
    return _plain(num2words(int(plain)))


@lru_cache(maxsize=4096)
def ordinal(digits: str) -> str:
    """As "22" -> "twenty second"."""
    plain = digits.replace(",", "")
    return _plain(num2words(int(plain), to="ordinal")) if len(plain) <= MOST else spelled(plain)


def spelled(digits: str, zero: str = "zero") -> str:
    """As "007" -> "zero zero seven"; `zero` may be "oh"."""
    return " ".join(zero if digit == "0" else DIGITS[int(digit)] for digit in digits if digit.isdigit())


def decimal(digits: str) -> str:
    """As "3.14" -> "three point one four", "-0.5" -> "minus zero point five"; without a point as `cardinal`."""
    sign = "minus " if digits[:1] in "-\u2212" else ""
    whole, _, fraction = digits.lstrip("-+\u2212").partition(".")
    if not fraction:
        return sign + cardinal(whole)
    return f"{sign}{cardinal(whole or '0')} point {spelled(fraction)}"


def year(digits: str) -> Readings:
    """Ways to say a year of one to four digits: "1905" -> "nineteen oh five", "2005" -> "two thousand five"."""
    number = int(digits)
    high, low = divmod(number, 100)
    if number < 1000 or number % 1000 == 0:
        return (cardinal(str(number)),)
    if low == 0:
        return (f"{cardinal(str(high))} hundred",)
    pair = f"{cardinal(str(high))} {'oh ' * (low < 10)}{cardinal(str(low))}"
    whole = cardinal(str(number))
    return (whole, pair) if 2000 <= number < 2010 else (pair, whole)


def pairs(digits: str) -> str:
    """As "1508" -> "fifteen oh eight", "370" -> "three seventy", as rooms, flights and highways are read."""
    number = digits.lstrip("0")
    if number != digits or len(digits) > 4:
        return spelled(digits, "oh")
    head, tail = digits[:-2], digits[-2:]
    if not head:
        return cardinal(digits)
    if tail == "00":
        return cardinal(digits) if head.endswith("0") else f"{cardinal(head)} hundred"
    return f"{cardinal(head)} {'oh ' + DIGITS[int(tail[1])] if tail[0] == '0' else cardinal(tail)}"


def fraction(top: str, bottom: str) -> Readings:
    """As "3", "4" -> "three quarters", "three fourths"; () where nobody names such a fraction."""
    parts = int(bottom)
    if parts == 2 and int(top) % 2:
        return (f"{cardinal(top)} {'half' if top == '1' else 'halves'}", *(("a half",) if top == "1" else ()))
    if not (3 <= parts <= 20 or parts in (32, 64, 100, 1000)):
        return ()
    plural = "s" * (int(top) != 1)
    named = ("quarter", "fourth") if parts == 4 else (ordinal(bottom),)
    counts = (cardinal(top), "a") if top == "1" else (cardinal(top),)
    return tuple(f"{count} {name}{plural}" for name in named for count in counts)


def with_and(words: str) -> Readings:
    """A number in words, and the same with "and" after its hundreds, as some say it."""
    if " hundred " not in words:
        return (words,)
    return (words, words.replace(" hundred ", " hundred and "))


def combined(*parts: Readings) -> Readings:
    """Every sentence that has one of each part's readings, the first ones first."""
    return tuple(" ".join(filter(None, chosen)) for chosen in product(*parts))


def _plain(words: str) -> str:
    return words.replace(",", "").replace("-", " ").replace(" and ", " ")
