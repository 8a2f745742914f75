"""What clients ask the daemon to say, as types. `messages.read` makes them of the fields of a request."""

from dataclasses import dataclass

from speakkit.config import checked_speed
from speakkit.daemon.connection import Connection
from speakkit.daemon.messages import Request
from speakkit.daemon.protocol import Code, ProtocolError, text_of
from speakkit.daemon.queue import Scope
from speakkit.daemon.script import Script
from speakkit.daemon.utterance import Interrupt, OnFull, Priority, Resume, Utterance
from speakkit.errors import BadValue

LONGEST = 1000
"""Characters of a field, which is more than a blend of all voices takes."""


@dataclass(frozen=True)
class Synth:
    """Have a text, the payload, made into samples: they come as `audio`. The fields are those of `Script`.

    keep_alive: seconds for which the voice stays loaded afterwards: 0 for none, negative for ever
    Raises ProtocolError for what no voice could be asked.
    """

    voice: str = ""
    lang: str = ""
    speed: float = 1.0
    seed: int = 0
    engine: str = "kokoro"
    device: str = "auto"
    raw: bool = False
    suffix: str = ""
    keep_alive: float | None = None

    def __post_init__(self) -> None:
        if any(isinstance(value, str) and len(value) > LONGEST for value in vars(self).values()):
            raise ProtocolError(Code.bad_request, f"a field has more than {LONGEST} characters")
        if self.seed < 0:
            raise ProtocolError(Code.bad_request, "the seed is below 0")
        try:
            checked_speed(self.speed)
        except BadValue as error:
            raise ProtocolError(Code.bad_request, str(error)) from None

    @property
    def script(self) -> Script:
        """For the voice."""
        return Script(
            self.voice, self.lang, self.speed, self.seed, self.engine, self.device, is_raw=self.raw, suffix=self.suffix
        )


@dataclass(frozen=True)
class Speak(Synth):
    """Say a text, the payload. The fields are those of `Utterance`; ttl in seconds.

    show: tell of each word while it is heard
    """

    prio: Priority = Priority.normal
    interrupt: Interrupt = Interrupt.none
    on_full: OnFull = OnFull.error
    resume: Resume = Resume.restart
    dedupe: str = ""
    replace: str = ""
    ttl: float | None = None
    detach: bool = False
    media: str = "auto"
    beep: str = "auto"
    show: bool = False

    def utterance(self, request: Request, connection: Connection, now: float) -> Utterance:
        """For the queue. Raises ProtocolError for what is no text, BadValue for numbers out of range."""
        return Utterance(
            id=required_id(request),
            agent=connection.agent,
            owner=str(connection.number),
            text=text_of(request.payload),
            arrival=now,
            voice=self.voice,
            speed=self.speed,
            priority=self.prio,
            interrupt=self.interrupt,
            on_full=self.on_full,
            resume=self.resume,
            dedupe=self.dedupe,
            replace=self.replace,
            ttl=self.ttl,
            detach=self.detach,
            media=self.media,
            beep=self.beep,
        )


@dataclass(frozen=True)
class Again:
    """Say once more what was heard; back: 1 is the last. stream: send its samples in place of playing them."""

    back: int = 1
    stream: bool = False
    detach: bool = False


@dataclass(frozen=True)
class Clear:
    """End all of a connection, of an agent (the one who asks, unless another is named), or everybody's."""

    scope: Scope = Scope.agent
    agent: str = ""


def required_id(request: Request) -> str:
    """The id of a request that must have one. Raises ProtocolError."""
    if request.id is None:
        raise ProtocolError(Code.bad_request, "what is to be heard must have an id")
    return request.id
