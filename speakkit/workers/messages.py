"""Messages between a worker process and its parent. Each is a frame whose header is one of the types below.

Requests and replies are payloads, because they may be large: any value that msgspec can encode, as MessagePack. Both
ends take its type from the annotations of the loader (see `child`).
"""

import os
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar

import msgspec

from speakkit.workers import frames
from speakkit.workers.frames import Frame, FrameError

PROTOCOL = 2
"""Version of this protocol. A child with another version is not used."""

Value = TypeVar("Value")


class Handshake(msgspec.Struct, frozen=True, tag="hello"):
    """First message of the child, sent before it imports anything that may fail.

    protocol: the child's version of this protocol
    """

    protocol: int


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Request to load a handler. The payload is its settings.

    place: "package.module:function"
    """

    place: str


class WorkItem(msgspec.Struct, frozen=True, tag="request"):
    """Request for the handler, which is the payload."""


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """One reply, which is the payload. More may follow."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """An expected error. The payload is its message.

    error: name of a class in `speakkit.errors`
    is_of_item: only one item of the request failed; this replaces its reply, and more follow. Otherwise the answer ends
        here
    """

    error: str
    is_of_item: bool = False


class Bug(msgspec.Struct, frozen=True, tag="bug"):
    """An unexpected error. The payload is its traceback, without source text.

    kind: name of the exception's class
    message: text of the exception
    is_of_item: see `Failed`
    """

    kind: str
    message: str
    is_of_item: bool = False


class End(msgspec.Struct, frozen=True, tag="end"):
    """The end of an answer.

    resident: memory of the process, in bytes
    """

    resident: int


Message: TypeAlias = Handshake | Load | WorkItem | Reply | Failed | Bug | End


def packed(message: Message, payload: bytes = b"") -> bytes:
    """Encode `message` for sending. Raises FrameError if it is too large."""
    return frames.packed(Frame(msgspec.to_builtins(message), payload))


def read(stream: BinaryIO) -> tuple[Message, bytes] | None:
    """Read the next message and its payload from a buffered `stream`; return None at its end.

    Raises FrameError if the bytes are not a valid message.
    """
    frame = frames.read(stream)
    if frame is None:
        return None
    try:
        return msgspec.convert(frame.fields, Message), frame.payload
    except msgspec.ValidationError as error:
        raise FrameError(f"not a worker message: {error}") from error


def encoded(value: Any) -> bytes:
    """Encode `value` as a payload.

    A Path is sent as the bytes of its name; subclasses of str and float are sent as str and float. Raises FrameError
    for a string with a lone surrogate, TypeError or OverflowError for a value that msgspec cannot encode.
    """
    try:
        return msgspec.msgpack.encode(value, enc_hook=_plain)
    except UnicodeEncodeError as error:
        raise FrameError("a text contains half of a character (a lone surrogate)") from error


def decoded(payload: bytes, kind: type[Value]) -> Value:
    """Decode a payload as a value of type `kind`. Raises FrameError if it is not one."""
    try:
        return msgspec.msgpack.decode(payload, type=kind, dec_hook=_path_of)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FrameError(str(error)) from error


def _plain(value: object) -> bytes | str | float:
    """Convert a value that msgspec does not support. Raises TypeError if it cannot be sent."""
    if isinstance(value, Path):
        return os.fsencode(value)
    if isinstance(value, str):  # such as torch.__version__
        return str(value)
    if isinstance(value, float):  # such as numpy.float64
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent to another process")


def _path_of(kind: type, name: object) -> Path:
    """Convert bytes to a Path. Raises TypeError for any other type."""
    if kind is Path and isinstance(name, bytes):
        return Path(os.fsdecode(name))
    raise TypeError(f"{kind.__name__} cannot be read")
