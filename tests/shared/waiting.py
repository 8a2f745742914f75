"""Waiting in tests for a condition instead of a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 60.0
"""Timeout in seconds for a condition on a loaded machine; at rest it takes a fraction of one."""


def wait_until(condition: Callable[[], Found], seconds: float = PATIENCE) -> Found:
    """Wait until `condition()` is true and return its value; raises AssertionError after `seconds`."""
    __tracebackhide__ = True
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"the condition was not met within {seconds:g} s"
        time.sleep(0.01)
    return found
