"""Numbers of one language in words: cardinals that agree with what they count, ordinals, fractions, sums, ranges."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from num2words import num2words

from speakkit.text.languages.table import LanguageTable, Noun, Words

HUNDRED = 100
MILLION = 10**6
LARGEST_SCORE = 99

LONGEST = 15
"""Digits; a longer number is not read as a quantity."""

GROUPS = r"\d{1,3}(?:[ \u00a0\u202f]\d{3}){1,4}(?!\d)(?:,\d{1,9})?"
NUMBER = rf"(?:{GROUPS}|\d{{1,15}}(?:[.,]\d{{1,9}}){{0,5}})"
VULGAR = "[¼-¾⅐-⅞]"
TO = r"(?:[-–~〜～]| – )"
AMOUNT = rf"[-−]?(?:\d{{1,3}}/\d{{1,3}}|(?:\d{{1,9}}[ \u00a0]?)?{VULGAR}|{NUMBER}(?:%?{TO}{NUMBER})?)"
"""A number as it is written, a fraction, a number and a fraction, or a range."""

GROUPED = re.compile(r"(?!0)\d{1,3}(?:([.,])\d{2,3}(?:\1\d{2,3})*)?(?<=\d{3})|\d{1,3}")
"""Groups of three digits, or of two and three as in India, with a mark between them."""

TENS = re.compile(r"[1-9]\d")

MIXED = re.compile(rf"(\d+)?[ \u00a0]?({VULGAR})|(\d+/\d+)")

ROMAN = {
    "M": 1000,
    "CM": 900,
    "D": 500,
    "CD": 400,
    "C": 100,
    "XC": 90,
    "L": 50,
    "XL": 40,
    "X": 10,
    "IX": 9,
    "V": 5,
    "IV": 4,
    "I": 1,
}


@dataclass(frozen=True)
class Number:
    """A number as it is written.

    whole, fraction: digits before and after the decimal mark
    dotted: the mark is not the usual one of the language
    """

    whole: str
    fraction: str = ""
    dotted: bool = False

    @property
    def value(self) -> float:
        """The value of the number, without digits below a billionth."""
        return float(f"{self.whole}.{self.fraction or 0}")


def roman(letters: str) -> int:
    """Return the value of a Roman numeral; 0 if the letters are not one."""
    rest, value = unicodedata.normalize("NFKC", letters).upper(), 0
    for symbol, worth in ROMAN.items():
        while rest.startswith(symbol):
            rest, value = rest[len(symbol) :], value + worth
    return value if not rest and _as_roman(value) == unicodedata.normalize("NFKC", letters).upper() else 0


def _as_roman(value: int) -> str:
    letters = ""
    for symbol, worth in ROMAN.items():
        letters += symbol * (value // worth)
        value %= worth
    return letters


@dataclass(frozen=True, eq=False)
class Numerals:
    """The numbers of the language of `table`, in words.

    keeps: keep the digits of numbers whose words the phonemizer misreads

    In all methods `gender` is that of the counted noun, "m" or "f"; "" if nothing is counted.
    """

    table: LanguageTable
    keeps: bool = True

    def parsed(self, written: str, *, money: bool = False) -> Number | None:
        """Return a number with its marks interpreted; None if it is not a number, such as 1.2.3.

        money: a comma before three digits separates thousands, in every language
        """
        plain = re.sub(r"[ \u00a0\u202f]", "", written)
        marks = re.findall("[.,]", plain)
        if not marks:
            return Number(plain)
        whole, mark, fraction = plain.rpartition(marks[-1])
        usual = mark == self.table.numbers.mark
        alone = len(set(marks)) == 1
        if marks.count(mark) > 1 or (alone and GROUPED.fullmatch(plain) and (money or not usual)):
            whole, fraction = plain, ""
        if not (GROUPED.fullmatch(whole) or whole.isdigit()):
            return None
        return Number(re.sub("[.,]", "", whole), fraction, bool(fraction) and not usual)

    @lru_cache(maxsize=4096)  # noqa: B019  one instance is made per language, and kept
    def cardinal(self, value: int, gender: str = "") -> str:
        """Return a number in words that agree with the counted noun; in digits if the phonemizer reads them."""
        words, numbers = self._words(value, gender), self.table.numbers
        kept = self.keeps and numbers.kept and gender != "f" and re.search(numbers.kept, words)
        return str(value) if kept else words

    def _words(self, value: int, gender: str) -> str:
        numbers = self.table.numbers
        if numbers.digits:
            return numbers.before.get(str(value), str(value)) if gender else str(value)
        if not numbers.num2words:
            return self._own(value)
        words = str(num2words(value, lang=numbers.num2words)).replace(",", "").split()
        agreeing = len(words) - self._size_of_millions(value, len(words))
        for i, word in enumerate(words):
            last = i == len(words) - 1
            if (last and gender == "m") or (not last and words[i + 1] in self.table.thousands):
                words[i] = numbers.before.get(word, word)
            elif gender == "f" and len(words) - i <= agreeing:
                words[i] = _ended(word, numbers.feminine)
        return " ".join(words)

    def _size_of_millions(self, value: int, size: int) -> int:
        """Return how many of the `size` words of a number are its millions, which agree with no noun."""
        millions = value // MILLION * MILLION
        return size if millions == value > 0 else len(self._words(millions, "").split()) if millions else 0

    def _own(self, value: int) -> str:
        if value < HUNDRED:
            return self.table.numbers.below_hundred[value]
        power, name = next((int(p), name) for p, name in self.table.numbers.powers.items() if value >= int(p))
        high, low = divmod(value, power)
        count = [self._own(high)] if value != HUNDRED else []  # "hundred", and "one hundred five"
        return " ".join([*count, name, *([self._own(low)] if low else [])])

    def year(self, value: int) -> str:
        """Return a year in words; from 1100 to 1999 in hundreds, such as 1947, if the language says years so."""
        hundred = self.table.numbers.year_hundred
        if not hundred or value not in range(1100, 2000):
            return self.cardinal(value)
        high, low = divmod(value, HUNDRED)
        return " ".join([self.cardinal(high), hundred, *([self.cardinal(low)] if low else [])])

    def years(self, value: int) -> tuple[str, ...]:
        """Return the readings of a year."""
        return (self.year(value), *self.in_hundreds(value))

    def in_hundreds(self, value: int) -> tuple[str, ...]:
        """Return a number from 1100 to 1999 in hundreds, such as 1789, if the language says so; otherwise ()."""
        words = self.table.numbers.hundreds
        high, low = divmod(value, HUNDRED)
        if not words or high not in range(11, 20):
            return ()
        return (" ".join([self.cardinal(high), words[not low], *([self.cardinal(low)] if low else [])]),)

    def ordinal(self, value: int, form: str = "m") -> str:
        """Return an ordinal: masculine, feminine ("f"), or with one of the table's `ordinal_ends`."""
        words, numbers = self.table.ordinal_words, self.table.numbers
        if other := words.get("other"):
            said = words.get(str(value)) or other.format(cardinal=self.cardinal(value))
        else:
            said = words.get(str(value)) or str(num2words(value, lang=numbers.num2words, to="ordinal"))
        ends = self.table.ordinal_ends.get("feminine" if form == "f" else form, {})
        return " ".join(_ended(word, ends) for word in said.split())

    def spelled(self, digits: str) -> str:
        """Return the digits one by one."""
        said = self.table.numbers.digits
        return self.table.gap.join(said[int(d)] if said else self.cardinal(int(d)) for d in digits)

    def decimals(self, number: Number, gender: str = "") -> tuple[str, ...]:
        """Return the readings of a decimal number: the digits after the mark as a number, and digit by digit."""
        numbers = self.table.numbers
        if len(number.whole) > LONGEST:
            return ()
        zeros = number.whole != "0" and number.whole.startswith("0")
        whole = self.spelled(number.whole) if zeros and self.table.spaced else self.cardinal(int(number.whole), gender)
        if not number.fraction:
            return (whole, *self.in_hundreds(int(number.whole)))
        if numbers.digits:
            said = f"{int(number.whole)}.{number.fraction}"
            return (said, said.rstrip("0")) if said.endswith("0") and number.fraction.strip("0") else (said,)
        point = numbers.dot if number.dotted else numbers.point
        start = f"{self.cardinal(int(number.whole))} {point}"
        pair = bool(TENS.fullmatch(number.fraction) and numbers.num2words)
        ways = [f"{start} {self.spelled(number.fraction)}"]
        return tuple([f"{start} {self.cardinal(int(number.fraction))}", *ways] if pair else ways)

    def fraction(self, above: int, below: int, gender: str = "") -> str:
        """Return a fraction such as 3/4 in words."""
        fractions = self.table.fractions
        if whole := fractions.whole.get(f"{above}/{below}"):
            return _ended(whole, {"o": "a"}) if gender == "f" else whole
        if (nouns := fractions.denominators.get(str(below))) and above < below:
            return fractions.part.format(n=self.cardinal(above, "m"), d=nouns[above != 1])
        return fractions.other.format(n=self.cardinal(above), d=self.cardinal(below))

    def fractions(self, above: int, below: int, gender: str = "") -> tuple[str, ...]:
        """Return the readings of a fraction such as 3/4."""
        fractions = self.table.fractions
        ways = [self.fraction(above, below, gender)]
        if (nouns := fractions.denominators.get(str(below))) and above < below and below > 2:  # noqa: PLR2004  a half
            noun = nouns[above != 1]
            words = {"n": self.cardinal(above, "m"), "d": noun, "f": _ended(noun, {"o": "a", "os": "as"})}
            ways += [template.format(below=self.cardinal(below), **words) for template in fractions.also]
        if word := fractions.words.get(f"{above}/{below}"):
            ways.append(word)
        return tuple(ways)

    def amount(self, written: str, gender: str = "", *, money: bool = False) -> tuple[str, ...]:
        """Return the readings of text that AMOUNT matches, the one to speak first; () if it is not an amount."""
        if written[:1] in "-−":
            minus = self.table.numbers.minus + self.table.gap
            return tuple(minus + way for way in self.amount(written[1:], gender, money=money))
        if found := MIXED.fullmatch(written):
            return self._mixed(found[1] or "", unicodedata.normalize("NFKC", found[2] or found[3]), gender)
        parts = re.split(TO, written.replace("%", ""))
        numbers = [self.parsed(part, money=money) for part in parts]
        ways = [self.decimals(number, gender) if number else () for number in numbers]
        if not all(ways):
            return ()
        return ways[0] if len(ways) == 1 else self.between(numbers, ways)

    def between(self, numbers: list[Number | None], said: list[tuple[str, ...]]) -> tuple[str, ...]:
        """Return the readings of a range; of a score, if the first of two small whole numbers is the larger one."""
        first, last = (number.value if number else 0 for number in numbers)
        is_score = LARGEST_SCORE >= first > last
        own = self.table.numbers
        templates = (own.score, *own.scores) if is_score else (own.range,)
        return tuple(one.format(first=low, last=high) for one in templates for low, high in product(*said))

    def _mixed(self, whole: str, fraction: str, gender: str) -> tuple[str, ...]:
        above, below = (int(part) for part in re.split("[/\u2044]", fraction))
        if not below:
            return ()
        if not whole:
            return self.fractions(above, below, gender)
        part = self.fraction(above, below, gender)
        alone = gender if gender == "f" else ""
        return (self.table.fractions.mixed.format(whole=self.cardinal(int(whole), alone), part=part),)

    def counted(self, written: str, noun: Noun) -> tuple[str, ...]:
        """Return the readings of an amount and the noun it counts, such as a unit."""
        if "{}" in noun.one:
            return tuple(noun.one.format(way) for way in self.amount(written))
        ways = self.amount(written, noun.gender)
        return tuple(self.with_noun(way, noun.for_(one=self.is_one(written)), written) for way in ways)

    def is_one(self, written: str) -> bool:
        """Return whether the noun that an amount counts is in the singular."""
        last = re.split(TO, written.lstrip("-−"))[-1]
        if re.fullmatch(rf"{VULGAR}|\d+/\d+", last):
            return True
        mixed, number = MIXED.fullmatch(last), self.parsed(last)
        if mixed and mixed[1]:
            value = int(mixed[1]) + unicodedata.numeric(mixed[2])
        elif number:
            value = number.value
        else:
            return False
        most = self.table.numbers.one_below
        return 0 < value <= most or (most > 1 and value < 1)

    def with_noun(self, said: str, noun: str, written: str = "") -> str:
        """Return the words of a number and a noun, with "of" between them if the number is in round millions."""
        number = self.parsed(written) if re.fullmatch(NUMBER, written) else None
        if number and not number.fraction and (value := int(number.whole)) and value % MILLION == 0:
            return self.of(said, noun)
        return self.table.gap.join([said, noun])

    def of(self, said: str, noun: str) -> str:
        """Join a number and a noun: "un million", "euros" -> "un million d'euros"."""
        numbers = self.table.numbers
        if not numbers.of:
            return self.table.gap.join([said, noun])
        if numbers.of_vowel and unicodedata.normalize("NFD", noun)[:1] in "aeiouh":
            return f"{said} {numbers.of_vowel}{noun}"
        return f"{said} {numbers.of} {noun}"


def _ended(word: str, ends: Words) -> str:
    """Return `word` with the first of the `ends` that it has replaced."""
    for end, other in ends.items():
        if word == end[1:] if end.startswith("^") else word.endswith(end):
            return word.removesuffix(end.removeprefix("^")) + other
    return word
