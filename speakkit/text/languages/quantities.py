"""Rules for text with digits: dates, times, money, units, fractions, ordinals, ranges, telephone numbers."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, product

from speakkit.text.languages.numerals import AMOUNT, LONGEST, NUMBER, TO, VULGAR, Numerals
from speakkit.text.languages.table import LanguageTable, Noun
from speakkit.text.rule import Readings, Rule

BEFORE = r"(?<![\dA-Za-z_.,/:^-])"
GAP = r"[ \u00a0\u202f]?"
STOP = r"(?:\.(?!\s{0,9}\Z)|(?=\.\s{0,9}\Z))"
"""The dot of an abbreviation. At the end of a text it is not part of the match, because it ends the sentence too."""


def one_of(written: Iterable[str]) -> str:
    """Return a pattern of the words, the longest first; a space in them matches any kind of space, or none."""
    longest = sorted(written, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", GAP) for word in longest) or "(?!)"


WORD_BEFORE = re.compile(r"(\S+?)[\s(«\"“]{1,3}\Z")
WORD_AFTER = re.compile(r"[ \u00a0\u202f]([^\s,.;:!?।)»\"”]+)")

HALF = 50
"""Cents of half a unit."""

CENTS, YEAR = re.compile(r"\d\d"), re.compile(r"\d{4}")

ReadMatch = Callable[[re.Match[str]], Readings]


@dataclass(frozen=True)
class Quantities:
    """The rules of one language for text with digits."""

    table: LanguageTable
    numerals: Numerals

    @property
    def after(self) -> str:
        """Position after a match: no letter or digit follows; in a script without spaces, none of Latin script."""
        return r"(?!\w|['’]\w|/\d)" if self.table.spaced else r"(?![\dA-Za-z])"

    def rules(self) -> Iterator[Rule]:
        """Yield the rules in the order in which they are tried."""
        yield self._rule("phone", "|".join(self.table.phones.numbers), self.phone)
        yield from self._dates()
        yield from self._times()
        yield from self._money()
        yield self._rule("unit", rf"(?P<amount>{AMOUNT}){GAP}(?P<unit>{one_of(self.table.units)})", self.unit)
        yield self._rule("fraction", rf"[-−]?\d{{1,3}}/\d{{1,3}}|[-−]?(?:\d{{1,9}}{GAP})?{VULGAR}", self.amount)
        yield self._rule("ordinal", rf"(?P<number>\d{{1,4}})(?P<form>{one_of(self.table.ordinals)})", self.ordinal)
        yield self._rule("range", rf"{NUMBER}{TO}{NUMBER}(?!{TO})|\d{{1,3}}:\d", self.range)
        if self.table.nouns.counters:
            yield Rule("number", re.compile(self._two()), lambda _: (self.numerals.cardinal(2, "m"),))

    def plain(self) -> Iterator[Rule]:
        """Yield the rule for all other numbers, which is tried last."""
        if self.table.spaced:
            sign = r"(?:(?<!\S)[-−+])?"
            yield self._rule("number", rf"{sign}{NUMBER}", self.number)

    def _rule(self, name: str, pattern: str, read: ReadMatch) -> Rule:
        return Rule(name, re.compile(f"{BEFORE}(?:{pattern}){self.after}"), read)

    def _two(self) -> str:
        nouns = self.table.nouns
        return rf"(?<![\d.,:/{nouns.not_after}-])2(?!{nouns.not_before})(?=[{nouns.counters}])"

    # -- telephone numbers

    def phone(self, found: re.Match[str]) -> Readings:
        """Read digits in groups of the table's size, with pauses for the marks between them."""
        phones = self.table.phones
        said = []
        for group in re.findall(r"\d+", found.group()):
            starts = range(0, len(group), phones.group)
            said += [self.table.gap.join(self._pair(group[i : i + phones.group]) for i in starts)]
        plus = [phones.plus] if found.group().startswith("+") else []
        return (self.table.gap.join([*plus, (phones.pause or self.table.gap).join(said)]),)

    def _pair(self, digits: str) -> str:
        if len(digits) == 1 or digits.startswith("0"):
            return self.numerals.spelled(digits)
        return self.numerals.cardinal(int(digits))

    # -- dates

    def _dates(self) -> Iterator[Rule]:
        months, dates = self.table.months, self.table.dates
        weekday = rf"(?:[(（](?P<weekday>[{dates.weekdays}])[)）])" if dates.weekdays else "(?P<weekday>(?!))"
        iso = rf"(?P<year>\d{{4}})(?P<mark>[/.-])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}}){weekday}?"
        yield self._rule("date", iso, self.date)
        yield self._rule("date", rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}}){weekday}", self.date)
        if dates.behind:
            first, second = ("day", "month") if dates.order == "dmy" else ("month", "day")
            cues = "|".join(f"(?<=\\b{cue} )" for cue in dates.cues)
            numbers = rf"(?P<{first}>\d{{1,2}})/(?P<{second}>\d{{1,2}})"
            yield self._rule("date", rf"(?:{cues}){numbers}(?={dates.behind})", self.date)
        if dates.order == "dmy":
            parts = r"(?P<day>\d{1,2})(?P<mark>[/.-])(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})"
            yield self._rule("date", parts, self.date)
            short = "|".join(months.short)
            year = rf"(?:{dates.between}(?P<year>\d{{4}}))?"
            name = rf"(?P<name>{one_of(months.names)}|(?:{short})(?:{STOP}|(?={dates.between}\d{{4}})))"
            yield self._rule("date", rf"(?P<day>\d{{1,2}})(?:er|[º°.])?{dates.between}{name}{year}", self.named_date)

    def date(self, found: re.Match[str]) -> Readings:
        """Read a date in digits."""
        parts = found.groupdict()
        day, month = int(parts["day"]), int(parts["month"])
        if day not in range(1, 32) or month not in range(1, 13):
            return ()
        weekday = self.table.dates.weekday.format(weekday=parts["weekday"]) if parts.get("weekday") else ""
        return tuple(said + weekday for said in self._date(day, month, parts.get("year")))

    def named_date(self, found: re.Match[str]) -> Readings:
        """Read a date with the name of a month or its short form."""
        name = found["name"].rstrip(".")
        months = self.table.months
        known = zip(count(1), months.names, months.short, strict=False)
        month = next((i for i, full, short in known if name == full or name in short.split("|")), 0)
        known_day = month and int(found["day"]) in range(1, 32)
        return self._date(int(found["day"]), month, found["year"]) if known_day else ()

    def _date(self, day: int, month: int, year: str | None) -> Readings:
        dates, name = self.table.dates, self.table.months.names[month - 1]
        templates = (dates.full, *dates.also) if year else (dates.day, *dates.day_also)
        firsts = [dates.first, dates.first_also] if day == 1 else []
        days = [*([] if any(firsts[:1]) else [self.numerals.cardinal(day)]), *filter(None, firsts)]
        years = self.numerals.years(int(year)) if year else ("",)
        return tuple(
            template.format(day=said, month=name, year=in_words)
            for template in templates
            for said in days
            for in_words in years
        )

    # -- times

    def _times(self) -> Iterator[Rule]:
        times = self.table.times
        suffix = rf"(?P<suffix>{one_of(times.suffixes)})?"
        clock = rf"(?P<hour>\d{{1,2}})(?:{times.marks})(?P<minute>\d{{2}})"
        until = clock.replace("hour", "last_hour").replace("minute", "last_minute")
        yield self._rule("time", rf"{clock}(?:{TO}{until})?(?!:){suffix}", self.time)
        if times.cues:
            cues = "|".join(f"(?<={cue} )" for cue in times.cues)
            yield self._rule("time", rf"(?:{cues})(?P<hour>\d{{1,2}})\.(?P<minute>\d{{2}})", self.time)

    def time(self, found: re.Match[str]) -> Readings:
        """Read a time of day in 24 hours, or a range of two times."""
        parts, times = found.groupdict(), self.table.times
        suffix = times.suffixes.get(parts.get("suffix") or "", "")
        said = self._time(int(parts["hour"]), int(parts["minute"]), twelve=not suffix)
        if parts.get("last_hour"):
            last = self._time(int(parts["last_hour"]), int(parts["last_minute"]), twelve=not suffix)
            to = self.table.numbers.range
            said = tuple(to.format(first=start, last=end) for start, end in product(said, last))
        return tuple(way + suffix for way in said)

    def _time(self, hour: int, minute: int, *, twelve: bool) -> Readings:
        """Return the readings of a time. `twelve`: include those of the 12-hour clock."""
        times = self.table.times
        if hour not in range(25) or minute not in range(60):
            return ()
        templates = (times.full, *times.also) if minute else (times.whole, *times.whole_also)
        said = self.numerals.cardinal(minute)
        words = {"minute": (times.zero if minute in range(10) else "{minute}").format(minute=said), "minutes": said}
        hours = {"hour": hour, "twelfth": (hour - 1) % 12 + 1, "next": hour % 12 + 1}
        noun = Noun(*times.noun)
        for name, number in hours.items():
            words[name] = self.numerals.cardinal(number, noun.gender)
            words[f"{name}s"] = noun.for_(one=number in (0, 1))
        others = times.at.get(f"{minute:02}", ()) if twelve else ()
        return tuple(template.format(**words) for template in (*templates, *others))

    # -- money and units

    def _money(self) -> Iterator[Rule]:
        unit = rf"(?P<unit>{one_of(self.table.currencies)})"
        to = rf"(?:{TO}(?P=unit)(?P<last>{NUMBER}))?"
        times = rf"(?:{GAP}(?P<times>{one_of(self.table.magnitudes)}){self.after})?"
        yield self._rule("money", rf"(?<![$€£¥₹])(?P<sign>-?){unit}{GAP}(?P<amount>{AMOUNT}){to}{times}", self.money)
        yield self._rule("money", rf"(?P<sign>)(?P<amount>{AMOUNT}){times}{GAP}{unit}", self.money)

    def money(self, found: re.Match[str]) -> Readings:
        """Read a sum of money, with a magnitude such as million, or with cents."""
        noun, last = self.table.currencies[_plain(found["unit"])], found.groupdict().get("last")
        written = f"{found['amount']}-{last}" if last else found["amount"]
        ways = self.numerals.amount(written, noun.gender, money=True)
        times = self.table.magnitudes.get(_plain(found["times"] or ""))
        if times:
            said = [self._many(way, times.for_(one=self.numerals.is_one(written)), noun) for way in ways]
        else:
            form = noun.for_(one=self.numerals.is_one(written))
            said = [self.numerals.with_noun(way, form, written) for way in ways]
            cents = self._cents(written, noun) if ways else ()
            said = [*cents, *said] if self.table.money.cents else [*said, *cents]
        minus = self.table.numbers.minus + self.table.gap if found["sign"] else ""
        return tuple(minus + way for way in said)

    def _many(self, said: str, times: str, noun: Noun) -> str:
        amount = self.table.gap.join([said, times])
        if times == self.table.numbers.thousand:
            return self.table.gap.join([amount, noun.for_(one=False)])
        return self.numerals.of(amount, noun.for_(one=False))

    def _cents(self, written: str, noun: Noun) -> Readings:
        money = self.table.money
        number = self.numerals.parsed(written, money=True) if re.fullmatch(NUMBER, written) else None
        if not (noun.cent and number and CENTS.fullmatch(number.fraction)):
            return ()
        whole, cents = int(number.whole), int(number.fraction)
        words = {
            "amount": self.numerals.cardinal(whole, noun.gender),
            "unit": noun.for_(one=whole == 1),
            "cents": self.numerals.cardinal(cents, "m"),
            "cent": noun.cent if cents == 1 else noun.cents,
        }
        if not (whole and cents):
            alone = money.cents_alone if cents else "{amount} {unit}"
            return (alone.format(**words),) if money.cents else ()
        tenths = money.tenths if cents % 10 == 0 else ()
        templates = [money.cents, *money.also, *tenths, money.half * (cents == HALF)]
        words["tenth"] = self.numerals.cardinal(cents // 10)
        return tuple(template.format(**words) for template in templates if template)

    def unit(self, found: re.Match[str]) -> Readings:
        """Read an amount and its unit."""
        return self.numerals.counted(found["amount"], self.table.units[_plain(found["unit"])])

    def amount(self, found: re.Match[str]) -> Readings:
        """Read a fraction, or a number and a fraction."""
        return self.numerals.amount(found.group())

    def ordinal(self, found: re.Match[str]) -> Readings:
        """Read a number with the ending of an ordinal."""
        form = self.table.ordinals[found["form"]]
        return (self.numerals.ordinal(int(found["number"]), form),) if int(found["number"]) else ()

    def range(self, found: re.Match[str]) -> Readings:
        """Read a range of two numbers, or a score."""
        return self.numerals.amount(found.group().replace(":", "-"))

    # -- numbers alone

    def number(self, found: re.Match[str]) -> Readings:
        """Read a number that agrees with the word after it."""
        sign, written = found.group()[:1].strip("0123456789"), found.group()
        number = self.numerals.parsed(written.lstrip("-−+"))
        if number is None or len(number.whole) > LONGEST:
            return ()
        previous, following = _neighbours(found)
        if self._is_year(number.whole, previous, following):
            return (self.numerals.year(int(number.whole)),)
        gender = self._gender(previous, following, one=number.value == 1) if not number.fraction else ""
        word = {"-": self.table.numbers.minus, "−": self.table.numbers.minus, "+": self.table.phones.plus}.get(sign)
        return tuple(" ".join(filter(None, [word, way])) for way in self.numerals.decimals(number, gender))

    def _is_year(self, digits: str, previous: str, following: str) -> bool:
        numbers = self.table.numbers
        dated = previous in numbers.date_words or following in numbers.year_before
        return bool(numbers.year_hundred and YEAR.fullmatch(digits) and dated)

    def _gender(self, previous: str, following: str, *, one: bool) -> str:
        """Return the gender of the counted word, by its ending; "" if nothing is counted, or the gender is unknown."""
        nouns = self.table.nouns
        if following in self.table.magnitudes:
            return "m"
        if previous.lower() in nouns.feminine_after:
            return "f"
        dated = previous.lower() in self.table.numbers.date_words
        alone = one and previous.lower() in nouns.alone_after
        if not following.islower() or following in nouns.none or dated or alone:
            return ""
        known = "m" * (following in nouns.masculine) or "f" * (following in nouns.feminine)
        feminine, masculine = (
            any(following.endswith(end) and (one or len(end) > 1) for end in endings)
            for endings in (nouns.feminine_endings, nouns.masculine_endings)
        )
        return known or "f" * feminine or "m" * masculine


def _plain(written: str) -> str:
    """Return the text with the spaces that the table uses."""
    return re.sub(r"[\u00a0\u202f]", " ", written)


def _neighbours(found: re.Match[str]) -> tuple[str, str]:
    """Return the words before and after the match."""
    before, after = (
        found.string[max(0, found.start() - 30) : found.start()],
        found.string[found.end() : found.end() + 30],
    )
    previous, following = WORD_BEFORE.search(before), WORD_AFTER.match(after)
    return previous[1] if previous else "", following[1] if following else ""
