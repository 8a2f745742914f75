"""What runs in a worker: it loads a handler, and answers one request after the other until there is nobody to ask.

Told `load`, `settings`, it imports the place `load` ("package.module:function") and calls it; what that gives back
handles each `request`. Either is answered by any number of `reply`, and by one message that ends the answer: `end`,
`failed` (an error of speakkit's) or `bug` (any other). An `end` tells the memory that the process takes.
"""

import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

from speakkit import errors
from speakkit.errors import SpeakkitError, WorkerOutOfMemory
from speakkit.workers import frames
from speakkit.workers.frames import Frame, JsonValue

Handler = Callable[[Frame], Iterable[Frame]]
"""Answers a request with any number of frames, each of which is sent before it is asked for the next."""

Loader = Callable[[Mapping[str, JsonValue]], Handler]
"""Loads whatever a handler needs, by its settings."""

PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that a process gets when the thread that started it ends."""


def main() -> None:
    """Serve the socket whose number is the first argument, for the process whose number is the second."""
    number, parent = map(int, sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's affair
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        return
    with socket.socket(fileno=number) as channel, suppress(ConnectionError):
        channel.set_inheritable(False)
        serve(channel)


def serve(channel: socket.socket) -> None:
    """Answer what comes in by `channel` until its end. Raises ConnectionError where nobody listens any more."""
    stream = channel.makefile("rb")
    handler: Handler | None = None

    def answer(message: Frame) -> Iterable[Frame]:
        nonlocal handler
        match message.fields:
            case {"load": str(place), "settings": dict(settings)}:
                handler = _loader(place)(settings)
                return ()
            case {"request": dict(fields)} if handler:
                return handler(Frame(fields, message.payload))
        raise ValueError(f"a worker is not told {list(message.fields)}")

    while message := frames.read(stream):
        for packed in _answer(answer, message):
            channel.sendall(packed)


def _loader(place: str) -> Loader:
    module, _, function = place.partition(":")
    return cast("Loader", getattr(importlib.import_module(module), function))


def _answer(handler: Handler, message: Frame) -> Iterator[bytes]:
    """What `handler` replies to `message`, and how it ended."""
    try:
        for reply in handler(message):
            yield frames.packed(Frame({"reply": reply.fields}, reply.payload))
    except Exception as error:  # noqa: BLE001  one request must not take the others with it
        yield frames.packed(_failure(error))
    else:
        yield frames.packed(Frame({"end": resident()}))


def _failure(error: Exception) -> Frame:
    """The message that tells of `error`; of one that is defined elsewhere, by the nearest class of speakkit.errors."""
    kind = type(error)
    if errors.is_out_of_memory(error):
        return Frame({"failed": WorkerOutOfMemory.__name__}, _encoded(f"out of memory: {error or kind.__name__}"))
    if isinstance(error, SpeakkitError):
        known = next(base.__name__ for base in kind.__mro__ if base.__module__ == errors.__name__)
        return Frame({"failed": known}, _encoded(str(error)))
    where = "".join(traceback.format_tb(error.__traceback__))
    return Frame({"bug": kind.__name__, "message": str(error)[:2000]}, _encoded(where))


def _encoded(text: str) -> bytes:
    """As UTF-8, whatever is in the names of files."""
    return text.encode(errors="backslashreplace")


def resident() -> int:
    """Bytes of memory that this process takes; where the system does not tell (macOS), the most that it ever took."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
