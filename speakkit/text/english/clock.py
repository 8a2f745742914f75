"""Times of day in words."""

from speakkit.text.english.numbers import cardinal, combined, two_digits
from speakkit.text.rule import Readings

STEPS = {5: ("five",), 10: ("ten",), 15: ("a quarter", "quarter"), 20: ("twenty",), 25: ("twenty five",)}
"""Minutes that are said relative to the hour: "five past nine", "a quarter to ten"."""

NOON, HALF, HOUR = 12, 30, 60


def clock(hour: str, minute: str, half: str | None = None) -> Readings:
    """Return the readings of a time: "9", "05" -> "nine oh five". `half` is "AM", "p.m." or the like, or None."""
    if half:
        return _of_half(int(hour), minute, half)
    if int(minute) == 0:
        return _full_hour(hour)
    return _past_the_hour(hour, minute)


def meridiem(hour: int, half: str) -> Readings:
    """Return the readings of AM or PM at an hour: 3, "p.m." -> "P M", "in the afternoon"."""
    letters = f"{half[0].upper()} M"
    if letters == "A M":
        return (letters, "at night" if hour == NOON else "in the morning")
    if hour == NOON or hour < 5:
        return (letters, "in the afternoon")
    return (letters, *(("in the evening",) if hour < 10 else ()), *(("at night",) if hour > 7 else ()))


def _of_half(hour: int, minute: str, half: str) -> Readings:
    minutes = ("", "o'clock") if minute == "00" else (two_digits(minute),)
    ways = combined((cardinal(str(hour)),), minutes, meridiem(hour, half))
    if hour == NOON and minute == "00":
        ways += ("midnight" if half[0] in "Aa" else "noon",)
    return ways


def _past_the_hour(hour: str, minute: str) -> Readings:
    number, minutes = int(hour), two_digits(minute)
    twelfth = (number - 1) % NOON + 1
    others = (f"{cardinal(str(twelfth))} {minutes}", *_relative(twelfth, int(minute)))
    if number in (0, 24):
        return (f"zero {minutes}", f"twelve {minutes} A M", f"zero zero {minutes}", *others)
    said = f"{cardinal(hour)} {minutes}"
    leading = (f"oh {said}", f"zero {said}") if hour[0] == "0" else ()
    afternoon = (f"{cardinal(str(twelfth))} {minutes} P M",) if number > NOON else ()
    return tuple(dict.fromkeys((said, *leading, *afternoon, *others)))


def _relative(hour: int, minute: int) -> Readings:
    """Return readings relative to the hour: 9, 15 -> "a quarter past nine"; 9, 45 -> "a quarter to ten"."""
    now, following = cardinal(str(hour)), cardinal(str(hour % NOON + 1))
    if minute == HALF:
        return (f"half past {now}",)
    if minute < HALF:
        return tuple(f"{step} {past} {now}" for past in ("past", "after") for step in STEPS.get(minute, ()))
    return tuple(f"{step} {to} {following}" for to in ("to", "till") for step in STEPS.get(HOUR - minute, ()))


def _full_hour(hour: str) -> Readings:
    number, hours = int(hour), cardinal(hour)
    if number in (0, 24):
        return ("midnight", "zero hundred hours", "twelve A M", "twelve o'clock", "twelve")
    if number == NOON:
        return ("twelve o'clock", "noon", "twelve")
    if number < NOON:
        military = (f"oh {hours} hundred", f"zero {hours} hundred", f"{hours} hundred") if hour[0] == "0" else ()
        return (f"{hours} o'clock", hours, *military)
    twelfth = cardinal(str(number - NOON))
    return (f"{hours} hundred", f"{hours} hundred hours", f"{twelfth} P M", f"{twelfth} o'clock", twelfth)
