"""What is said on the wire, as types: `frame_of` and `read` turn them into frames and back.

A field that a reader does not know is ignored, and one that has a default may be missing: that is how a minor version
grows. `hello`, `status` and `shutdown` stay as they are for ever, so that any client can have any daemon replaced.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from speakkit.daemon.queue.actions import Result
from speakkit.daemon.wire.protocol import Code
from speakkit.errors import ExitCode
from speakkit.workers.frames import JsonValue

PROTO = "1.1"
"""Major and minor version of what is said: another minor can be spoken with, another major can only be replaced."""

NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What an id and the name of an agent look like."""

LONGEST_WORD = 40
"""Characters of a word whose letters are sent, if they are not those at its offsets; of a longer one none are."""

AGENT = "default"
"""Who speaks where nobody says so."""


class Mode(StrEnum):
    """How a daemon ends: once it has spoken what it accepted, or at once."""

    drain = "drain"
    now = "now"


EXITS: Mapping[Result | Code, ExitCode] = {
    Result.played: ExitCode.DONE,
    Result.deduped: ExitCode.DONE,
    Result.interrupted: ExitCode.INTERRUPTED,
    Result.replaced: ExitCode.INTERRUPTED,
    Result.skipped: ExitCode.INTERRUPTED,
    Result.expired: ExitCode.FAILED,
    Result.failed: ExitCode.FAILED,
    Code.bad_request: ExitCode.USAGE,
    Code.too_large: ExitCode.USAGE,
    Code.version: ExitCode.FAILED,
    Code.denied: ExitCode.FAILED,
    Code.busy: ExitCode.NETWORK,
    Code.not_found: ExitCode.FAILED,
    Code.engine_failed: ExitCode.FAILED,
    Code.engine_timeout: ExitCode.FAILED,
    Code.audio_unavailable: ExitCode.NO_AUDIO_DEVICE,
    Code.expired: ExitCode.FAILED,
    Code.shutting_down: ExitCode.NETWORK,
    Code.bug: ExitCode.BUG,
    Code.muted: ExitCode.DONE,
}
"""What a command ends with: the one table."""


def exit_of(result: Result, code: Code | None = None, *, lost: bool = False) -> ExitCode:
    """The exit code of an utterance: by its code where it has one; lost words count where all else is well."""
    found = EXITS[code or result]
    return ExitCode.LOST_WORDS if lost and found is ExitCode.DONE else found


class Command(Struct, frozen=True, tag_field="op", tag=str.lower):
    """What a client asks for: `op` is the name of the class in small letters."""


class Event(Struct, frozen=True, tag_field="ev", tag=str.lower):
    """What the daemon answers: `ev` is the name of the class in small letters, unless it has a tag of its own."""


class Greeting(Struct, frozen=True):
    """The daemon's first word, before any input. `speakkitd` is 1 for ever; version: of speakkit."""

    proto: str
    version: str
    pid: int
    speakkitd: int = 1


class Hello(Command, frozen=True):
    """The client's first word.

    agent: who asks to be heard; a claim, which gives no rights
    client: the program and its version, such as speak/0.3.0
    version, build: of the client's speakkit; see `edition`
    upgrade: whether an idle daemon of an older edition should make room for one of the client's
    """

    proto: str = PROTO
    agent: str = AGENT
    client: str = ""
    version: str = ""
    build: int = 0
    upgrade: bool = True
    id: str | None = None


class Shutdown(Command, frozen=True):
    """The end is wanted."""

    id: str | None = None
    mode: Mode = Mode.drain


@dataclass(frozen=True)
class Request:
    """What a client asks for. Whoever answers it knows what else is in `fields`.

    id: chosen by the client, and named in each answer
    """

    op: str
    id: str | None
    fields: Mapping[str, JsonValue]
    payload: bytes = b""


class Welcome(Event, frozen=True, tag="hello"):
    """The answer to hello. version, build: of the daemon's speakkit."""

    version: str
    build: int
    pid: int
    proto: str = PROTO
    id: str | None = None


class Done(Event, frozen=True):
    """The answer to what needs no other."""

    id: str | None = None


class DaemonStatus(Event, frozen=True, tag="status"):
    """How the daemon is.

    uptime: seconds
    state: idle, busy or draining
    restart_when_idle: a client of a newer edition was here
    idle_exit: seconds without use that end it, negative for never
    work: what those say who do the work
    """

    pid: int
    version: str
    build: int
    uptime: float
    state: str
    connections: int
    restart_when_idle: bool
    idle_exit: float
    work: Mapping[str, Any]
    proto: str = PROTO
    id: str | None = None


class Accepted(Event, frozen=True):
    """An utterance has its place in the queue. pos: how many come before it; eta_ms: until it starts."""

    id: str
    pos: int = 0
    eta_ms: int | None = None


class Started(Event, frozen=True):
    """Its first sample has been handed to the sound system."""

    id: str


class Hearing(Event, frozen=True):
    """This word is heard now, said to those who asked. start, end: characters of the text that was sent."""

    id: str
    start: int
    end: int


class SpokenWord(Struct, frozen=True, omit_defaults=True):
    """A word, and when it is heard.

    start, end: half-open offsets into the text that was sent, in characters; begins, ends: seconds
    text: the word, if it is not what stands between the offsets
    spaced: white space follows it
    """

    start: int
    end: int
    begins: float
    ends: float
    text: str | None = None
    spaced: bool = True


class Span(Struct, frozen=True):
    """Characters of the text that was sent."""

    start: int
    end: int


class Finished(Event, frozen=True):
    """An utterance is over: said once of each that was accepted.

    audio_ms: what was heard of it
    exit: what the command is to end with, by `exit_of`
    lost: the words that ought to have been heard and were not
    facts: the full names of who spoke: voice, language, weights; threads of the processor; chunks
    """

    id: str
    result: Result
    exit: int
    audio_ms: int = 0
    code: Code | None = None
    words: tuple[SpokenWord, ...] = ()
    warnings: tuple[str, ...] = ()
    lost: tuple[Span, ...] = ()
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Part(Event, frozen=True):
    """What of the `finished` that follows it has no room for: see `frames_of` and `joined`."""

    id: str
    words: tuple[SpokenWord, ...] = ()
    warnings: tuple[str, ...] = ()
    lost: tuple[Span, ...] = ()


class AudioChunk(Event, frozen=True, tag="audio"):
    """A piece of an utterance, for clients that play or write it themselves.

    seq: counts from 0
    rate: samples a second
    fmt: s16le or f32le
    payload: samples, at most 64 KiB
    """

    id: str
    seq: int
    rate: int
    payload: bytes
    fmt: str = "s16le"
    ch: int = 1


class ErrorReply(Struct, frozen=True):
    """Something was not done. `msg` is ours: it quotes nobody.

    id: of the request; None where it has none, or the connection itself is at fault
    retry_ms: when to ask again, where that may help
    """

    id: str | None
    code: Code
    msg: str
    retry_ms: int | None = None


class Listing(Event, frozen=True, tag="queue"):
    """What is spoken and waits.

    rows: each as `effects.Row`, in the order in which they will be heard; texts only of the agent who asks
    more: how many there are for which there is no room
    """

    rows: tuple[Mapping[str, Any], ...]
    paused: bool
    muted: bool
    more: int = 0
    id: str | None = None


class Happening(StrEnum):
    """What a `Watched` tells of an utterance.

    queued: it has its place in the queue
    beep: the beep before it begins to play
    started: its first sample has been handed to the sound system
    word: a word of it is heard
    ended: it is over
    """

    queued = "queued"
    beep = "beep"
    started = "started"
    word = "word"
    ended = "ended"


class Watched(Event, frozen=True, omit_defaults=True):
    """An event about any utterance, for a client that asked to watch.

    id: of the request to watch; utterance: id of the utterance; at: seconds since 1970
    text: of the utterance, at most 1000 characters, or of the word; only if it is of the watcher's own agent
    start, end: half-open offsets of the word into the text, in characters
    result, code, audio_ms: as in `Finished`
    """

    id: str
    event: Happening
    utterance: str
    agent: str
    at: float
    text: str | None = None
    voice: str | None = None
    priority: str | None = None
    position: int | None = None
    start: int | None = None
    end: int | None = None
    result: Result | None = None
    code: str | None = None
    audio_ms: int | None = None


Message = Greeting | Command | Event | ErrorReply

KINDS = (Welcome, Done, DaemonStatus, Listing, Accepted, Started, Hearing, Part, Finished, AudioChunk, Watched)
EVENTS: Mapping[str, type[Event]] = {str(kind.__struct_config__.tag): kind for kind in KINDS}

LAST = (Welcome, Done, DaemonStatus, Listing, Finished)
"""Nothing more follows to the same request."""
