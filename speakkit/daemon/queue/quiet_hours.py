"""Hours in which nothing is to be heard."""

from datetime import time


def is_quiet(hours: str, now: time) -> bool:
    """Whether `now` is in `hours`, such as "22:00-07:00", which may go over midnight, and of which "" has none."""
    if not hours:
        return False
    begin, end = (time.fromisoformat(part) for part in hours.split("-"))
    return begin <= now < end if begin <= end else now >= begin or now < end
