"""Actions that the queue returns: replies to the requester, commands to the player, and final events to the owners."""

from dataclasses import dataclass
from enum import StrEnum

from speakkit.daemon.queue.utterance import Priority, QueuedUtterance


class Result(StrEnum):
    """How an accepted utterance ended.

    played: all of it was spoken
    interrupted: another utterance ended it
    skipped: it was ended by a request, disconnection, muting or a full queue; the code is "cancelled", "disconnected",
        "skipped", "cleared", "muted" or "busy" (dropped to make room for a newer one)
    expired: it did not begin in time
    deduped: the same utterance was queued before, and that one was spoken
    replaced: a newer one took its place
    failed: it could not be spoken; the code says why
    """

    played = "played"
    interrupted = "interrupted"
    skipped = "skipped"
    expired = "expired"
    deduped = "deduped"
    replaced = "replaced"
    failed = "failed"


class Stage(StrEnum):
    """Stage of an utterance."""

    waiting = "waiting"
    playing = "playing"
    ended = "ended"


@dataclass(frozen=True)
class Placed:
    """Reply: the utterance was accepted. It will be spoken, or its `Ended` gives the reason why not.

    position: number of utterances before it; 0 is spoken now
    eta: estimated seconds until it begins, if nothing is paused and nothing interrupts
    """

    id: str
    position: int
    eta: float


@dataclass(frozen=True)
class Busy:
    """Reply: the queue is full. retry_ms: milliseconds after which to send it again."""

    id: str
    retry_ms: int


@dataclass(frozen=True)
class Rejected:
    """Reply: nothing was done. code: "not_found", or "bad_request" if the id belongs to another utterance."""

    id: str
    code: str


@dataclass(frozen=True)
class UtteranceState:
    """Reply: the state of an utterance.

    position, eta: as in `Placed`, 0 after it has ended; result, code: as in `Ended`
    """

    id: str
    stage: Stage
    position: int = 0
    eta: float = 0.0
    result: Result | None = None
    code: str = ""


@dataclass(frozen=True)
class Start:
    """Command: play the utterance. turn: number of this playback, which each report on it contains."""

    utterance: QueuedUtterance
    turn: int


@dataclass(frozen=True)
class Stop:
    """Command: stop the playback, at once or with a fade. It has no effect if the playback has just ended."""

    id: str
    turn: int
    fade: bool


@dataclass(frozen=True)
class Ended:
    """The final event of an accepted utterance, for its owner; there is exactly one.

    detach: as in `QueueOptions`
    """

    id: str
    agent: str
    owner: str
    result: Result
    code: str = ""
    detach: bool = False


@dataclass(frozen=True)
class Forgotten:
    """The utterance can no longer be repeated, so its audio can be deleted."""

    id: str


Answer = Placed | Busy | Rejected | UtteranceState
"""Replies to a request."""
Action = Answer | Start | Stop | Ended | Forgotten
"""Everything that the queue returns."""
Actions = tuple[Action, ...]


@dataclass(frozen=True)
class QueueRow:
    """One line of a listing.

    eta, age: seconds; age: since it arrived; characters: length of the text
    text: None if it belongs to another agent
    """

    id: str
    agent: str
    priority: Priority
    stage: Stage
    position: int
    eta: float
    characters: int
    age: float
    text: str | None


@dataclass(frozen=True)
class Snapshot:
    """All current and waiting utterances, in the order in which they will be spoken."""

    rows: tuple[QueueRow, ...]
    paused: bool
    muted: bool
