"""Tests of the quiet hours."""

from datetime import time

import pytest

from speakkit.daemon.queue.quiet_hours import is_quiet


@pytest.mark.parametrize(
    ("hours", "now", "expected"),
    [
        ("", "03:00", False),
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("22:00-07:00", "12:00", False),
        ("12:00-13:30", "12:00", True),
        ("12:00-13:30", "13:30", False),
        ("12:00-13:30", "11:59", False),
        ("12:00-12:00", "12:00", False),
    ],
)
def test_hours(hours, now, expected):
    """The hours are half-open, within a day or across midnight."""
    assert is_quiet(hours, time.fromisoformat(now)) is expected
