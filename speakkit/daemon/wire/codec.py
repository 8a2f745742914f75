"""Converts messages to frames, and frames to messages.

Unknown fields are ignored, and fields with a default may be missing, so that a minor version of the protocol can add
fields.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from speakkit.daemon.wire.messages import (
    EVENTS,
    NAME,
    AudioChunk,
    ErrorReply,
    Event,
    Finished,
    Message,
    Part,
    Request,
)
from speakkit.daemon.wire.protocol import PCM, Code, ProtocolError
from speakkit.workers.frames import Frame

MISSING, PLACE = re.compile(r"Object missing required field `(\w+)`"), re.compile(r"`\$\.?([^`]*)`$")
"""Patterns for msgspec's error messages: the name of a missing field, and the path of an invalid value."""

WORDS, WARNINGS = 100, 8
"""Maximum words and lost spans, and maximum warnings, in one header.

So many fit for any size of their numbers and in any script.
"""

LONGEST_WARNING = 300
"""Maximum characters that are sent of a warning."""

T = TypeVar("T")


def frames_of(message: Message) -> Iterator[Frame]:
    """The frames of `message`: one, or several for a `Finished` whose words or warnings do not fit into one header.

    Raises ProtocolError for more than 64 KiB of samples.
    """
    if isinstance(message, AudioChunk) and len(message.payload) > PCM:
        raise ProtocolError(Code.too_large, f"{len(message.payload)} bytes of samples in a frame; the maximum is {PCM}")
    if isinstance(message, Finished):
        words, lost, warnings = message.words, message.lost, tuple(each[:LONGEST_WARNING] for each in message.warnings)
        while len(words) > WORDS or len(lost) > WORDS or len(warnings) > WARNINGS:
            yield frame_of(Part(message.id, words[:WORDS], warnings[:WARNINGS], lost[:WORDS]))
            words, lost, warnings = words[WORDS:], lost[WORDS:], warnings[WARNINGS:]
        message = structs.replace(message, words=words, lost=lost, warnings=warnings)
    yield frame_of(message)


def joined(parts: Sequence[Part], finished: Finished) -> Finished:
    """`finished` with the words, lost spans and warnings of the `parts` that came before it."""
    whole: list[Part | Finished] = [*parts, finished]
    return structs.replace(
        finished,
        words=tuple(word for part in whole for word in part.words),
        lost=tuple(span for part in whole for span in part.lost),
        warnings=tuple(warning for part in whole for warning in part.warnings),
    )


def frame_of(message: Message) -> Frame:
    """The single frame of `message`. Fields that are None are not sent."""
    plain = msgspec.to_builtins(message, builtin_types=(bytes,))
    said = {key: value for key, value in plain.items() if value is not None}
    payload = said.pop("payload", b"")
    if isinstance(message, ErrorReply):
        said = {key: said.pop(key) for key in ("id",) if key in said} | {"error": said}
    return Frame(said, payload)


def request_of(frame: Frame) -> Request:
    """The request in a frame. Raises ProtocolError if its op or id is not valid."""
    op, identity = frame.fields.get("op"), frame.fields.get("id")
    if not isinstance(op, str) or not NAME.fullmatch(op):
        raise ProtocolError(Code.bad_request, "the request has no valid op")
    if identity is not None and not (isinstance(identity, str) and NAME.fullmatch(identity)):
        raise ProtocolError(Code.bad_request, "the id must be 1 to 64 letters, digits or . _ : -")
    return Request(op, identity, frame.fields, frame.payload)


def event_of(frame: Frame) -> Event | ErrorReply | None:
    """The event in a frame; None if its type is unknown, from a newer daemon. Raises ProtocolError."""
    if "error" in frame.fields:
        error = frame.fields["error"]
        named = dict(error) if isinstance(error, Mapping) else {}
        return read(ErrorReply, named | {"id": frame.fields.get("id")})
    name = frame.fields.get("ev")
    kind = EVENTS.get(name) if isinstance(name, str) else None
    return read(kind, {**frame.fields, "payload": frame.payload}) if kind else None


def read(kind: type[T], given: Mapping[str, Any]) -> T:
    """The message of type `kind` with the given fields. Raises ProtocolError if one is missing or of a wrong type."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise ProtocolError(Code.bad_request, _complaint(str(error))) from None


def _complaint(said: str) -> str:
    """An error of msgspec as a message for the client, without the values that it may quote."""
    if missing := MISSING.match(said):
        return f"there is no field {missing[1]}"
    place, reason = PLACE.search(said), said.partition(" - at ")[0]
    field = f"the field {place[1]}" if place else "a message"
    return f"{field} is not what it should be" + (f": {reason}" if reason.startswith("Expected") else "")
