"""A request to stop (Ctrl-C, SIGTERM, SIGHUP) as an exception that cannot get lost.

Python drops an exception that is raised while a destructor or a callback of compiled code runs ("Exception ignored
in"), and imports are full of both. So the request is kept, and `check` raises it again at the next step.
"""

import signal
from types import FrameType
from typing import Never

_requested: list[int] = []


def listen() -> None:
    """From here on, a request to stop raises KeyboardInterrupt, so that nothing half-written is left."""
    _requested.clear()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _request)


def is_requested() -> bool:
    """Whether there was a request to stop since `listen`."""
    return bool(_requested)


def check() -> None:
    """Raises KeyboardInterrupt where one was raised before and came to nothing."""
    if is_requested():
        raise KeyboardInterrupt


def _request(number: int, _: FrameType | None) -> Never:
    _requested.append(number)
    raise KeyboardInterrupt
