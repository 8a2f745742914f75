"""The wire between the daemon and its clients: a line of JSON, and raw bytes whose count stands in it.

The frames are those of `workers.frames`, and are packed by it. They are read by another reader: that one waits for the
bytes of a process of ours, and takes 256 MiB of samples; this one is handed bytes as they come, by whoever connects, so
that it serves asyncio and blocking sockets alike, holds little, and takes nothing that two readers could understand in
two ways.
"""

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Never

from speakkit.errors import DaemonError
from speakkit.workers import frames
from speakkit.workers.frames import COUNT, HEADER, Frame, FrameError, JsonValue

TEXT = 1 << 20
"""Bytes of a payload at most, which is a text of 150,000 words."""

PCM = 64 << 10
"""Bytes of samples in one frame at most: 1.4 s of 16 bits at 24 kHz, so that nobody's words wait behind them."""

DEPTH = 8
"""How deep lists and objects of a header may stand in one another."""

LARGEST = 2**63
"""No number of a header is as large."""

UNSPEAKABLE = re.compile("[\\0\ud800-\udfff]")
"""NUL, which C ends a text with, and halves of a character."""


class Code(StrEnum):
    """Why the daemon did not do what it was asked."""

    bad_request = "bad_request"
    too_large = "too_large"
    version = "version"
    denied = "denied"
    busy = "busy"
    not_found = "not_found"
    engine_failed = "engine_failed"
    engine_timeout = "engine_timeout"
    audio_unavailable = "audio_unavailable"
    expired = "expired"
    shutting_down = "shutting_down"
    bug = "bug"
    muted = "muted"


class ProtocolError(DaemonError):
    """What cannot be said or understood. The message quotes nothing of it: replies must not carry texts of others."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class FrameDecoder:
    """Bytes in, frames out. Between two calls of `feed`, take frames until there is none.

    It then holds less than one frame: 64 KiB and 1 MiB. Once it has raised, it raises the same for ever, since nobody
    knows where the next frame begins.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0
        self._header: tuple[Mapping[str, JsonValue], int] | None = None
        self._fault: ProtocolError | None = None

    @property
    def is_amid(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._held) or self._header is not None

    def feed(self, data: bytes) -> None:
        """Take what came in."""
        if self._fault is None:
            self._held += data

    def frame(self) -> Frame | None:
        """The next frame, or None until more comes in. Raises ProtocolError."""
        if self._fault is not None:
            raise self._fault
        try:
            return self._taken()
        except ProtocolError as fault:
            self._held.clear()
            self._fault = fault
            raise

    def _taken(self) -> Frame | None:
        if self._header is None and (line := self._line()) is not None:
            self._header = _header(line)
        if self._header is None:
            return None
        fields, count = self._header
        if len(self._held) < count:
            return None
        self._header = None
        return Frame(fields, self._cut(count))

    def _line(self) -> bytes | None:
        end = self._held.find(b"\n", self._searched, HEADER)
        if end >= 0:
            self._searched = 0
            return self._cut(end + 1)
        self._searched = len(self._held)
        if self._searched >= HEADER:
            raise ProtocolError(Code.too_large, f"a header has no end in its first {HEADER} bytes")
        return None

    def _cut(self, count: int) -> bytes:
        cut = bytes(self._held[:count])
        del self._held[:count]
        return cut


def packed(frame: Frame) -> bytes:
    """`frame` as it is sent. Raises ProtocolError for what no Decoder would take."""
    _require_plain(frame.fields)
    if len(frame.payload) > TEXT:
        raise ProtocolError(Code.too_large, f"a payload takes {len(frame.payload)} bytes, more than {TEXT}")
    try:
        return frames.packed(frame)
    except FrameError as error:
        raise ProtocolError(Code.too_large if "more than" in str(error) else Code.bad_request, str(error)) from error


def text_of(payload: bytes) -> str:
    """The text that a payload is. Raises ProtocolError where it is no UTF-8, or holds a NUL."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError(Code.bad_request, f"a text is not UTF-8 (at byte {error.start})") from None
    _require_text(text)
    return text


def _header(line: bytes) -> tuple[Mapping[str, JsonValue], int]:
    """The fields of a header, and the count of bytes that follow it."""
    try:
        fields = json.loads(line.decode(), parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ProtocolError(Code.bad_request, "a header is no JSON, or names a field twice") from None
    if not isinstance(fields, dict):
        raise ProtocolError(Code.bad_request, "a header is no JSON object")
    _require_plain(fields)
    count = fields.pop(COUNT, 0)
    if type(count) is not int or count < 0:
        raise ProtocolError(Code.bad_request, f"the field {COUNT!r} of a header is no count of bytes")
    if count > TEXT:
        raise ProtocolError(Code.too_large, f"a payload of more than {TEXT} bytes was announced")
    return fields, count


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> Never:
    raise ValueError


def _require_plain(fields: Mapping[str, JsonValue]) -> None:
    """Raises ProtocolError for what is too deep, for texts that are none, and numbers without a place in a double."""
    level: list[JsonValue] = [fields]
    for _ in range(DEPTH):
        below: list[JsonValue] = []
        for value in level:
            below += _parts(value)
        if not below:
            return
        level = below
    raise ProtocolError(Code.bad_request, f"a header is deeper than {DEPTH} levels")


def _parts(value: JsonValue) -> Iterable[JsonValue]:
    """What is inside a value, which itself is checked."""
    if isinstance(value, str):
        _require_text(value)
    elif isinstance(value, int | float):
        if not abs(value) < LARGEST:  # nor is NaN
            raise ProtocolError(Code.bad_request, "a header has a number that is too large")
    elif isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        return value
    return ()


def _require_text(text: str) -> None:
    if UNSPEAKABLE.search(text):
        raise ProtocolError(Code.bad_request, "a text has a NUL or half of a character in it")
