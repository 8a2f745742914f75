"""One thing that somebody asked to have spoken, and the wishes that the queue keeps for it."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property

from speakkit.errors import BadValue
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


@dataclass(frozen=True)
class QueuedUtterance:
    """What somebody asked to have spoken. Its repr holds no text, so that no log does.

    id: chosen by the client; who sends the same again learns what became of it
    agent: who speaks, as they say; turns are taken by agent
    owner: the key of the connection it came by, whose end is its end, unless `detach`
    arrival: when it came, on the clock of the queue, in seconds
    voice, speed, media, beep: for those who synthesize and play it; an empty voice is the default one
    dedupe: names what is told: while one waits or is spoken, another of this agent's is not said
    replace: names what may become stale: a newer one takes the place of one that waits
    ttl: seconds after which it is not worth hearing, unless it has begun; None is the priority's own
    repeats: id of the one whose sound this repeats
    Raises BadValue for a speed or a ttl that is not above zero.
    """

    id: str
    agent: str
    owner: str
    text: str = field(repr=False)
    arrival: float
    voice: str = ""
    speed: float = 1.0
    priority: Priority = Priority.normal
    interrupt: Interrupt = Interrupt.none
    on_full: OnFull = OnFull.error
    resume: Resume = Resume.restart
    dedupe: str = ""
    replace: str = ""
    ttl: float | None = None
    detach: bool = False
    media: str = "auto"
    beep: str = "auto"
    repeats: str = ""

    def __post_init__(self) -> None:
        if not self.speed > 0:
            raise BadValue(f"utterance {self.id} has speed {self.speed}; use one above 0")
        if self.ttl is not None and not self.ttl > 0:
            raise BadValue(f"utterance {self.id} would be stale after {self.ttl} s; use more than 0")

    @property
    def rank(self) -> Rank:
        """Its line."""
        return Rank.repeated if self.repeats else Rank[self.priority]

    @property
    def deadline(self) -> float | None:
        """When it is no longer worth beginning, if ever."""
        waits = [wait for wait in (self.ttl, LONGEST_WAIT.get(self.priority)) if wait is not None]
        return self.arrival + min(waits) if waits else None

    @cached_property
    def seconds(self) -> float:
        """How long it takes to say, roughly."""
        return shorten.seconds(self.text, self.speed)

    @property
    def slot(self) -> tuple[str, str] | None:
        """What only the newest of counts. An agent's progress without a name is one series."""
        named = bool(self.replace) or self.priority is Priority.progress
        return (self.agent, self.replace) if named else None

    @property
    def content(self) -> int:
        """The same number for the same words of the same agent and voice, and hardly for any other."""
        return hash((self.agent, self.text, self.voice))

    def says_as(self, other: "QueuedUtterance") -> bool:
        """Whether to say both would be to say one thing twice: the same `dedupe`, or without any the same words."""
        if (self.agent, self.rank, self.slot, self.dedupe) != (other.agent, other.rank, other.slot, other.dedupe):
            return False
        return bool(self.dedupe) or (self.text, self.voice) == (other.text, other.voice)
