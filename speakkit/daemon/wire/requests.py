"""What clients ask the daemon to say, as types. `messages.read` makes them of the fields of a request."""

from typing import Annotated

from msgspec import Meta

from speakkit.config import MOST_THREADS, SPEEDS
from speakkit.daemon.queue.queue import Scope
from speakkit.daemon.queue.utterance import Interrupt, OnFull, Priority, QueuedUtterance, Resume
from speakkit.daemon.speaking.synthesis_request import SpeechRequest
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import Command, Request
from speakkit.daemon.wire.protocol import Code, ProtocolError, text_of

LONGEST = 1000
"""Characters of a field, which is more than a blend of all voices takes."""

Short = Annotated[str, Meta(max_length=LONGEST)]


class Synth(Command, frozen=True):
    """Have a text, the payload, made into samples: they come as `audio`. The fields are those of `SpeechRequest`.

    keep_alive: seconds for which the voice stays loaded afterwards: 0 for none, negative for ever
    """

    voice: Short = ""
    lang: Short = ""
    speed: Annotated[float, Meta(ge=SPEEDS[0], le=SPEEDS[1])] = 1.0
    seed: Annotated[int, Meta(ge=0)] = 0
    engine: Short = "kokoro"
    device: Short = "auto"
    raw: bool = False
    suffix: Short = ""
    threads: Annotated[int, Meta(ge=0, le=MOST_THREADS)] = 0
    keep_alive: float | None = None

    @property
    def script(self) -> SpeechRequest:
        """For the voice."""
        return SpeechRequest(
            voice=self.voice,
            lang=self.lang,
            speed=self.speed,
            seed=self.seed,
            engine=self.engine,
            device=self.device,
            is_raw=self.raw,
            suffix=self.suffix,
            threads=self.threads,
        )


class Speak(Synth, frozen=True):
    """Say a text, the payload. The fields are those of `QueuedUtterance`; ttl in seconds.

    show: tell of each word while it is heard
    """

    prio: Priority = Priority.normal
    interrupt: Interrupt = Interrupt.none
    on_full: OnFull = OnFull.error
    resume: Resume = Resume.restart
    dedupe: Short = ""
    replace: Short = ""
    ttl: float | None = None
    detach: bool = False
    media: Short = "auto"
    beep: Short = "auto"
    show: bool = False

    def utterance(self, request: Request, connection: Connection, now: float) -> QueuedUtterance:
        """For the queue. Raises ProtocolError for what is no text, BadValue for numbers out of range."""
        return QueuedUtterance(
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


class Again(Command, frozen=True):
    """Say once more what was heard; back: 1 is the last. stream: send its samples in place of playing them."""

    back: int = 1
    stream: bool = False
    detach: bool = False


class Clear(Command, frozen=True):
    """End all of a connection, of an agent (the one who asks, unless another is named), or everybody's."""

    scope: Scope = Scope.agent
    agent: str = ""


def required_id(request: Request) -> str:
    """The id of a request that must have one. Raises ProtocolError."""
    if request.id is None:
        raise ProtocolError(Code.bad_request, "what is to be heard must have an id")
    return request.id
