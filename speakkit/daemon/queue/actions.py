"""What the queue tells the server: answers to the one who asked, orders for the player, and ends for the owners."""

from dataclasses import dataclass
from enum import StrEnum

from speakkit.daemon.queue.utterance import Priority, QueuedUtterance


class Result(StrEnum):
    """How an accepted utterance ended.

    played: all of it was spoken
    interrupted: another utterance ended it
    skipped: somebody did not want to hear it; the code is "cancelled", "disconnected", "skipped", "cleared", "muted"
        or "busy" (it was dropped to make room for a newer one)
    expired: nobody could begin it in time
    deduped: the same had been asked for before, and that was spoken
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
    """Where an utterance is."""

    waiting = "waiting"
    playing = "playing"
    ended = "ended"


@dataclass(frozen=True)
class Placed:
    """It will be spoken, or its `Ended` will say why not.

    position: how many are before it; 0 is spoken now
    eta: seconds until its turn, roughly, if nothing is paused and nothing cuts in
    """

    id: str
    position: int
    eta: float


@dataclass(frozen=True)
class Busy:
    """There is no room for it. It may be sent again after `retry_ms` milliseconds."""

    id: str
    retry_ms: int


@dataclass(frozen=True)
class Rejected:
    """Nothing was done. code: "not_found", or "bad_request" for an id that another utterance has."""

    id: str
    code: str


@dataclass(frozen=True)
class UtteranceState:
    """What has become of an utterance. position, eta: as in Accepted, 0 once ended; result, code: as in Ended."""

    id: str
    stage: Stage
    position: int = 0
    eta: float = 0.0
    result: Result | None = None
    code: str = ""


@dataclass(frozen=True)
class Start:
    """Play it. turn: number of this playing, which each report on it bears."""

    utterance: QueuedUtterance
    turn: int


@dataclass(frozen=True)
class Stop:
    """Silence it, at once or with a fade. No harm where it has just ended by itself."""

    id: str
    turn: int
    fade: bool


@dataclass(frozen=True)
class Ended:
    """The one end of an accepted utterance, for its owner."""

    id: str
    agent: str
    owner: str
    result: Result
    code: str = ""


@dataclass(frozen=True)
class Forgotten:
    """It can no longer be asked for again: its sound may go."""

    id: str


Answer = Placed | Busy | Rejected | UtteranceState
Action = Answer | Start | Stop | Ended | Forgotten
Actions = tuple[Action, ...]


@dataclass(frozen=True)
class QueueRow:
    """One line of a listing. age: seconds since it came; text: None where it is another agent's."""

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
    """All that is spoken and waits, in the order in which it will be heard."""

    rows: tuple[QueueRow, ...]
    paused: bool
    muted: bool
