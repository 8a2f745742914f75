"""Messages between a worker's process and its parent: a frame each, whose header is one of the types below.

What an engine is asked, and what it answers, is the payload: any value that msgspec can encode, as MessagePack, so that
it may be large. Its type is known to both ends by the annotations of the loader (see `child`).
"""

import os
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar

import msgspec

from speakkit.workers import frames
from speakkit.workers.frames import Frame, FrameError

PROTOCOL = 2
"""Version of these messages. A child that says another one is not used."""

Value = TypeVar("Value")


class Handshake(msgspec.Struct, frozen=True, tag="hello"):
    """First message of the child, before anything is imported that may fail."""

    protocol: int


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Order to load a handler. place: "package.module:function"; the payload is its settings."""

    place: str


class WorkItem(msgspec.Struct, frozen=True, tag="request"):
    """Order to answer a request, which is the payload."""


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """One reply, which is the payload. More may follow."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """An expected error, whose message is the payload.

    error: the name of a class in `speakkit.errors`
    is_of_item: only one item of the request met it, and the reply to it is missing; more follow. Otherwise the answer
        ends here
    """

    error: str
    is_of_item: bool = False


class Bug(msgspec.Struct, frozen=True, tag="bug"):
    """An unexpected error. The payload is its traceback, without source text; `is_of_item` is as in `Failed`."""

    kind: str
    message: str
    is_of_item: bool = False


class End(msgspec.Struct, frozen=True, tag="end"):
    """The end of an answer. resident: bytes of memory that the process takes."""

    resident: int


Message: TypeAlias = Handshake | Load | WorkItem | Reply | Failed | Bug | End


def packed(message: Message, payload: bytes = b"") -> bytes:
    """`message` as it is sent. Raises FrameError if it is too large."""
    return frames.packed(Frame(msgspec.to_builtins(message), payload))


def read(stream: BinaryIO) -> tuple[Message, bytes] | None:
    """The next message of a buffered `stream` and its payload, or None at its end. Raises FrameError."""
    frame = frames.read(stream)
    if frame is None:
        return None
    try:
        return msgspec.convert(frame.fields, Message), frame.payload
    except msgspec.ValidationError as error:
        raise FrameError(f"no message of a worker: {error}") from error


def encoded(value: Any) -> bytes:
    """`value` as a payload; a Path is sent as the bytes of its name, and what is derived from str or float as that.

    Raises FrameError for a text with a lone surrogate, TypeError or OverflowError for what msgspec cannot encode.
    """
    try:
        return msgspec.msgpack.encode(value, enc_hook=_plain)
    except UnicodeEncodeError as error:
        raise FrameError("a text has half of a character in it") from error


def decoded(payload: bytes, kind: type[Value]) -> Value:
    """The value of type `kind` that a payload is. Raises FrameError."""
    try:
        return msgspec.msgpack.decode(payload, type=kind, dec_hook=_path_of)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FrameError(str(error)) from error


def _plain(value: object) -> bytes | str | float:
    if isinstance(value, Path):
        return os.fsencode(value)
    if isinstance(value, str):  # such as torch's version
        return str(value)
    if isinstance(value, float):  # such as numpy's
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent to another process")


def _path_of(kind: type, name: object) -> Path:
    if kind is Path and isinstance(name, bytes):
        return Path(os.fsdecode(name))
    raise TypeError(f"{kind.__name__} cannot be read")
