"""What runs in a worker: it loads a handler, and answers one request after the other until there is nobody to ask.

It says `Handshake`. Told to `Load` a place ("package.module:function"), it imports the function, a loader, and calls it
with the settings; what that returns is the handler, which answers each `WorkItem`. The annotations of the loader are
the contract: settings and requests are decoded as the types that it names. See `messages` for what is sent.

    def load(settings: Script) -> Callable[[Wish], Iterator[Piece]]: ...

A handler that takes a list of items replies with an `Outcome` for each, in their order: one item may fail alone.
"""

import fcntl
import importlib
import os
import resource
import signal
import socket
import sys
import threading
import traceback
import typing
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from speakkit import errors
from speakkit.errors import SpeakkitError, WorkerBug, WorkerOutOfMemory
from speakkit.outcome import Outcome
from speakkit.workers import messages
from speakkit.workers.messages import PROTOCOL, Bug, End, Failed, Handshake, Load, Message, Reply, WorkItem

Handler = Callable[[Any], Iterable[Any]]
"""Answers a request with any number of replies, each of which is sent before it is asked for the next."""

STDIN = 0
"""The number of standard input, which `sys.stdin` may not have."""

Packed = tuple[Message, bytes]
"""A message and its payload."""


def main() -> None:
    """Serve the socket whose number is the last argument."""
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's affair
    with socket.socket(fileno=int(sys.argv[-1])) as channel, suppress(ConnectionError):
        channel.set_inheritable(False)
        serve(channel)
    os.killpg(0, signal.SIGKILL)  # nobody is there to ask: what was started here ends too


def _end_with_parent() -> None:
    """See to it that this whole process group is killed when the parent ends, however it ends.

    Standard input is a pipe to which the parent alone holds the other end. When that closes, a thread ends the group;
    on Linux the kernel does so itself, even if this process is in C code that lets no thread run.
    """
    pipe = os.dup(STDIN)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), STDIN)
    if sys.platform == "linux":
        with suppress(OSError):  # of a kernel that is a sandbox's
            fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
            fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_kill_group_after, args=(pipe,), daemon=True).start()


def _kill_group_after(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)


def serve(channel: socket.socket) -> None:
    """Answer what comes in by `channel` until its end. Raises ConnectionError if nobody listens any more."""
    stream = channel.makefile("rb")
    channel.sendall(messages.packed(Handshake(PROTOCOL)))
    handler: Handler | None = None
    kind: Any = Any

    def answer(message: Message, payload: bytes) -> Iterable[Any]:
        nonlocal handler, kind
        match message:
            case Load(place):
                handler, kind = _loaded(place, payload)
                return ()
            case WorkItem() if handler:
                return handler(messages.decoded(payload, kind))
        raise ValueError(f"a worker is not told {type(message).__name__}")

    while heard := messages.read(stream):
        for packed in _answers(answer, *heard):
            channel.sendall(packed)


def _loaded(place: str, settings: bytes) -> tuple[Handler, Any]:
    """The handler that the loader at `place` makes of its settings, and the type of its requests."""
    module, _, function = place.partition(":")
    loader = getattr(importlib.import_module(module), function)
    hints = typing.get_type_hints(loader)
    arguments, _ = typing.get_args(hints.pop("return", None)) or ([Any], Any)
    (kind,) = hints.values() or (Any,)
    return loader(messages.decoded(settings, kind)), arguments[0]


def _answers(answer: Callable[[Message, bytes], Iterable[Any]], message: Message, payload: bytes) -> Iterator[bytes]:
    """What is replied to `message`, and how that ended."""
    try:
        for reply in answer(message, payload):
            yield messages.packed(*_reply(reply))
    except Exception as error:  # noqa: BLE001  one request must not take the others with it
        yield messages.packed(*_failure(error))
    else:
        yield messages.packed(End(resident()))


def _reply(reply: Any) -> Packed:
    """A reply; of an outcome, its value or its error."""
    if not isinstance(reply, Outcome):
        return Reply(), messages.encoded(reply)
    if reply.error:
        return _failure(reply.error, is_of_item=True)
    return Reply(), messages.encoded(reply.value)


def _failure(error: Exception, *, is_of_item: bool = False) -> Packed:
    """The message that tells of `error`; of one that is defined elsewhere, by the nearest class of speakkit.errors."""
    kind = type(error)
    if errors.is_out_of_memory(error):
        text = f"out of memory: {error or kind.__name__}"
        return Failed(WorkerOutOfMemory.__name__, is_of_item), _utf8(text)
    if isinstance(error, SpeakkitError):
        known = next(base.__name__ for base in kind.__mro__ if base.__module__ == errors.__name__)
        return Failed(known, is_of_item), _utf8(str(error))
    if isinstance(error, WorkerBug):
        return Bug(error.kind, str(error).removeprefix(f"{error.kind}: "), is_of_item), _utf8(error.frames)
    where = "".join(traceback.format_tb(error.__traceback__))
    return Bug(kind.__name__, str(error)[:2000], is_of_item), _utf8(where)


def _utf8(text: str) -> bytes:
    """`text` encoded, whatever is in the names of files."""
    return text.encode(errors="backslashreplace")


def resident() -> int:
    """Bytes of memory that this process takes; where the system does not tell (macOS), the most that it ever took."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
