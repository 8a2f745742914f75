"""Requests of clients, as types, in addition to `SpeechRequest` and `QueueOptions`.

The header of `speak` and `synth` contains the fields of a `SpeechRequest` except its text, which is the payload. The
header of `speak` contains the fields of `QueueOptions` too.
"""

from collections.abc import Awaitable, Callable

from msgspec import structs

from speakkit.daemon.queue.queue import Scope
from speakkit.daemon.wire import codec
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import Command, Request
from speakkit.daemon.wire.protocol import Code, ProtocolError, text_of
from speakkit.speech_request import Markup, Name, SpeechRequest

Operation = Callable[[Connection, Request], Awaitable[None]]
"""Answers one request on its connection, and returns soon: the next request of the connection waits for it.

Long work is started in a task or thread, and answered later by `post` or `send`. It may raise Refused or
ProtocolError, which the server sends as the answer.
"""


class Refused(Exception):
    """Error reply to a request that was not carried out. The message must quote nothing that a client sent.

    retry_ms: milliseconds after which to try again, if that may help
    """

    def __init__(self, code: Code, message: str, retry_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_ms = retry_ms


class Synth(Command, frozen=True):
    """Synthesize a text, and send its samples as `audio`.

    keep: keep the samples for a `speak` on the same connection, whose `audio_of` is the id of this request
    """

    keep: bool = False


class Speak(Command, frozen=True):
    """Queue a text and speak it.

    show: send `hearing` for each word while it is played
    audio_of: id of a `synth` with `keep`, whose samples are played if they are still kept
    """

    show: bool = False
    audio_of: Name = ""


class Again(Command, frozen=True):
    """Speak an earlier utterance again.

    back: 1 is the last one
    stream: send its samples, and do not play them
    detach: do not end it when the connection closes
    """

    back: int = 1
    stream: bool = False
    detach: bool = False


class Clear(Command, frozen=True):
    """End all utterances of a scope.

    scope: of the connection, of an agent, or all
    agent: name for the scope `agent`; "" is the agent of the connection
    """

    scope: Scope = Scope.agent
    agent: str = ""


def speech_request(request: Request) -> SpeechRequest:
    """The `SpeechRequest` in a `speak` or `synth`. Raises ProtocolError for a field or a text that is not valid."""
    found = codec.read(SpeechRequest, {**request.fields, "text": text_of(request.payload)})
    if request.fields.get("raw") is True:  # clients of protocol 1.0
        return structs.replace(found, markup=Markup.RAW)
    return found


def required_id(request: Request) -> str:
    """The id of a request. Raises ProtocolError if it has none."""
    if request.id is None:
        raise ProtocolError(Code.bad_request, "the request must have an id")
    return request.id
