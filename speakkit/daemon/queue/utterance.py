"""A requested utterance, and its options for the queue."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property

from msgspec import Struct, field

from speakkit.errors import BadValue
from speakkit.speech_request import Name, SpeechRequest
from speakkit.text import shorten


class Priority(StrEnum):
    """Priority of an utterance: of the waiting ones, the highest is spoken first.

    urgent: interrupts at once, also while speech is paused
    normal: waits for its turn without a time limit
    low: expires after 30 s of waiting
    progress: expires after 5 s of waiting, or when a newer one arrives
    """

    urgent = "urgent"
    normal = "normal"
    low = "low"
    progress = "progress"


LONGEST_WAIT = {Priority.low: 30.0, Priority.progress: 5.0}
"""Seconds after which an utterance of a priority expires if it has not begun."""


class Rank(IntEnum):
    """Order in which lines are served: that of the priorities, with repeats (requested by a person) in second place."""

    urgent = 0
    repeated = 1
    normal = 2
    low = 3
    progress = 4


class Interrupt(StrEnum):
    """Which utterances end when this one arrives; never any of a higher rank.

    agent: all of the same agent, current or waiting: the newest message takes the place of the older ones
    all: these, and the current utterance of any agent; then this one is next
    """

    none = "none"
    agent = "agent"
    all = "all"


class OnFull(StrEnum):
    """What to do if the queue is full.

    error, wait: refuse it with a time to retry; with `wait` the client retries by itself
    drop_oldest: drop the oldest waiting utterance of the same agent
    """

    error = "error"
    wait = "wait"
    drop_oldest = "drop-oldest"


class Resume(StrEnum):
    """What happens to an utterance that an urgent one interrupts: it restarts at its current sentence, or ends."""

    restart = "restart"
    drop = "drop"


class QueueOptions(Struct, frozen=True, omit_defaults=True):
    """Options of an utterance for the queue, with the names of `speak` and of the protocol.

    dedupe: key; this one joins an utterance of the same agent and key that waits or is being spoken
    replace: key; this one takes the place of one of the same agent and key that still waits
    ttl: seconds after which it expires, unless it has begun; None for the limit of its priority
    detach: it is not ended when its connection is closed
    media: "auto" to pause other media players, "off" to leave them alone
    beep: "auto" to play a beep before it if another agent spoke last, "off" for none
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
"""The default options."""

GUESTS = "all containers"
"""`QueuedUtterance.turn_taker` of all containers; no agent can have a name with spaces."""


@dataclass(frozen=True)
class QueuedUtterance:
    """An utterance that a client requested. Its repr contains no text, so that no log does.

    id: chosen by the client; if the same id is sent again, the reply is the state of that utterance
    agent: name of the agent
    owner: key of the connection that sent it; it ends with that connection, unless `options.detach`
    arrival: seconds on the clock of the queue
    repeats: id of the utterance whose audio this one plays again, or ""
    guest: key of the connection if that is a container's, or ""
    Raises BadValue for a speed or a ttl that is not above zero.
    """

    id: str
    agent: str
    owner: str
    arrival: float
    request: SpeechRequest
    options: QueueOptions = DEFAULTS
    repeats: str = ""
    guest: str = ""

    def __post_init__(self) -> None:
        if not self.request.speed > 0:
            raise BadValue(f"utterance {self.id} has speed {self.request.speed}; use one above 0")
        if self.options.ttl is not None and not self.options.ttl > 0:
            raise BadValue(f"utterance {self.id} would expire after {self.options.ttl} s; use more than 0")

    @property
    def rank(self) -> Rank:
        """Rank of the line in which it waits."""
        return Rank.repeated if self.repeats else Rank[self.options.priority]

    @property
    def turn_taker(self) -> str:
        """Whose turns it takes: its agent's. All containers together take turns as one, whatever names they choose."""
        return GUESTS if self.guest else self.agent

    @property
    def scope(self) -> tuple[str, str]:
        """Utterances of the same scope can interrupt and replace each other, and be joined.

        The scope is the agent. A container can choose any name, so its scope ends with its connection.
        """
        return self.agent, self.guest

    @property
    def deadline(self) -> float | None:
        """When it expires unless it has begun, in seconds on the clock of the queue; None for never."""
        waits = [wait for wait in (self.options.ttl, LONGEST_WAIT.get(self.options.priority)) if wait is not None]
        return self.arrival + min(waits) if waits else None

    @cached_property
    def seconds(self) -> float:
        """Estimated duration of its speech, in seconds."""
        return shorten.seconds(self.request.text, self.request.speed)

    @property
    def slot(self) -> tuple[tuple[str, str], str] | None:
        """Scope and key of which only the newest utterance counts; None if there is none.

        Progress without a key is one series per scope.
        """
        named = bool(self.options.replace) or self.options.priority is Priority.progress
        return (self.scope, self.options.replace) if named else None

    @property
    def content(self) -> int:
        """Hash of agent, text and voice, to check that an id that is sent again is the same utterance."""
        return hash((self.agent, self.request.text, self.request.voice))

    def says_as(self, other: "QueuedUtterance") -> bool:
        """Whether both say the same thing: they have the same `dedupe` key, or no key and the same text."""
        key, other_key = self.options.dedupe, other.options.dedupe
        if (self.scope, self.rank, self.slot, key) != (other.scope, other.rank, other.slot, other_key):
            return False
        said, other_said = self.request, other.request
        return bool(key) or (said.text, said.voice) == (other_said.text, other_said.voice)
