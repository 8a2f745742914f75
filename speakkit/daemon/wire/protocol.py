"""Encodes and decodes the frames between the daemon and its clients: a JSON header line, then a payload of raw bytes.

The format is that of `workers.frames`, which also encodes the frames. The decoder differs: that of `workers.frames`
blocks on a trusted process, and accepts payloads of 256 MiB. This one is fed bytes from any client, so that it works
with asyncio and with blocking sockets, uses little memory, and rejects headers that two parsers could read differently.
"""

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Never

from speakkit.errors import DaemonError, TextError
from speakkit.text import decode
from speakkit.workers import frames
from speakkit.workers.frames import COUNT, HEADER, Frame, FrameError, JsonValue

TEXT = 1 << 20
"""Maximum bytes of a payload: a text of 150,000 words."""

PCM = 64 << 10
"""Maximum bytes of samples in one frame: 1.4 s of 16-bit audio at 24 kHz.

It is small so that other messages of the connection do not wait long behind it.
"""

DEPTH = 8
"""Maximum nesting depth of lists and objects in a header."""

LARGEST = 2**63
"""Exclusive upper bound for the absolute value of numbers in a header."""

UNSPEAKABLE = re.compile("[\\0\ud800-\udfff]")
"""NUL, which ends strings in C, and surrogates (halves of a character)."""


class Code(StrEnum):
    """Error codes: why a request was refused or failed."""

    bad_request = "bad_request"
    bad_text = "bad_text"
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
    """Data that cannot be encoded or decoded. The message quotes none of it, since replies must not contain texts."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class FrameDecoder:
    """Decodes a stream of bytes into frames. After each `feed`, call `frame` until it returns None.

    It then holds less than one frame, at most 64 KiB and 1 MiB. After an error it raises the same error again, because
    the start of the next frame is unknown.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0
        self._header: tuple[Mapping[str, JsonValue], int] | None = None
        self._fault: ProtocolError | None = None

    @property
    def is_amid(self) -> bool:
        """Whether a frame was received in part."""
        return bool(self._held) or self._header is not None

    def feed(self, data: bytes) -> None:
        """Append received bytes."""
        if self._fault is None:
            self._held += data

    def frame(self) -> Frame | None:
        """The next frame; None if more bytes are needed. Raises ProtocolError."""
        if self._fault is not None:
            raise self._fault
        try:
            return self._taken()
        except ProtocolError as fault:
            self._held.clear()
            self._fault = fault
            raise

    def _taken(self) -> Frame | None:
        """The next frame, removed from the buffer; None if it is not complete."""
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
        """The header line, removed from the buffer; None if it is not complete. Raises ProtocolError."""
        end = self._held.find(b"\n", self._searched, HEADER)
        if end >= 0:
            self._searched = 0
            return self._cut(end + 1)
        self._searched = len(self._held)
        if self._searched >= HEADER:
            raise ProtocolError(Code.too_large, f"a header is longer than {HEADER} bytes")
        return None

    def _cut(self, count: int) -> bytes:
        """The first `count` bytes, removed from the buffer."""
        cut = bytes(self._held[:count])
        del self._held[:count]
        return cut


def packed(frame: Frame) -> bytes:
    """`frame` as bytes. Raises ProtocolError for a frame that `FrameDecoder` would not accept."""
    _require_plain(frame.fields)
    if len(frame.payload) > TEXT:
        raise ProtocolError(Code.too_large, f"a payload has {len(frame.payload)} bytes; the maximum is {TEXT}")
    try:
        return frames.packed(frame)
    except FrameError as error:
        raise ProtocolError(Code.too_large if "more than" in str(error) else Code.bad_request, str(error)) from error


def text_of(payload: bytes) -> str:
    """The text in a payload. Raises ProtocolError if it cannot be spoken, as `text.decode` says."""
    try:
        return decode.checked(decode.decoded(payload, "the text"), "the text")
    except TextError as error:
        raise ProtocolError(Code.bad_text, str(error)) from None


def _header(line: bytes) -> tuple[Mapping[str, JsonValue], int]:
    """Fields of a header, and the size of its payload in bytes. Raises ProtocolError."""
    try:
        fields = json.loads(line.decode(), parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ProtocolError(Code.bad_request, "a header is not JSON, or has a field twice") from None
    if not isinstance(fields, dict):
        raise ProtocolError(Code.bad_request, "a header is not a JSON object")
    _require_plain(fields)
    count = fields.pop(COUNT, 0)
    if type(count) is not int or count < 0:
        raise ProtocolError(Code.bad_request, f"the field {COUNT!r} of a header is not a count of bytes")
    if count > TEXT:
        raise ProtocolError(Code.too_large, f"a payload is larger than {TEXT} bytes")
    return fields, count


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """The fields of a JSON object. Raises ValueError if one occurs twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> Never:
    """Raises ValueError, for NaN and infinity."""
    raise ValueError


def _require_plain(fields: Mapping[str, JsonValue]) -> None:
    """Raises ProtocolError if a header is nested too deep, or has invalid texts or numbers that are too large."""
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
    """The values inside a value. Raises ProtocolError if the value itself is an invalid text or number."""
    if isinstance(value, str):
        _require_text(value)
    elif isinstance(value, int | float):
        if not abs(value) < LARGEST:  # also true for NaN
            raise ProtocolError(Code.bad_request, "a header has a number that is too large")
    elif isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        return value
    return ()


def _require_text(text: str) -> None:
    """Raises ProtocolError if a text contains a NUL or a surrogate."""
    if UNSPEAKABLE.search(text):
        raise ProtocolError(Code.bad_request, "a text contains a NUL or half of a character")
