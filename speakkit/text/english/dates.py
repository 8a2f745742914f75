"""Rules for dates, years and decades."""

import re
from functools import partial

from speakkit.text.english.numbers import cardinal, combined, count, ordinal, plural, two_digits, ungrouped, year
from speakkit.text.english.patterns import ALONE, END, TO, UNCOUNTED, any_of
from speakkit.text.english.tables import mapping
from speakkit.text.rule import Readings, Rule, rule

MONTHS = mapping("calendar", "month")
"""Month as written -> name."""

WEEKDAYS = mapping("calendar", "weekday")
"""Weekday as written -> name."""

NAMES = [name for written, name in MONTHS.items() if written == name]
SHORT_MONTHS = any_of(MONTHS.keys() - NAMES)
SHORT_WEEKDAYS = any_of(WEEKDAYS.keys() - WEEKDAYS.values())

MONTH = rf"(?:{any_of(NAMES)}|(?:{SHORT_MONTHS})\b\.?)"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
SUFFIX = r"(?:st|nd|rd|th)?"
YEAR = r"[12]\d{3}"
LATE_YEAR = r"(?:1[1-9]\d\d|20\d\d)"
"""Years that need no word beside them to be recognised: 1024 would be a count."""

WEEKDAY_BEFORE = rf"(?:(?P<weekday>(?:{SHORT_WEEKDAYS})(?=[.,\s])|(?:{any_of(WEEKDAYS.values())}))[.,]{{0,2}}\s)?"
YEAR_BEHIND = rf"(?:,?\s(?P<year>{YEAR}|[’']\d\d)\b)?"
NO_CROWD = r"(?:(?<=\b[Oo]n\s)|(?!(?:May|March|Mar)\s\d+\s(?:people|men|women|children)\b))"
"""Excludes "May 5 people come?" as a date, but not "On May 5 people came"."""

CUE = "|".join(
    rf"(?<=\b[{word[0]}{word[0].upper()}]{word[1:]}[\s-])"
    for word in ("the", "early", "late", "mid", "his", "her", "their", "my", "your", "our")
)
"""Words before "50s" if it is a decade or an age."""


DATED = re.compile(
    r"(?:\b(?:in|since|by|until|till|before|after|from|during|circa|year|of|early|late|mid|summer|winter|spring|autumn|fall"
    r"|(?:built|born|founded|made|written|died)\s(?:around|about)|year\s(?:is|was))[\s-]|[(’'])$",
    re.IGNORECASE,
)
"""Words before a year that is not a count."""


def _span(firsts: Readings, lasts: Readings) -> Readings:
    return tuple(f"{first} {to} {last}" for to in ("to", "through") for first in firsts for last in lasts)


def _month(written: str) -> str:
    return MONTHS[written.rstrip(".")]


def _day(digits: str) -> str:
    return ordinal(digits.lstrip("0"))


def _dated(month: str, day: str, written_year: str) -> Readings:
    """Return the readings of a whole date: with the month first, as Americans say it, and with the day first."""
    nth = _day(day)
    days = (f"{month} {nth}", f"the {nth} of {month}", f"{month} the {nth}", f"{nth} of {month}", f"{nth} {month}")
    return tuple(reading for said in days for reading in combined((said,), _years(written_year)))


def _years(digits: str) -> Readings:
    """Return the readings of a year of four digits, two digits, or none."""
    if len(digits) != 2:
        return year(digits) if digits else ("",)
    century = "20" if int(digits) < 70 else "19"
    return (*year(century + digits), *year(digits))


def _year_behind(match: re.Match[str]) -> Readings:
    return _years((match["year"] or "").lstrip("’'"))


def _numeric(month: str, day: str, written_year: str) -> Readings:
    is_date = 1 <= int(month) <= 12 and 1 <= int(day) <= 31
    return _dated(NAMES[int(month) - 1], day, written_year) if is_date else ()


def _iso(match: re.Match[str]) -> Readings:
    return _numeric(match["month"], match["day"], match["year"])


def _slashed(match: re.Match[str], *, day_first: bool) -> Readings:
    return _numeric(*_ordered(match["first"], match["second"], day_first=day_first), match["year"])


def _ordered(first: str, second: str, *, day_first: bool) -> tuple[str, str]:
    """Return two numbers as month and day."""
    return (second, first) if int(first) > 12 or (day_first and int(second) <= 12) else (first, second)


def _month_first(match: re.Match[str]) -> Readings:
    """Read "Mon, Nov. 23rd, 2026", "November 23-25"."""
    weekday, month, day = WEEKDAYS.get(match["weekday"], ""), _month(match["month"]), match["day"]
    days = _span((f"{month} {_day(day)}",), (_day(match["last"]),)) if match["last"] else _dated(month, day, "")
    return combined((weekday,), days, _year_behind(match))


def _day_first(match: re.Match[str]) -> Readings:
    """Read "23 November 2026", "the 23rd of November"."""
    weekday, month, day = WEEKDAYS.get(match["weekday"], ""), _month(match["month"]), match["day"]
    days = _dated(month, day, "")
    if match["article"] or match["of"]:
        days = (f"{match['article'] or 'the'} {_day(day)} of {month}", f"{_day(day)} of {month}")
    return combined((weekday,), days, _year_behind(match))


def _month_of_year(match: re.Match[str]) -> Readings:
    return combined((_month(match["month"]),), year(match["year"]))


def _months(match: re.Match[str]) -> Readings:
    return _span((_month(match["first"]),), (_month(match["last"]),))


def _short_month(match: re.Match[str]) -> Readings:
    return (_month(match["month"]),)


def _weekdays(match: re.Match[str]) -> Readings:
    return _span((WEEKDAYS[match["first"]],), (WEEKDAYS[match["last"]],))


def _weekday(match: re.Match[str]) -> Readings:
    return (WEEKDAYS[match["weekday"]],)


def _decade(match: re.Match[str]) -> Readings:
    """Read "1990s", "the '50s": the plural of the year or of its tens."""
    century, ten = match["century"] or "", match["ten"]
    if ten == "0":
        return (f"{year(century + '00')[0]}s",) if century else ("two thousands", "aughts")
    return combined((cardinal(century) if century else "",), (plural(cardinal(f"{ten}0")),))


def _span_of_years(match: re.Match[str]) -> Readings:
    first, last = match["first"], match["last"]
    if int(last) <= int(first[-len(last) :]):
        return ()
    return _span(year(first), (cardinal(last), *year(first[:2] + last)) if len(last) == 2 else year(last))


def _season(match: re.Match[str]) -> Readings:
    """Read "2019/20", a year and the next."""
    first, last = match["first"], match["last"]
    if int(last) != (int(first) + 1) % 100:
        return ()
    return (f"{year(first)[0]} {two_digits(last)}", f"{year(first)[0]} slash {two_digits(last)}")


def _era(match: re.Match[str]) -> Readings:
    digits = ungrouped(match["year"])
    return combined(
        year(digits) if len(digits) <= 4 else (cardinal(digits),), (" ".join(match["era"].replace(".", "")),)
    )


def _anno_domini(match: re.Match[str]) -> Readings:
    return combined(("A D",), year(match["year"]))


def _short_year(match: re.Match[str]) -> Readings:
    return (two_digits(match["year"]),)


def _year(match: re.Match[str]) -> Readings:
    """Read a year; it may be a count too, unless a word beside it makes it a year."""
    is_sure = DATED.search(match.string[max(0, match.start("year") - 24) : match.start("year")])
    return year(match["year"]) if is_sure else (*year(match["year"]), *count(match["year"]))


SLASHED = rf"""{ALONE} (?P<first>\d\d?) (?P<mark>[/.-]) (?P<second>\d\d?) (?P=mark)
    (?P<year> (?:19|20)\d\d | (?<!\.)\d\d ) {END}"""
"""Day, month and year; with points the year must have four digits, because 1.2.20 is a version."""

YEARLESS = rf"""
    (?: (?<=\b[Oo]n\s) | (?<=\bdue\s) | (?<=\bsince\s) | (?<=\buntil\s) | (?<=\bby\s)(?!1/[234]\b|[23]/[34]\b) )
    (?!9/11\b) (?P<first>\d\d?) / (?P<second>\d\d?) (?P<year>) {END} (?!\sof\b)"""
"""Day and month without a year, only after a word that makes them a date rather than a fraction."""

NUMBERS = r"(?P<it>(?P<first>\d\d?)/(?P<second>\d\d?)(?P<year>))"
MOVED = r"\b (?:moved|rescheduled|postponed|delayed|pushed|shifted) \s (?:\w+\s)? from"
MOVED_FROM = rf"{MOVED} \s {NUMBERS} (?= \sto\s \d\d?/\d\d? {END} (?!\sof\b) )"
MOVED_TO = rf"{MOVED} \s \d\d?/\d\d? \sto\s {NUMBERS} {END} (?!\sof\b)"
"""The days from and to which something is moved."""

SHORT_WEEKDAY = rf"""\b (?<!\b[Tt]he\s) (?! (?:Sat|Sun|Wed)\s\d+\s[a-z]+s\b ) (?P<weekday>{SHORT_WEEKDAYS})
    (?: \.(?=\s\S) | (?=,?\s\d) | (?=[-–/](?:{SHORT_WEEKDAYS})) | (?=\.?$) )"""
"""Short weekdays, except the Sun, and except the verb of "Sat 5 exams"."""

DECADE = rf"""(?: {CUE} | (?<=0s\sand\s) | (?<=0s\sor\s) | (?<=0s\sto\s) | [’'] )
    (?P<century>) (?P<ten>\d) 0[’']?s\b (?!\s(?:timeout|delay|limit|interval|window|wait|pause|mark|clip|cap)\b)"""
"""Decades without a century, if a word makes "50s" a decade rather than a count of seconds."""

ERA = r"(?P<era> B\.?C\.?E?\.?(?=\W|$) | A\.?D\.?(?=\W|$) | C\.?E\.?(?=\W|$) )"

WORDED = (
    rule(
        "date",
        rf"""\b {NO_CROWD} {WEEKDAY_BEFORE} (?P<month>{MONTH}) \s (?P<day>{DAY}) {SUFFIX}
        (?: {TO} (?P<last>{DAY}) {SUFFIX} )? (?! [\w:%/] | [.,]\d | \s(?i:[ap]\.?m)\b ) {YEAR_BEHIND}""",
        _month_first,
    ),
    rule(
        "date",
        rf"""(?<![\w.,/:$-]) {WEEKDAY_BEFORE} (?:(?P<article>[Tt]he)\s)? (?P<day>{DAY}) {SUFFIX} \s (?:(?P<of>of)\s)?
        (?P<month>{MONTH}) (?![a-z]) {YEAR_BEHIND}""",
        _day_first,
    ),
    rule(
        "date",
        rf"\b (?P<month>{MONTH}) ,?\s (?:of\s)? (?P<year>{YEAR})\b (?![-–/]\d) {UNCOUNTED}",
        _month_of_year,
    ),
    rule(
        "weekdays",
        rf"\b (?P<first>{SHORT_WEEKDAYS}) {TO} (?P<last>{SHORT_WEEKDAYS}) (?![a-z])",
        _weekdays,
    ),
    rule("months", rf"\b (?P<first>{MONTH}) {TO} (?P<last>{MONTH}) (?![a-z])", _months),
    rule("month", rf"\b (?P<month>(?:{SHORT_MONTHS})\.) (?=\s|,|$)", _short_month),
    rule("weekday", SHORT_WEEKDAY, _weekday),
)
"""Rules for dates with the name of a month or a weekday."""

YEARS = (
    rule("decade", r"(?<![\w.,$]) (?P<century>1[0-9]|20) (?P<ten>\d) 0[’']?s\b", _decade),
    rule("decade", DECADE, _decade),
    rule(
        "years",
        rf"{ALONE} (?P<first>{LATE_YEAR}) {TO} (?P<last>{LATE_YEAR}|\d\d) (?![\w/-]|[.,]\d) {UNCOUNTED}",
        _span_of_years,
    ),
    rule("years", rf"{ALONE} (?P<first>(?:19|20)\d\d) / (?P<last>\d\d) (?![\w/]|[.,]\d)", _season),
    rule("year", rf"(?<![\w.,$]) (?P<year>\d{{1,4}}|\d{{1,2}},\d{{3}}) \s {ERA}", _era),
    rule("year", r"\b A\.?D\.? \s (?P<year>\d{1,4})\b", _anno_domini),
    rule("year", r"(?<=\W) [’'] (?P<year>\d\d) (?=[\s,.;:?!)]|$)", _short_year),
    rule(
        "year",
        rf"""\b (?:[Ii]n|[Ss]ince|[Bb]y|[Uu]ntil|[Bb]efore|[Aa]fter|[Yy]ear) \s
        (?P<it>(?P<year>10\d\d)) {END} {UNCOUNTED}""",
        _year,
    ),
    rule(
        "year",
        rf"""{ALONE}(?<!\d{{4}}\s) (?P<year>{LATE_YEAR}) (?! \s\d{{4}}\b | [\w%°/×] | [.,:]\d | [-–]\d
            | \s?(?: [x×+*=<>%] | (?:dollars?|euros?|pounds?|people|percent)\b ) ) {UNCOUNTED}""",
        _year,
    ),
)


def rules(*, day_first: bool) -> tuple[Rule, ...]:
    """Return the rules of this module, in order. `day_first`: 3/4/2026 is in April."""
    slashed = partial(_slashed, day_first=day_first)
    return (
        rule(
            "date",
            rf"""{ALONE} (?P<year>{YEAR}) (?P<mark>[-/]) (?P<month>0[1-9]|1[0-2]) (?P=mark) (?P<day>0[1-9]|[12]\d|3[01])
            (?=T\d|[^\w/-]|$)""",
            _iso,
        ),
        rule("date", SLASHED, slashed),
        rule("date", YEARLESS, slashed),
        rule("date", MOVED_FROM, slashed),
        rule("date", MOVED_TO, slashed),
        *WORDED,
        *YEARS,
    )
