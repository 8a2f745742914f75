"""Rules for times of day, durations with colons, and telephone numbers."""

import re

from speakkit.text.english.clock import clock, meridiem
from speakkit.text.english.numbers import cardinal, combined, counted, decimal, spelled, two_digits
from speakkit.text.english.patterns import ALONE, TO, UNCOUNTED
from speakkit.text.rule import Readings, rule

HOUR = r"(?:[01]?\d|2[0-4])"
SIXTY = r"[0-5]\d"
MERIDIEM = r"[AaPp](?:[Mm](?!\w|\.\w)|\.[Mm](?!\w)(?:\.(?=\s+\S|[,;)]|\s?[-–—]))?)"
"""AM or PM; its last full stop is not part of the match if it ends the sentence."""

ROUND_GROUPS = frozenset(("500", "600", "700", "800", "900"))
"""Groups of a telephone number that are read as one number."""


LENGTH = re.compile(r"\b(?:lasts?|lasted|took|takes?|length|duration|runtime|elapsed)(?:\sof)?:?\s$", re.IGNORECASE)
LONG = re.compile(r"\s(?:long|minutes?|in\slength)\b")
"""Words before (LENGTH) and after (LONG) minutes and seconds that make them a duration."""


def _time(match: re.Match[str]) -> Readings:
    """Read a time of day, or as minutes and seconds too if a word nearby makes it a duration."""
    hour, minute, half = match["hour"], match["minute"], match["half"]
    ways = clock(hour, minute, half)
    before = match.string[max(0, match.start() - 20) : match.start()]
    if half or not (LENGTH.search(before) or LONG.match(match.string, match.end())):
        return ways
    minutes, seconds = counted(hour, "minute"), counted(str(int(minute)), "second")
    full = (f"{minutes} {seconds}", f"{minutes} and {seconds}") if int(minute) else (minutes,)
    return (ways[0], *full)


def _hour(match: re.Match[str]) -> Readings:
    return combined((cardinal(match["hour"]),), meridiem(int(match["hour"]), match["half"]))


def _end_of_span(hour: str, minute: str | None, meridiem: str | None) -> Readings:
    return clock(hour, minute or "00", meridiem) if minute or meridiem else (cardinal(hour),)


def _span(match: re.Match[str]) -> Readings:
    """Read "9am-5pm", "5-6pm", "9:30-11:00"; return () for two bare numbers."""
    if not any(match[part] for part in ("minute", "half", "minute2", "half2")):
        return ()
    first = _end_of_span(match["hour"], match["minute"], match["half"])
    last = _end_of_span(match["hour2"], match["minute2"], match["half2"])
    ways = tuple(f"{start} {to} {end}" for to in ("to", "until") for start in first for end in last)
    if match["half"] and match["half2"] and not (match["minute"] or match["minute2"]):
        ways += (f"{cardinal(match['hour'])} to {cardinal(match['hour2'])}",)
    return ways


def _with_seconds(match: re.Match[str]) -> Readings:
    """Read "1:02:03", "0:45:00.5" as a time of day or a duration."""
    hour, minute, second, part = match["hour"], match["minute"], match["second"], match["part"]
    minutes = "oh oh" if minute == "00" else two_digits(minute)
    seconds = counted(f"{second}.{part}" if part else second, "second")
    bare = two_digits(second) + (f" point {spelled(part)}" if part else "")
    heads = (f"{cardinal(hour)} {minutes}",)
    ends = (f"and {seconds}", "") if second == "00" and not part else (bare, f"and {seconds}")
    length = f"{counted(hour, 'hour')} {counted(minute, 'minute')} and {seconds}"
    halves = meridiem(int(hour), match["half"]) if match["half"] else ("",)
    return (*combined(heads, ends, halves), length, length.replace(" and ", " "))


def _stamp(match: re.Match[str]) -> Readings:
    """Read the time of an ISO 8601 date, "T14:30:00Z", or such a time alone with its zone."""
    seconds = f"{match['second'] or '00'}{match['part'] or ''}".replace(",", ".")
    exact = f"and {decimal(seconds)} seconds" if float(seconds) else ""
    at = "at" if match.group()[0] in "T " else ""
    return combined((at,), clock(match["hour"], match["minute"]), (exact,), _zone(match["zone"]))


def _zone(zone: str | None) -> Readings:
    if not zone:
        return ("",)
    if zone == "Z":
        return ("U T C", "Zulu", "Z")
    return _offset("UTC", zone[0], zone[1:3], zone[-2:])


def _offset(name: str, sign: str, hours: str, minutes: str) -> Readings:
    said = "plus" if sign == "+" else "minus"
    return combined((" ".join(name),), (said,), (cardinal(hours),), (cardinal(minutes) if int(minutes) else "",))


def _from_greenwich(match: re.Match[str]) -> Readings:
    """Read "UTC+2", "GMT-03:30"."""
    return _offset(match["name"], match["sign"], match["hours"], match["minutes"] or "0")


def _lap(match: re.Match[str]) -> Readings:
    """Read minutes and seconds with a fraction: "1:23.45"."""
    return (f"{cardinal(match['minute'])} {two_digits(match['second'])} point {spelled(match['part'])}",)


def _phone(match: re.Match[str]) -> Readings:
    """Read a number group by group with pauses between; the word of "1-800-FLOWERS" as a word or by its letters."""
    groups = [_group(group) for group in re.findall(r"\+?[\dA-Z]+", match.group())]
    return (", ".join(group[0] for group in groups), ", ".join(group[-1] for group in groups))


def _group(group: str) -> Readings:
    plus, characters = "plus" * group.startswith("+"), group.lstrip("+")
    if characters.isalpha():
        return (characters.lower(), " ".join(characters))
    if characters in ROUND_GROUPS:
        return combined((plus,), (cardinal(characters), spelled(characters, "oh")))
    return tuple(
        " ".join(filter(None, (plus, *(spelled(one, zero) or one for one in characters)))) for zero in ("zero", "oh")
    )


def _service(match: re.Match[str]) -> Readings:
    """Read the number of "call 911" digit by digit."""
    return (spelled(match["digits"]),)


FIRST = rf"(?P<hour>{HOUR}) (?: :(?P<minute>{SIXTY}) )? (?: \s?(?P<half>{MERIDIEM}) )?"
LAST = rf"(?P<hour2>{HOUR}) (?: :(?P<minute2>{SIXTY}) )? (?: \s?(?P<half2>{MERIDIEM}) )?"
"""The two ends of a span of times."""

EXACT = rf"(?P<hour>[01]\d|2[0-4]) : (?P<minute>{SIXTY}) (?: : (?P<second>{SIXTY}) (?P<part>[.,]\d{{1,9}})? )?"
STAMP = rf"(?<=\d) (?:(?P<T>T)|[ ]) {EXACT} (?P<zone>Z|[+-]\d\d:?\d\d)? (?(T)|(?(zone)|(?!))) (?![\w:])"
"""A time after a date: it has a T or a zone, because without either it is matched as an ordinary time."""

BEFORE_PHONE = r"(?<![\w.,/$-])"
GAP = r"[-.\s]"
AREA = rf"(?: \(\d{{3}}\)\s? | \d{{3}}{GAP} )"
ROUND = r"\d{2}[05]-\d{2}00\b"
"""Numbers such as 200-1500, which are more likely a range."""

RULES = (
    rule("time", STAMP, _stamp),
    rule("time", rf"{ALONE} {EXACT} (?P<zone>Z|\+\d\d:?\d\d) (?![\w:])", _stamp),
    rule(
        "time zone",
        rf"""\b (?P<name>UTC|GMT) \s? (?P<sign>[-+−]) (?P<hours>1[0-4]|0?\d) (?: :?(?P<minutes>{SIXTY}) )?
        (?![\w:]|\.\d)""",
        _from_greenwich,
    ),
    rule("times", rf"{ALONE} {FIRST} {TO} {LAST} (?![\w/%°]|[.,:-]\d)", _span),
    rule(
        "time",
        rf"""{ALONE} (?P<hour>\d{{1,3}}) : (?P<minute>{SIXTY}) : (?P<second>{SIXTY}) (?: [.,](?P<part>\d{{1,6}}) )?
        (?: \s?(?P<half>{MERIDIEM}) )? (?![\w:/])""",
        _with_seconds,
    ),
    rule("time", rf"{ALONE} (?P<minute>\d{{1,2}}) : (?P<second>{SIXTY}) \. (?P<part>\d{{1,3}}) (?![\w.])", _lap),
    rule(
        "time",
        rf"{ALONE} (?P<hour>{HOUR}) : (?P<minute>{SIXTY}) (?: \s?(?P<half>{MERIDIEM}) )? (?! [\w/] | [:.]\d | :\w )",
        _time,
    ),
    rule("time", rf"{ALONE} (?P<hour>1[0-2]|0?[1-9]) \s? (?P<half>{MERIDIEM})", _hour),
    rule("time", rf"{ALONE} (?P<hour>1[0-2]|0?[1-9]) \. (?P<minute>{SIXTY}) \s? (?P<half>{MERIDIEM})", _time),
    rule(
        "phone",
        rf"""{BEFORE_PHONE} (?: (?:\+\d{{1,3}}|1) {GAP}? )? {AREA} \d{{3}} {GAP} (?: \d{{4}} | [A-Z]{{4,7}} )
        (?![\w-]|\.\d)""",
        _phone,
    ),
    rule("phone", rf"{BEFORE_PHONE} 1-8\d\d-[A-Z0-9]{{3,4}} (?: -?[A-Z0-9]{{3,5}} )? (?![\w-])", _phone),
    rule("phone", rf"{BEFORE_PHONE} (?!{ROUND}) [2-9]\d\d-\d{{4}} (?![\w-]|\.\d) {UNCOUNTED}", _phone),
    rule("phone", rf"{BEFORE_PHONE} 0\d{{2,4}}[-\s]\d{{3,4}}[-\s]\d{{3,4}} (?![\w-]|\.\d)", _phone),
    rule("phone", r"(?<![\w.]) \+\d{1,3} (?: [-\s] \(?\d{1,5}\)? ){2,5} (?![\w-])", _phone),
    rule(
        "phone",
        rf"(?: (?<=\b[Cc]all\s) | (?<=\b[Dd]ial\s) | (?<=[Dd]ialed\s) | (?<=[Cc]alled\s) )"
        rf"(?P<digits>[2-9]11) (?![\w-]) {UNCOUNTED}",
        _service,
    ),
)
