"""Quiet hours, in which nothing is spoken."""

from datetime import time


def is_quiet(hours: str, now: time) -> bool:
    """Whether `now` is within `hours`, such as "22:00-07:00", with the end excluded.

    The hours may span midnight. "" contains no time.
    """
    if not hours:
        return False
    begin, end = (time.fromisoformat(part) for part in hours.split("-"))
    return begin <= now < end if begin <= end else now >= begin or now < end
