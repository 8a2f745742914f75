"""Frames between processes: one line of JSON with the payload's size, then the payload's raw bytes. No pickling."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Never, TypeAlias

HEADER = 64 * 1024
"""Maximum bytes of a header, including the line end."""

PAYLOAD = 256 * 1024 * 1024
"""Maximum bytes of a payload: 46 minutes of speech in float32."""

COUNT = "n"
"""Reserved header field for the payload's size in bytes."""

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""Any value that JSON can represent."""


class FrameError(ValueError):
    """Bytes that are not a valid frame, or data that does not fit into a frame."""


@dataclass(frozen=True)
class Frame:
    """One frame.

    fields: any JSON values, up to 64 KiB in all; anything that may be longer belongs in the payload
    payload: raw bytes, such as samples, up to 256 MiB
    """

    fields: Mapping[str, JsonValue]
    payload: bytes = b""


def packed(frame: Frame) -> bytes:
    """Encode `frame` for sending.

    Raises FrameError if it is too large, or if its fields are not valid JSON, such as NaN.
    """
    if COUNT in frame.fields:
        raise FrameError(f"the field {COUNT!r} of a frame is reserved for the size of the payload")
    counted = {**frame.fields, COUNT: len(frame.payload)} if frame.payload else dict(frame.fields)
    try:
        header = json.dumps(counted, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"the fields of a frame are not JSON: {error}") from error
    for part, size, limit in (("header", len(header), HEADER), ("payload", len(frame.payload), PAYLOAD)):
        if size > limit:
            raise FrameError(f"the {part} of a frame takes {size} bytes, more than {limit}")
    return header + frame.payload


def read(stream: BinaryIO) -> Frame | None:
    """Read the next frame from a buffered `stream`; return None at its end.

    Raises FrameError if the bytes are not a valid frame.
    """
    line = stream.readline(HEADER)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise FrameError(f"a header without a line end in its first {len(line)} bytes")
    fields = _parsed(line)
    count = fields.pop(COUNT, 0)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= PAYLOAD:
        raise FrameError(f"a payload cannot have {str(count)[:40]} bytes")
    payload = stream.read(count)
    if len(payload) < count:
        raise FrameError(f"a payload of {len(payload)} bytes, where {count} were announced")
    return Frame(fields, payload)


def _parsed(header: bytes) -> dict[str, JsonValue]:
    """Parse a header. Raises FrameError if it is not a JSON object."""
    try:
        fields = json.loads(header.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a header that is not JSON: {header[:40]!r}") from error
    if not isinstance(fields, dict):
        raise FrameError(f"a header that is not a JSON object: {header[:40]!r}")
    return fields


def _refuse(constant: str) -> Never:
    """Raises ValueError for a constant that is not JSON, such as NaN."""
    raise ValueError(f"{constant} is not JSON")
