"""The words and templates for reading each language, loaded from `data/languages/*.toml`.

A native speaker can correct these files without Python. es.toml explains the entries.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from speakkit import paths

Words = Mapping[str, str]
"""Mapping from the written text, or a form of a word, to the words that are spoken."""


@dataclass(frozen=True)
class Noun:
    """A noun that numbers count, such as a unit or a currency.

    one, many: its singular and plural; {} in `one` is the place of the number
    gender: "m" or "f"
    cent, cents: name of a coin's hundredth part, in the singular and the plural
    """

    one: str
    many: str = ""
    gender: str = "m"
    cent: str = ""
    cents: str = ""

    def for_(self, *, one: bool) -> str:
        """Return the form after one, or after another number; the same if the language has one form."""
        return self.one if one else self.many or self.one


@dataclass(frozen=True)
class Numbers:
    """How numbers are spoken: in words by num2words or by own tables, or as digits that the phonemizer reads.

    num2words: language code of num2words; "" if it is not used
    below_hundred: words of the numbers from 0 to 99, if num2words is not used
    powers: number -> word, the largest first, used with `below_hundred`
    digits: the word of each digit alone, if numbers stay digits
    mark: the decimal mark
    point, dot: words for `mark`, and for a dot in its place
    minus, thousand: words for a minus sign and for a thousand
    range, score, scores: templates of a range, of a score, and other templates of a score
    kept: pattern of words that the phonemizer misreads; numbers whose words match stay digits, which it reads well
    of, of_vowel: word between a round number of millions and its noun, and its form before a vowel or h
    one_below: numbers up to this one have the noun in the singular
    date_words: words after which a number may be a year, and counts nothing
    year_hundred, year_before: word for hundreds in years, and words that follow a year
    before, feminine: ending of a number word (after ^, the whole word) -> its form before what is counted, and before a
        feminine noun
    hundreds: word for the hundreds by which four digits may be said too, and its form if nothing follows
    variants: number word -> another form of it that is equally good
    """

    num2words: str = ""
    below_hundred: Sequence[str] = ()
    powers: Words = field(default_factory=dict)
    digits: Sequence[str] = ()
    mark: str = "."
    point: str = ""
    dot: str = ""
    minus: str = ""
    range: str = ""
    score: str = ""
    thousand: str = ""
    kept: str = ""
    of: str = ""
    of_vowel: str = ""
    one_below: float = 1
    date_words: Sequence[str] = ()
    year_hundred: str = ""
    year_before: Sequence[str] = ()
    before: Words = field(default_factory=dict)
    feminine: Words = field(default_factory=dict)
    scores: Sequence[str] = ()
    hundreds: Sequence[str] = ()
    variants: Words = field(default_factory=dict)


@dataclass(frozen=True)
class Nouns:
    """How the gender of a counted word is determined.

    feminine_endings, masculine_endings: word endings of each gender
    masculine, feminine: words of each gender, which take precedence over the endings
    none: words that are not counted
    feminine_after: words after which a number is feminine, such as the article before an hour
    alone_after: words after which one counts nothing
    counters, not_after, not_before: in a script without spaces, the characters before which 2 has its counting form,
        and the characters after and before which it does not
    """

    feminine_endings: Sequence[str] = ()
    masculine_endings: Sequence[str] = ()
    masculine: Sequence[str] = ()
    feminine: Sequence[str] = ()
    none: Sequence[str] = ()
    feminine_after: Sequence[str] = ()
    alone_after: Sequence[str] = ()
    counters: str = ""
    not_after: str = ""
    not_before: str = ""


@dataclass(frozen=True)
class Fractions:
    """Nouns and templates of fractions.

    denominators: denominator -> its noun, in the singular and the plural
    whole: fractions with a word of their own, such as a half
    part, mixed, other: templates of a fraction with such a noun, of a number and a fraction, and of any other fraction
    also: other templates, with {below} for the number and {f} for the feminine noun of the denominator
    words: fraction -> another word for it
    """

    denominators: Mapping[str, Sequence[str]] = field(default_factory=dict)
    whole: Words = field(default_factory=dict)
    part: str = ""
    mixed: str = ""
    other: str = ""
    also: Sequence[str] = ()
    words: Words = field(default_factory=dict)


@dataclass(frozen=True)
class Months:
    """The names of the months.

    names: twelve names
    short: twelve groups of shorter names, separated by |
    """

    names: Sequence[str]
    short: Sequence[str] = ()


@dataclass(frozen=True)
class Dates:
    """Templates of a date.

    order: "dmy" or "ymd"
    full, day: templates of a date with and without a year
    between: pattern of the text that may stand between the parts of a date
    first: how the first of a month is said, if not by its number
    weekdays, weekday: characters of the weekdays, and the template of a weekday in brackets after a date
    also, day_also, first_also: other ways to say a date with a year, one without, and the first of a month
    cues, behind: patterns of the text that must precede and follow a day and a month in digits to make them a date
    """

    order: str
    full: str
    day: str
    between: str = ""
    first: str = ""
    weekdays: str = ""
    weekday: str = ""
    also: Sequence[str] = ()
    day_also: Sequence[str] = ()
    first_also: str = ""
    cues: Sequence[str] = ()
    behind: str = ""


@dataclass(frozen=True)
class Times:
    """Templates of a time of day.

    marks: pattern of the marks that may stand before the minutes
    full, whole: templates of a time with minutes, and of a full hour
    zero: template of minutes below ten
    suffixes: suffix as written -> the words for it
    noun: forms and gender of the word for hour
    cues: words after which the mark before the minutes may be a dot
    also, whole_also: other ways to say a time with minutes, and a full hour; {minutes} has no zero before it
    at: minutes -> ways to say them, with the hour of the 12-hour clock as {twelfth} and the coming hour as {next}
    """

    marks: str
    full: str
    whole: str
    zero: str
    suffixes: Words = field(default_factory=dict)
    noun: Sequence[str] = ("",)
    cues: Sequence[str] = ()
    also: Sequence[str] = ()
    whole_also: Sequence[str] = ()
    at: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Money:
    """Templates of a sum of money.

    cents, cents_alone: templates of a sum with cents, and of cents alone; `cents` is "" if the language reads cents as
        a fraction
    also: other ways to say a sum with cents
    tenths: other ways if the cents are whole tenths
    half: another way if they are fifty
    """

    cents: str = ""
    cents_alone: str = ""
    also: Sequence[str] = ()
    tenths: Sequence[str] = ()
    half: str = ""


@dataclass(frozen=True)
class Phones:
    """Patterns of telephone numbers.

    numbers: the patterns
    group: number of digits said together
    plus: word for the plus sign
    pause: text spoken for the marks between the groups
    """

    numbers: Sequence[str]
    group: int = 1
    plus: str = ""
    pause: str = ""


@dataclass(frozen=True)
class Roman:
    """Words that make capitals a Roman numeral.

    cues, after: words before and after a numeral
    suffixes: endings of an ordinal
    names: names before a numeral
    feminine: names that take a feminine ordinal
    ordinals_to: the largest number that is read as an ordinal
    """

    cues: Sequence[str]
    after: Sequence[str] = ()
    suffixes: Sequence[str] = ()
    names: Sequence[str] = ()
    feminine: Sequence[str] = ()
    ordinals_to: int = 0
    letters: bool = False


@dataclass(frozen=True)
class LanguageTable:
    """All words and templates of one language; the attributes are the sections of its file."""

    numbers: Numbers
    nouns: Nouns
    fractions: Fractions
    months: Months
    dates: Dates
    times: Times
    money: Money
    phones: Phones
    roman: Roman
    ordinals: Words
    ordinal_words: Words
    ordinal_ends: Mapping[str, Words]
    currencies: Mapping[str, Noun]
    magnitudes: Mapping[str, Noun]
    units: Mapping[str, Noun]
    abbreviations: Words
    before_number: Words
    before_name: Words
    initialisms: Words
    symbols: Words
    addresses: Words

    @property
    def spaced(self) -> bool:
        """Whether the language separates words by spaces."""
        return not self.numbers.digits

    @cached_property
    def thousands(self) -> frozenset[str]:
        """The words in a number that are themselves counted by other words of it, such as thousand and million."""
        forms = (form for noun in self.magnitudes.values() for form in (noun.one, noun.many))
        return frozenset([self.numbers.thousand, *forms])

    @property
    def gap(self) -> str:
        """The text between words: a space or ""."""
        return " " if self.spaced else ""


SECTIONS = {
    "numbers": Numbers,
    "nouns": Nouns,
    "fractions": Fractions,
    "months": Months,
    "dates": Dates,
    "times": Times,
    "money": Money,
    "phones": Phones,
    "roman": Roman,
}
COUNTED = ("currencies", "magnitudes", "units")


@cache
def table(language: str) -> LanguageTable | None:
    """Return the table of a language; None if there is none."""
    path = paths.data() / "languages" / f"{language}.toml"
    if not path.is_file():
        return None
    return LanguageTable(
        **{name: _section(name, values) for name, values in tomllib.loads(path.read_text("utf-8")).items()}
    )


def _section(name: str, values: Mapping[str, Any]) -> Any:
    if name in COUNTED:
        return {written: Noun(*forms) for written, forms in values.items()}
    return SECTIONS[name](**values) if name in SECTIONS else values
