"""Times of day, lengths of time with colons, and telephone numbers."""

import re

from speakkit.text.english.numbers import cardinal, combined, spelled
from speakkit.text.english.rule import Readings, Rule

HOUR = r"(?:[01]?\d|2[0-4])"
MERIDIEM = r"[AaPp](?:\.[Mm](?:\.(?=\s+\S|[,;)]))?|[Mm](?![\w.])|[Mm](?=\.(?:\s|$)))"
BARE = r"(?<![\w.,:/$#-])"
TO = r"\s?[-–—]\s?"
DASH = r"[-. ]"


def _minutes(digits: str) -> str:
    return f"oh {cardinal(digits[1])}" if digits[0] == "0" else cardinal(digits)


def _half(letters: str) -> str:
    return f"{letters[0].upper()} M"


def clock(hour: str, minute: str, half: str = "") -> Readings:
    """As "9", "05" -> "nine oh five"; `half` is "AM", "p.m." or ""."""
    hours = cardinal(str(int(hour)))
    if half:
        said = _half(half)
        return (
            (f"{hours} {said}", f"{hours} o'clock {said}")
            if minute == "00"
            else (f"{hours} {_minutes(minute)} {said}",)
        )
    number = int(hour)
    if minute == "00":
        return _full_hour(number, hours)
    if number in (0, 24):
        return (f"zero {_minutes(minute)}", f"twelve {_minutes(minute)} A M", f"zero zero {_minutes(minute)}")
    said = f"{hours} {_minutes(minute)}"
    leading = (f"oh {said}", f"zero {said}") if hour[0] == "0" else ()
    afternoon = (f"{cardinal(str(number - 12))} {_minutes(minute)} P M",) if number > 12 else ()
    return (said, *leading, *afternoon)


def _full_hour(number: int, hours: str) -> Readings:
    if number in (0, 24):
        return ("midnight", "zero hundred hours", "twelve A M")
    if number < 12:
        return (f"{hours} o'clock", f"{hours} hundred")
    if number == 12:
        return ("twelve o'clock", "noon", "twelve")
    return (f"{hours} hundred", f"{hours} hundred hours", f"{cardinal(str(number - 12))} P M")


def _time(match: re.Match[str]) -> Readings:
    return clock(match["hour"], match["minute"], match["half"] or "")


def _hour(match: re.Match[str]) -> Readings:
    return (f"{cardinal(match['hour'])} {_half(match['half'])}",)


def _span(match: re.Match[str]) -> Readings:
    """As "9am-5pm", "5-6pm", "9:30–11:00"."""
    first = clock(match["hour"], match["minute"] or "00", match["half"] or "")
    last = clock(match["hour2"], match["minute2"] or "00", match["half2"] or "")
    if not match["half"] and not match["minute"]:
        first = (cardinal(match["hour"]),)
    if not match["half2"] and not match["minute2"]:
        return ()
    return tuple(f"{a} {to} {b}" for to in ("to", "until") for a in first for b in last)


def _with_seconds(match: re.Match[str]) -> Readings:
    hour, minute, second = match["hour"], match["minute"], match["second"]
    hours = cardinal(str(int(hour)))
    seconds = _minutes(second) + (f" point {spelled(match['part'])}" if match["part"] else "")
    head = f"{hours if int(hour) else 'zero'} {'oh oh' if minute == '00' else _minutes(minute)}"
    long = f"{hours} hour{'s' * (int(hour) != 1)} {cardinal(str(int(minute)))} minutes and {cardinal(str(int(second)))} seconds"
    half = f" {_half(match['half'])}" if match["half"] else ""
    if second == "00" and not match["part"]:
        return (f"{head} and zero seconds{half}", f"{head}{half}", long)
    return (f"{head} {seconds}{half}", f"{head} and {cardinal(str(int(second)))} seconds{half}", long)


def _stamp(match: re.Match[str]) -> Readings:
    """The time of an ISO 8601 date: "T14:30:00Z"."""
    times = clock(match["hour"], match["minute"])
    if match["second"] and int(match["second"]):
        times = tuple(f"{time} and {cardinal(str(int(match['second'])))} seconds" for time in times)
    zone = match["zone"] or ""
    if zone == "Z":
        return tuple(f"at {time} {said}" for said in ("U T C", "Zulu", "Z") for time in times)
    if zone:
        sign = "minus" if zone[0] == "-" else "plus"
        hours, minutes = zone[1:3], zone[-2:]
        off = f"U T C {sign} {cardinal(str(int(hours)))}" + (f" {cardinal(minutes)}" if minutes != "00" else "")
        return tuple(f"at {time} {off}" for time in times)
    return tuple(f"at {time}" for time in times)


def _lap(match: re.Match[str]) -> Readings:
    """Minutes and seconds with a fraction: "1:23.45"."""
    return (f"{cardinal(match['minute'])} {_minutes(match['second'])} point {spelled(match['part'])}",)


def _phone(match: re.Match[str]) -> Readings:
    groups = [group for group in re.split(r"[^\d+A-Z]+", match.group()) if group]
    said = [_group(group, first=i == 0) for i, group in enumerate(groups)]
    return combined((", ".join(option[0] for option in said), ", ".join(option[-1] for option in said)))


def _group(group: str, *, first: bool) -> Readings:
    plus = "plus " if first and group.startswith("+") else ""
    digits = group.lstrip("+")
    if digits.isalpha():
        return (digits.lower(), " ".join(digits))
    if digits in ("800", "900", "700", "600", "500"):
        return (plus + cardinal(digits), plus + spelled(digits, "oh"))
    return (plus + spelled(digits), plus + spelled(digits, "oh"))


def _emergency(match: re.Match[str]) -> Readings:
    return (spelled(match["digits"]), spelled(match["digits"], "oh"))


FULL = rf"{BARE}(?P<hour>{HOUR}):(?P<minute>[0-5]\d)(?:\s?(?P<half>{MERIDIEM}))?(?![\w/]|[:.]\d|:\w)"
ENDS = rf"(?P<hour2>{HOUR})(?::(?P<minute2>[0-5]\d))?(?:\s?(?P<half2>{MERIDIEM}))?(?![\w/%°]|[.,:-]\d)"

RULES = (
    Rule(
        "time",
        re.compile(
            r"(?<=\d)[T ](?P<hour>[01]\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d{1,9})?)?"
            r"(?P<zone>Z|[+-]\d\d:?\d\d)(?![\w:])"
        ),
        _stamp,
    ),
    Rule(
        "time",
        re.compile(
            r"(?<=\d)T(?P<hour>[01]\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d{1,9})?)?(?P<zone>)(?![\w:])"
        ),
        _stamp,
    ),
    Rule(
        "times",
        re.compile(rf"{BARE}(?P<hour>{HOUR})(?::(?P<minute>[0-5]\d))?(?:\s?(?P<half>{MERIDIEM}))?{TO}{ENDS}"),
        _span,
    ),
    Rule(
        "time",
        re.compile(
            rf"{BARE}(?P<hour>\d{{1,3}}):(?P<minute>[0-5]\d):(?P<second>[0-5]\d)(?:[.,](?P<part>\d{{1,6}}))?"
            rf"(?:\s?(?P<half>{MERIDIEM}))?(?![\w:/])"
        ),
        _with_seconds,
    ),
    Rule(
        "time", re.compile(r"(?<![\w.,:/$#-])(?P<minute>\d{1,2}):(?P<second>[0-5]\d)\.(?P<part>\d{1,3})(?![\w.])"), _lap
    ),
    Rule("time", re.compile(FULL), _time),
    Rule("time", re.compile(rf"(?<![\w.,:/$£€#-])(?P<hour>1[0-2]|0?[1-9])\s?(?P<half>{MERIDIEM})"), _hour),
    Rule(
        "phone",
        re.compile(
            rf"(?<![\w.,/$-])(?:(?:\+\d{{1,3}}|1){DASH}?)?(?:\(\d{{3}}\)\s?|\d{{3}}{DASH})\d{{3}}[-. ](?:\d{{4}}|[A-Z]{{4,7}})(?![\w-]|\.\d)"
        ),
        _phone,
    ),
    Rule("phone", re.compile(r"(?<![\w.,/$-])1-8\d\d-[A-Z0-9]{3,4}(?:-?[A-Z0-9]{3,5})?(?![\w-])"), _phone),
    Rule("phone", re.compile(r"(?<![\w.,/$-])[2-9]\d\d-\d{4}(?![\w-]|\.\d)"), _phone),
    Rule("phone", re.compile(r"(?<![\w.])\+\d{1,3}(?:[- ]\(?\d{1,5}\)?){2,5}(?![\w-])"), _phone),
    Rule(
        "phone",
        re.compile(r"(?:(?<=[Cc]all )|(?<=[Dd]ial )|(?<=[Dd]ialed )|(?<=[Cc]alled ))(?P<digits>\d11)(?![\w-])"),
        _emergency,
    ),
)
