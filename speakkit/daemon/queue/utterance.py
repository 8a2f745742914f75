"""One thing that somebody asked to have spoken, and the wishes that the queue keeps for it."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property

from msgspec import Struct, field

from speakkit.errors import BadValue
from speakkit.speech_request import Name, SpeechRequest
from speakkit.text import shorten


class Priority(StrEnum):
    """How pressing it is: of those that wait, the most pressing is spoken first.

    urgent: cuts in at once, also while speech is paused
    normal: waits for its turn, however long that takes
    low: not worth hearing after 30 s of waiting
    progress: not worth hearing after 5 s, nor once there is a newer one
    """

    urgent = "urgent"
    normal = "normal"
    low = "low"
    progress = "progress"


LONGEST_WAIT = {Priority.low: 30.0, Priority.progress: 5.0}
"""Seconds for which an utterance that has not begun is worth hearing."""


class Rank(IntEnum):
    """The order in which lines are served: that of the priorities, where what a person asks to hear again is second."""

    urgent = 0
    repeated = 1
    normal = 2
    low = 3
    progress = 4


class Interrupt(StrEnum):
    """What an utterance ends when it comes; never any of a higher rank.

    agent: all of the same agent, spoken or waiting: the newest message takes the place of the older ones
    all: these, and what is being spoken, whoever's it is; then this one is next
    """

    none = "none"
    agent = "agent"
    all = "all"


class OnFull(StrEnum):
    """What to do where there is no room: `error` and `wait` are told to come back, and `wait` does so by itself."""

    error = "error"
    wait = "wait"
    drop_oldest = "drop-oldest"


class Resume(StrEnum):
    """What becomes of it when an urgent one cuts in: it starts again at its sentence, or ends."""

    restart = "restart"
    drop = "drop"


class QueueOptions(Struct, frozen=True, omit_defaults=True):
    """What the queue is to do with one utterance, as `speak` and the protocol name it.

    dedupe: key; while an utterance of the same agent and key waits or is spoken, this one joins it
    replace: key; this one takes the place of one of the same agent and key that still waits
    ttl: seconds after which it expires, unless it has begun; None for the time of its priority
    detach: it stays when the connection that it came by is closed
    media: "auto" to pause other media players, "off" to leave them alone
    beep: "auto" to let a beep come before it when another agent spoke last, "off" for none
    """

    priority: Priority = field(default=Priority.normal, name="prio")
    interrupt: Interrupt = Interrupt.none
    on_full: OnFull = OnFull.error
    resume: Resume = Resume.restart
    dedupe: Name = ""
    replace: Name = ""
    ttl: float | None = None
    detach: bool = False
    media: Name = "auto"
    beep: Name = "auto"


DEFAULTS = QueueOptions()


@dataclass(frozen=True)
class QueuedUtterance:
    """An utterance that a client asked for. Its repr holds no text, so that no log does.

    id: chosen by the client; a client that sends the same id again is told the state of that utterance
    agent: name of the speaker; agents take turns
    owner: key of the connection it came by; it ends with that connection, unless `options.detach`
    arrival: seconds on the clock of the queue
    repeats: id of the utterance whose audio this one plays again, or ""
    Raises BadValue for a speed or a ttl that is not above zero.
    """

    id: str
    agent: str
    owner: str
    arrival: float
    request: SpeechRequest
    options: QueueOptions = DEFAULTS
    repeats: str = ""

    def __post_init__(self) -> None:
        if not self.request.speed > 0:
            raise BadValue(f"utterance {self.id} has speed {self.request.speed}; use one above 0")
        if self.options.ttl is not None and not self.options.ttl > 0:
            raise BadValue(f"utterance {self.id} would expire after {self.options.ttl} s; use more than 0")

    @property
    def rank(self) -> Rank:
        """The line it waits in."""
        return Rank.repeated if self.repeats else Rank[self.options.priority]

    @property
    def deadline(self) -> float | None:
        """When it expires unless it has begun, in seconds on the clock of the queue; None for never."""
        waits = [wait for wait in (self.options.ttl, LONGEST_WAIT.get(self.options.priority)) if wait is not None]
        return self.arrival + min(waits) if waits else None

    @cached_property
    def seconds(self) -> float:
        """Estimated duration of its speech."""
        return shorten.seconds(self.request.text, self.request.speed)

    @property
    def slot(self) -> tuple[str, str] | None:
        """Agent and key of which only the newest utterance counts. Progress without a key is one series per agent."""
        named = bool(self.options.replace) or self.options.priority is Priority.progress
        return (self.agent, self.options.replace) if named else None

    @property
    def content(self) -> int:
        """Hash of agent, text and voice: tells whether an id that comes again is the same utterance."""
        return hash((self.agent, self.request.text, self.request.voice))

    def says_as(self, other: "QueuedUtterance") -> bool:
        """Whether both say the same thing: they have the same `dedupe` key, or no key and the same text."""
        key, other_key = self.options.dedupe, other.options.dedupe
        if (self.agent, self.rank, self.slot, key) != (other.agent, other.rank, other.slot, other_key):
            return False
        said, other_said = self.request, other.request
        return bool(key) or (said.text, said.voice) == (other_said.text, other_said.voice)
