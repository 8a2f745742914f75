"""Messages of the protocol, as types. `frame_of` and `read` convert them to frames and back.

Unknown fields are ignored, and fields with a default may be missing, so that a minor version can add fields. `hello`,
`status` and `shutdown` never change, so that any client can replace any daemon.
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

PROTO = "1.2"
"""Protocol version, major.minor. Other minor versions are compatible; a daemon of another major one is replaced."""

NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""Pattern of ids and agent names."""

LONGEST_WORD = 40
"""Maximum characters of a word whose text is sent.

Text is sent only if it differs from the text at the word's offsets; for a longer word it is never sent.
"""

AGENT = "default"
"""Agent name if the client gives none."""


ENDING = "the daemon is shutting down; the next client starts another"
"""Message of `Code.shutting_down`."""

DISPLACED = "the daemon's folder or socket was removed, so that another daemon takes over; try again"
"""Message of `Code.shutting_down` if clients cannot find the daemon any more."""


class Mode(StrEnum):
    """How the daemon ends.

    drain: after it has spoken all accepted utterances
    now: at once
    """

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
    Code.bad_text: ExitCode.FAILED,
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
"""Exit code of a command for each result and each error code."""


def exit_of(result: Result, code: Code | None = None, *, lost: bool = False) -> ExitCode:
    """Exit code of an utterance, by its code or else its result. lost: words were lost; only counts on success."""
    found = EXITS[code or result]
    return ExitCode.LOST_WORDS if lost and found is ExitCode.DONE else found


class Command(Struct, frozen=True, tag_field="op", tag=str.lower):
    """A request of a client. `op` is the class name in lower case."""


class Event(Struct, frozen=True, tag_field="ev", tag=str.lower):
    """An answer of the daemon. `ev` is the class name in lower case, unless the class has its own tag."""


class Greeting(Struct, frozen=True):
    """The daemon's first message, sent before it reads anything. speakkitd: always 1; version: of speakkit."""

    proto: str
    version: str
    pid: int
    speakkitd: int = 1


class Hello(Command, frozen=True):
    """The client's first message.

    agent: name of the agent; not verified, and gives no rights
    client: program and version, such as speak/0.3.0
    version, build: of the client's speakkit; see `process.version`
    upgrade: whether an older daemon should end when it is idle, so that a newer one can start
    """

    proto: str = PROTO
    agent: str = AGENT
    client: str = ""
    version: str = ""
    build: int = 0
    upgrade: bool = True
    id: str | None = None


class Shutdown(Command, frozen=True):
    """Request to end the daemon."""

    id: str | None = None
    mode: Mode = Mode.drain


@dataclass(frozen=True)
class Request:
    """A request as received. The handler of its op reads `fields`.

    id: chosen by the client, and contained in each answer
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
    """The answer to a request that has no other result."""

    id: str | None = None


class DaemonStatus(Event, frozen=True, tag="status"):
    """Status of the daemon.

    uptime: seconds
    state: idle, busy or draining
    restart_when_idle: a newer client has connected, so the daemon ends when it is idle
    idle_exit: seconds without use after which the daemon ends; negative for never
    work: fields of `RequestHandler.status` and of the listener for containers
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
    """An utterance is in the queue. pos: number of utterances before it; eta_ms: estimated time until it starts."""

    id: str
    pos: int = 0
    eta_ms: int | None = None


class Started(Event, frozen=True):
    """The first sample of an utterance was passed to the sound system."""

    id: str


class Hearing(Event, frozen=True):
    """A word is being played; sent if `show` was set. start, end: half-open character offsets into the text."""

    id: str
    start: int
    end: int


class SpokenWord(Struct, frozen=True, omit_defaults=True):
    """A word, and when it is played.

    start, end: half-open offsets into the text that was sent, in characters; begins, ends: seconds
    text: the word, if it differs from the text between the offsets
    spaced: white space follows it
    """

    start: int
    end: int
    begins: float
    ends: float
    text: str | None = None
    spaced: bool = True


class Span(Struct, frozen=True):
    """Half-open offsets into the text that was sent, in characters."""

    start: int
    end: int


class Finished(Event, frozen=True):
    """The end of an utterance; sent once for each that was accepted.

    audio_ms: milliseconds of it that were played
    exit: exit code for the command, from `exit_of`
    lost: words that should have been spoken and were not
    facts: full names of voice, language and weights; number of processor threads and of chunks
    moved: True if another daemon takes over, and none of it was played: send it again; else None
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
    moved: bool | None = None


class Part(Event, frozen=True):
    """Words, warnings and lost spans that do not fit into the `Finished` that follows. See `frames_of` and `joined`."""

    id: str
    words: tuple[SpokenWord, ...] = ()
    warnings: tuple[str, ...] = ()
    lost: tuple[Span, ...] = ()


class AudioChunk(Event, frozen=True, tag="audio"):
    """A piece of an utterance's audio, for clients that play or write it themselves.

    seq: counts from 0
    rate: samples per second
    fmt: s16le or f32le
    ch: channels
    payload: samples, at most 64 KiB
    """

    id: str
    seq: int
    rate: int
    payload: bytes
    fmt: str = "s16le"
    ch: int = 1


class Transcribed(Event, frozen=True):
    """The end of a transcription. payload: as `transcription.decoded` reads it."""

    id: str
    payload: bytes


class ErrorReply(Struct, frozen=True):
    """A request was refused or failed. `msg` quotes nothing that a client sent.

    id: of the request; None if it has none, or if the connection itself failed
    retry_ms: milliseconds after which to try again, if that may help
    """

    id: str | None
    code: Code
    msg: str
    retry_ms: int | None = None


class Listing(Event, frozen=True, tag="queue"):
    """The current and the waiting utterances.

    rows: each as `queue.actions.QueueRow`, in playing order; texts only of the agent that sent the request
    more: number of utterances that are left out because the header has no room
    """

    rows: tuple[Mapping[str, Any], ...]
    paused: bool
    muted: bool
    more: int = 0
    id: str | None = None


class EndedUtterance(Struct, frozen=True, omit_defaults=True):
    """How an utterance ended.

    at: when, in seconds since 1970; detach: no client waited for it
    result, code: as `queue.actions.Ended`; lost: number of words that should have been spoken and were not
    characters: length of the text
    text, reason: beginning of the text, and why it failed; None if it belongs to another agent
    """

    id: str
    agent: str
    at: float
    result: Result
    characters: int
    code: str = ""
    lost: int = 0
    detach: bool = False
    text: str | None = None
    reason: str | None = None


class History(Event, frozen=True):
    """The utterances that ended last, the latest last."""

    rows: tuple[EndedUtterance, ...]
    id: str | None = None


class Happening(StrEnum):
    """Type of a `Watched` event.

    queued: the utterance is in the queue
    beep: the beep before it begins to play
    started: its first sample was passed to the sound system
    word: a word of it is being played
    ended: it has ended
    """

    queued = "queued"
    beep = "beep"
    started = "started"
    word = "word"
    ended = "ended"


class Watched(Event, frozen=True, omit_defaults=True):
    """An event about any utterance, for a client that watches the queue.

    id: of the watch request; utterance: id of the utterance; at: seconds since 1970
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

KINDS = (
    *(Welcome, Done, DaemonStatus, Listing, History, Accepted, Started, Hearing, Part, Finished, AudioChunk, Watched),
    Transcribed,
)
"""Types of all events."""
EVENTS: Mapping[str, type[Event]] = {str(kind.__struct_config__.tag): kind for kind in KINDS}
"""Tag `ev` -> type of the event."""

LAST = (Welcome, Done, DaemonStatus, Listing, History, Finished, Transcribed)
"""Types of events after which no more follow for the same request."""
