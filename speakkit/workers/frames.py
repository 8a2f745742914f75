"""Frames: a line of JSON, and raw bytes whose count stands in it. They join processes without any pickling."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Never, TypeAlias

HEADER = 64 * 1024
"""Bytes of a header at most, with the end of its line."""

PAYLOAD = 256 * 1024 * 1024
"""Bytes of a payload at most: 46 minutes of speech in float32."""

COUNT = "n"
"""The field that the count of the payload's bytes takes up in a header."""

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"


class FrameError(ValueError):
    """Bytes that are no frame, or what does not fit into one."""


@dataclass(frozen=True)
class Frame:
    """What is said at once.

    fields: anything that JSON can hold, up to 64 KiB in all; what may be longer belongs into the payload
    payload: raw bytes, such as samples, up to 256 MiB
    """

    fields: Mapping[str, JsonValue]
    payload: bytes = b""


def packed(frame: Frame) -> bytes:
    """`frame` as it is sent. Raises FrameError for what is too large or no JSON, such as a number that is NaN."""
    if COUNT in frame.fields:
        raise FrameError(f"the field {COUNT!r} of a frame is taken: it counts the bytes of the payload")
    counted = {**frame.fields, COUNT: len(frame.payload)} if frame.payload else dict(frame.fields)
    try:
        header = json.dumps(counted, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"the fields of a frame are no JSON: {error}") from error
    for part, size, limit in (("header", len(header), HEADER), ("payload", len(frame.payload), PAYLOAD)):
        if size > limit:
            raise FrameError(f"the {part} of a frame takes {size} bytes, more than {limit}")
    return header + frame.payload


def read(stream: BinaryIO) -> Frame | None:
    """The next frame of a buffered `stream`, or None at its end. Raises FrameError for anything else."""
    line = stream.readline(HEADER)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise FrameError(f"a header without an end in its first {len(line)} bytes")
    fields = _parsed(line)
    count = fields.pop(COUNT, 0)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= PAYLOAD:
        raise FrameError(f"a payload cannot have {str(count)[:40]} bytes")
    payload = stream.read(count)
    if len(payload) < count:
        raise FrameError(f"a payload of {len(payload)} bytes, of which {count} were announced")
    return Frame(fields, payload)


def _parsed(header: bytes) -> dict[str, JsonValue]:
    try:
        fields = json.loads(header.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a header that is no JSON: {header[:40]!r}") from error
    if not isinstance(fields, dict):
        raise FrameError(f"a header that is no JSON object: {header[:40]!r}")
    return fields


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON")
