"""Dates, years and decades."""

import re

from speakkit.text.english.numbers import cardinal, combined, ordinal, year
from speakkit.text.english.rule import Readings, Rule

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SHORT_MONTHS = {name[:3]: name for name in MONTHS} | {"Sept": "September", "June": "June", "July": "July"}
WEEKDAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
TENS = {"2": "twenties", "3": "thirties", "4": "forties", "5": "fifties"}
TENS |= {"6": "sixties", "7": "seventies", "8": "eighties", "9": "nineties", "1": "tens"}

ALONE = r"(?<![\w.,/:$€£¥#-])"
"""Nothing before that would make the digits a part of something longer."""
ENDED = r"(?![\w/]|[.,:-]\d)"
"""Nothing after, likewise."""
MONTH = rf"(?:{'|'.join(MONTHS)}|(?:{'|'.join(SHORT_MONTHS)})\b\.?)"
DAY = r"(?:0?[1-9]|[12]\d|3[01])"
TO = r"\s?[-–—]\s?"
YEAR = r"[12]\d{3}"
COUNTED = r"(?!\s+(?!(?i:was|is|has|his|this|as|us|census|series|its|always|s)\b)[a-z]+s\b|\s+(?:people|men|women|children)\b)"


def _month(name: str) -> str:
    return SHORT_MONTHS.get(name.rstrip("."), name.rstrip("."))


def _day(digits: str) -> str:
    return ordinal(digits.lstrip("0"))


def _dated(month: str, day: str, written_year: str = "") -> Readings:
    """A whole date, the month first as Americans say it, or the day first."""
    years = _years(written_year) if written_year else ("",)
    first = combined((f"{month} {_day(day)}", f"the {_day(day)} of {month}", f"{month} the {_day(day)}"), years)
    return (*first, *combined((f"{_day(day)} of {month}", f"{_day(day)} {month}"), years))


def _years(digits: str) -> Readings:
    if len(digits) == 2:
        century = "20" if int(digits) < 70 else "19"
        return (*year(century + digits), *year(digits))
    return year(digits)


def _numeric(month: str, day: str, written_year: str) -> Readings:
    number = int(month)
    return _dated(MONTHS[number - 1], day, written_year) if 1 <= number <= 12 and 1 <= int(day) <= 31 else ()


def _iso(match: re.Match[str]) -> Readings:
    return _numeric(match["month"], match["day"], match["year"])


def _slashed(*, day_first: bool) -> Rule:
    def read(match: re.Match[str]) -> Readings:
        first, second, written_year = match["first"], match["second"], match["year"]
        if int(first) > 12 or (day_first and int(second) <= 12):
            first, second = second, first
        return _numeric(first, second, written_year)

    pattern = rf"{ALONE}(?P<first>\d\d?)(?P<mark>[/.-])(?P<second>\d\d?)(?P=mark)(?P<year>(?:19|20)\d\d|\d\d){ENDED}"
    return Rule("date", re.compile(pattern), read)


def _month_day_of(match: re.Match[str]) -> Readings:
    month, day = match["first"], match["second"]
    return _numeric(month, day, "")


def _in_words(match: re.Match[str]) -> Readings:
    """As "Mon, Nov. 23rd, 2026", "November 23-25", "23 November 2026"."""
    weekday = f"{WEEKDAYS.get(match['weekday'], match['weekday'])} " if match["weekday"] else ""
    day, last = match["day"], match["last"]
    month = _month(match["month"])
    if match.group().startswith("the ") or " of " in match.group():
        return combined((weekday.strip(),), (f"the {_day(day)} of {month}", f"{_day(day)} of {month}"), _after(match))
    dated = combined(_dated(month, day), _after(match))
    if last:
        span = (f"{month} {_day(day)} to {_day(last)}", f"{month} {_day(day)} through {_day(last)}")
        dated = combined(span, _after(match))
    return combined((weekday.strip(),), dated) if weekday else dated


def _after(match: re.Match[str]) -> Readings:
    """The year behind a date, where there is one."""
    return _years(match["year"].lstrip("’'")) if match["year"] else ("",)


def _month_of_year(match: re.Match[str]) -> Readings:
    return combined((_month(match["month"]),), year(match["year"]))


def _months(match: re.Match[str]) -> Readings:
    first, last = _month(match["first"]), _month(match["last"])
    return (f"{first} to {last}", f"{first} through {last}")


def _short_month(match: re.Match[str]) -> Readings:
    return (_month(match["month"]),)


def _weekdays(match: re.Match[str]) -> Readings:
    first, last = WEEKDAYS[match["first"]], WEEKDAYS[match["last"]]
    return (f"{first} to {last}", f"{first} through {last}")


def _weekday(match: re.Match[str]) -> Readings:
    return (WEEKDAYS[match["weekday"]],)


def _decade(match: re.Match[str]) -> Readings:
    century, ten = match["century"] or "", match["ten"]
    if ten == "0":
        return (f"{year(century + '00')[0]}s",) if century else ("two thousands", "aughts")
    head = f"{cardinal(century)} " if century else ""
    return (head + TENS[ten],)


def _span_of_years(match: re.Match[str]) -> Readings:
    first, last = match["first"], match["last"]
    if len(last) == 2 and int(last) <= int(first[2:]):
        return ()
    if len(last) == 4 and int(last) < int(first):
        return ()
    ends = year(last) if len(last) == 4 else (cardinal(last), *year(first[:2] + last))
    return tuple(f"{start} {to} {end}" for to in ("to", "through") for start in year(first) for end in ends)


def _season(match: re.Match[str]) -> Readings:
    first, last = match["first"], match["last"]
    if int(last) != (int(first) + 1) % 100:
        return ()
    return (f"{year(first)[0]} {cardinal(last)}", f"{year(first)[0]} slash {cardinal(last)}")


def _era(match: re.Match[str]) -> Readings:
    era = " ".join(match["era"].replace(".", ""))
    digits = match["year"].replace(",", "")
    return combined(year(digits) if len(digits) <= 4 else (cardinal(digits),), (era,))


def _anno(match: re.Match[str]) -> Readings:
    return tuple(f"A D {spoken}" for spoken in year(match["year"]))


def _year(match: re.Match[str]) -> Readings:
    digits = match["year"]
    return (*year(digits), cardinal(digits))


WEEKDAY = (
    rf"(?:(?P<weekday>(?:{'|'.join(WEEKDAYS)})(?=[., ])|(?:{'|'.join(sorted(set(WEEKDAYS.values())))}))[.,]{{0,2}}\s)?"
)
AND_YEAR = rf"(?:,?\s(?P<year>{YEAR}|[’']\d\d)\b)?"


def rules(*, day_first: bool) -> tuple[Rule, ...]:
    """The rules of this module, in their order; `day_first`: 3/4/2026 is in April."""
    iso = rf"{ALONE}(?P<year>{YEAR})(?P<mark>[-/])(?P<month>0[1-9]|1[0-2])(?P=mark)(?P<day>0[1-9]|[12]\d|3[01])(?=T\d|[^\w/-]|$)"
    month_first = rf"\b{WEEKDAY}(?P<month>{MONTH})\s(?P<day>{DAY})(?:st|nd|rd|th)?(?:{TO}(?P<last>{DAY})(?:st|nd|rd|th)?)?(?![\d:%/]|[.,]\d|\s(?i:am|pm|a\.m|p\.m)\b){AND_YEAR}"
    day_leads = rf"(?<![\w.,/:$-]){WEEKDAY}(?:the\s)?(?P<day>{DAY})(?:st|nd|rd|th)?(?P<last>)\s(?:of\s)?(?P<month>{MONTH})(?![a-z]){AND_YEAR}"
    return (
        Rule("date", re.compile(iso), _iso),
        _slashed(day_first=day_first),
        Rule(
            "date",
            re.compile(
                rf"(?:(?<=\b[Oo]n )|(?<=\bby )|(?<=\bdue )|(?<=\bsince )|(?<=\buntil ))(?P<first>\d\d?)/(?P<second>\d\d?){ENDED}"
            ),
            _month_day_of,
        ),
        Rule("date", re.compile(month_first), _in_words),
        Rule("date", re.compile(day_leads), _in_words),
        Rule("date", re.compile(rf"\b(?P<month>{MONTH}),?\s(?:of\s)?(?P<year>{YEAR})\b(?![-–/]\d)"), _month_of_year),
        Rule(
            "weekdays",
            re.compile(rf"\b(?P<first>{'|'.join(WEEKDAYS)}){TO}(?P<last>{'|'.join(WEEKDAYS)})(?![a-z])"),
            _weekdays,
        ),
        Rule("months", re.compile(rf"\b(?P<first>{MONTH}){TO}(?P<last>{MONTH})(?![a-z])"), _months),
        Rule(
            "month",
            re.compile(rf"\b(?P<month>(?:{'|'.join(short for short in SHORT_MONTHS if short != 'May')})\.)(?=\s|,|$)"),
            _short_month,
        ),
        Rule(
            "weekday",
            re.compile(
                r"\b(?P<weekday>Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:\.(?=\s\S)|(?=,?\s\d|[-–/](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun))|(?=\.?$))"
            ),
            _weekday,
        ),
        Rule("decade", re.compile(r"(?<![\w.,$])(?P<century>1[0-9]|20)(?P<ten>\d)0[’']?s\b"), _decade),
        Rule(
            "decade",
            re.compile(r"(?:(?<=the )|(?<=early )|(?<=late )|(?<=mid-)|[’'])(?P<century>)(?P<ten>[1-9])0[’']?s\b"),
            _decade,
        ),
        Rule(
            "years",
            re.compile(
                rf"{ALONE}(?P<first>1[1-9]\d\d|20\d\d){TO}(?P<last>1[1-9]\d\d|20\d\d|\d\d)(?![\w/-]|[.,]\d)(?!\s[a-z]+s\b)"
            ),
            _span_of_years,
        ),
        Rule("years", re.compile(r"(?<![\w.,/$-])(?P<first>(?:19|20)\d\d)/(?P<last>\d\d)(?![\w/]|[.,]\d)"), _season),
        Rule(
            "year",
            re.compile(
                r"(?<![\w.,$])(?P<year>\d{1,4}|\d{1,2},\d{3})\s(?P<era>B\.?C\.?E?\.?(?=\W|$)|A\.?D\.?(?=\W|$)|C\.?E\.?(?=\W|$))"
            ),
            _era,
        ),
        Rule("year", re.compile(r"\bA\.?D\.?\s(?P<year>\d{1,4})\b"), _anno),
        Rule(
            "year",
            re.compile(r"(?<=\W)[’'](?P<year>\d\d)(?=[\s,.;:?!)]|$)"),
            lambda match: (cardinal(match["year"]) if match["year"][0] != "0" else f"oh {cardinal(match['year'][1])}",),
        ),
        Rule(
            "year",
            re.compile(
                rf"\b(?:[Ii]n|[Ss]ince|[Bb]y|[Uu]ntil|[Bb]efore|[Aa]fter|[Yy]ear)\s(?P<it>(?P<year>10\d\d)){ENDED}{COUNTED}"
            ),
            _year,
        ),
        Rule(
            "year",
            re.compile(
                rf"{ALONE}(?P<year>1[1-9]\d\d|20\d\d)(?![\w%°/×]|[.,:]\d|-\d|–\d|\s?(?:[x×+*=<>%]|(?:dollars?|euros?|pounds?|people|percent)\b)){COUNTED}"
            ),
            _year,
        ),
    )
