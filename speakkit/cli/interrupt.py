"""Turn a request to stop (Ctrl-C, SIGTERM, SIGHUP) into a KeyboardInterrupt that cannot get lost.

Python discards an exception that is raised in a destructor or in a callback of compiled code ("Exception ignored in"),
and imports run many of both. Therefore the request is stored, and `check` raises it again at the next step.
"""

import signal
from types import FrameType
from typing import Never

_requested: list[int] = []
"""Numbers of the signals received since `listen`."""


def listen() -> None:
    """Install signal handlers that raise KeyboardInterrupt on a request to stop, so that no partial file is left."""
    _requested.clear()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _request)


def is_requested() -> bool:
    """Whether a request to stop was received since `listen`."""
    return bool(_requested)


def check() -> None:
    """Raise KeyboardInterrupt if a request to stop was received, in case Python discarded the first one."""
    if is_requested():
        raise KeyboardInterrupt


def _request(number: int, _: FrameType | None) -> Never:
    _requested.append(number)
    raise KeyboardInterrupt
