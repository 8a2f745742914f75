"""The worker process: loads a handler, then answers one request after another until the parent closes the channel.

It first sends `Handshake`. On `Load` with a place ("package.module:function"), it imports that function, the loader,
and calls it with the settings; the loader returns the handler, which answers each `WorkItem`. The loader's annotations
are the contract: settings and requests are decoded as the types that it names. See `messages` for the format.

    def load(settings: Script) -> Callable[[Wish], Iterator[Piece]]: ...

A handler that takes a list of items replies with one `Outcome` per item, in order, so that one item can fail alone.
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
"""Function from a request to any number of replies. Each reply is sent before the next one is computed."""

STDIN = 0
"""File descriptor of standard input. `sys.stdin` may be None."""

Packed = tuple[Message, bytes]
"""A message with its payload."""


def main() -> None:
    """Serve the socket whose file descriptor is the last command-line argument."""
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    with socket.socket(fileno=int(sys.argv[-1])) as channel, suppress(ConnectionError):
        channel.set_inheritable(False)
        serve(channel)
    os.killpg(0, signal.SIGKILL)  # the parent is gone: end the processes started here too


def _end_with_parent() -> None:
    """Arrange for this process group to be killed when the parent ends, however it ends.

    Standard input is a pipe whose other end only the parent holds. When that closes, a thread kills the group. On Linux
    the kernel also sends the signal, which works even if this process is in C code that lets no thread run.
    """
    pipe = os.dup(STDIN)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), STDIN)
    if sys.platform == "linux":
        with suppress(OSError):  # some sandboxes do not support these calls
            fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
            fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_kill_group_after, args=(pipe,), daemon=True).start()


def _kill_group_after(pipe: int) -> None:
    """Kill this process group when `pipe` closes."""
    os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)


def serve(channel: socket.socket) -> None:
    """Answer the messages on `channel` until it is closed.

    Raises ConnectionError if the parent no longer reads.
    """
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
        raise ValueError(f"a worker cannot handle the message {type(message).__name__}")

    while heard := messages.read(stream):
        for packed in _answers(answer, *heard):
            channel.sendall(packed)


def _loaded(place: str, settings: bytes) -> tuple[Handler, Any]:
    """Run the loader at `place` with the settings. Returns its handler, and the type of the handler's requests."""
    module, _, function = place.partition(":")
    loader = getattr(importlib.import_module(module), function)
    hints = typing.get_type_hints(loader)
    arguments, _ = typing.get_args(hints.pop("return", None)) or ([Any], Any)
    (kind,) = hints.values() or (Any,)
    return loader(messages.decoded(settings, kind)), arguments[0]


def _answers(answer: Callable[[Message, bytes], Iterable[Any]], message: Message, payload: bytes) -> Iterator[bytes]:
    """Yield the packed replies to `message`, and finally how the answer ended."""
    try:
        for reply in answer(message, payload):
            yield messages.packed(*_reply(reply))
    except Exception as error:  # noqa: BLE001  a failed request must not end the worker
        yield messages.packed(*_failure(error))
    else:
        yield messages.packed(End(resident()))


def _reply(reply: Any) -> Packed:
    """Return the message for a reply; for an outcome, the message for its value or its error."""
    if not isinstance(reply, Outcome):
        return Reply(), messages.encoded(reply)
    if reply.error:
        return _failure(reply.error, is_of_item=True)
    return Reply(), messages.encoded(reply.value)


def _failure(error: Exception, *, is_of_item: bool = False) -> Packed:
    """Return the message for `error`.

    A subclass that is not defined in speakkit.errors is sent as its nearest base class there.
    """
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
    """Encode `text`, including undecodable bytes in file names."""
    return text.encode(errors="backslashreplace")


def resident() -> int:
    """Return the memory of this process in bytes.

    If the system does not report it (macOS), this is the peak so far.
    """
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
