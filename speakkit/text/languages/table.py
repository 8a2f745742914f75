"""What there is to know of how a language is read: `data/languages/*.toml`, in which a native speaker can mend it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from speakkit import paths

Words = Mapping[str, str]
"""As it is written, or a form -> as it is said."""


@dataclass(frozen=True)
class Noun:
    """What numbers count. A noun with {} in it holds the number there; `cent`: the hundredth part of a coin."""

    one: str
    many: str = ""
    gender: str = "m"
    cent: str = ""
    cents: str = ""

    def for_(self, *, one: bool) -> str:
        """The form behind one, or behind another number; the same where a language has one form."""
        return self.one if one else self.many or self.one


@dataclass(frozen=True)
class Numbers:
    """Numbers in words by num2words' language, by our own tables, or kept as digits for the phonemizer to say.

    digits: how each digit is said alone, where digits are kept
    powers: number -> word, the largest first, with below_hundred
    kept: pattern of words that the phonemizer misreads; such numbers stay digits, which it reads well
    scores: other templates of a score
    hundreds: the word for hundreds by which four digits may be said too, and its form where nothing follows
    variants: word of a number -> another form of it that is as good
    before, feminine: end of a word of a number (after ^, the whole word) -> its form before what is counted
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
    """By what the gender of a counted word is told.

    none: words that nothing counts
    feminine_after: words behind which a number is feminine, such as the article before an hour
    alone_after: words behind which one counts nothing
    counters, not_after, not_before: where two has its form before what is counted, in a script without spaces
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
    """Denominator -> its noun; whole: fractions with a word of their own, such as a half; the rest are templates.

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
    """Twelve names, and twelve shorter ones, several between |."""

    names: Sequence[str]
    short: Sequence[str] = ()


@dataclass(frozen=True)
class Dates:
    """Templates of a date. order: "dmy" or "ymd". between: what may stand between its parts, as a pattern.

    also, day_also, first_also: other ways to say it with a year, without one, and the first of a month
    cues, behind: what must stand before and behind a day and a month in digits to make them a date, as patterns
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
    """Templates of a time. marks: what may stand before the minutes; cues: words after which it may be a dot.

    also, whole_also: other ways to say it, and full hours; {minutes} has no zero before it
    at: minutes -> ways to say them, with the hour of twelve as {twelfth} and the one to come as {next}
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
    """Templates of a sum of money; no cents where a language reads them as a fraction.

    also: other ways to say a sum with cents; tenths: if they are whole tenths; half: if they are fifty
    """

    cents: str = ""
    cents_alone: str = ""
    also: Sequence[str] = ()
    tenths: Sequence[str] = ()
    half: str = ""


@dataclass(frozen=True)
class Phones:
    """Patterns of telephone numbers. group: digits said together. pause: what is said for the marks between."""

    numbers: Sequence[str]
    group: int = 1
    plus: str = ""
    pause: str = ""


@dataclass(frozen=True)
class Roman:
    """Words before or after which capitals are a Roman numeral, and up to where they are ordinals."""

    cues: Sequence[str]
    after: Sequence[str] = ()
    suffixes: Sequence[str] = ()
    names: Sequence[str] = ()
    feminine: Sequence[str] = ()
    ordinals_to: int = 0
    letters: bool = False


@dataclass(frozen=True)
class LanguageTable:
    """All of one language."""

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
        """Whether words stand apart."""
        return not self.numbers.digits

    @cached_property
    def thousands(self) -> frozenset[str]:
        """The words inside a number that others in it count."""
        forms = (form for noun in self.magnitudes.values() for form in (noun.one, noun.many))
        return frozenset([self.numbers.thousand, *forms])

    @property
    def gap(self) -> str:
        """What stands between words."""
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
    """The table of a language; None where there is none."""
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
