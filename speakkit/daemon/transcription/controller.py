"""Handles the requests of clients for transcripts: takes the samples, has them recognized, and sends the transcript."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from speakkit.daemon.transcription.order import Order
from speakkit.daemon.transcription.recognizer import LIMITS, PLACE, Recognizer
from speakkit.daemon.wire import codec, fault, transcription
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import DISPLACED, ENDING, Done, Request, Transcribed
from speakkit.daemon.wire.protocol import PCM, TEXT, Code
from speakkit.daemon.wire.requests import Operation, Refused, required_id
from speakkit.daemon.wire.transcription import LONGEST, SAMPLE, Transcribe
from speakkit.errors import SpeakkitError, WorkerBug
from speakkit.workers.worker import Limits

log = logging.getLogger(__name__)

MOST = 16
"""Maximum transcriptions at once, of all connections together: 32 MB of samples."""

SOON_MS = 1000
"""`retry_ms` if there are too many transcriptions, in milliseconds."""

WHAT = "the recognizer"
"""What the worker process does, for messages."""


@dataclass(eq=False)
class Transcription:
    """One transcription of a connection.

    name: id of the request
    sound: the samples that have arrived
    task: recognizes the clip, once all samples have arrived
    """

    name: str
    connection: Connection
    wish: Transcribe
    sound: bytearray = field(default_factory=bytearray, repr=False)
    task: asyncio.Task[None] | None = None

    @property
    def lacks(self) -> int:
        """Bytes of samples that have not arrived."""
        return self.wish.samples * SAMPLE - len(self.sound)


class TranscriptionController:
    """The daemon's implementation of `handler.RequestHandler` for transcriptions, one per connection at a time."""

    def __init__(
        self,
        keep_alive: float,
        *,
        place: str = PLACE,
        limits: Limits = LIMITS,
        keeps_place: Callable[[], bool] = lambda: True,
    ) -> None:
        """keep_alive, place, limits: of `Recognizer`.

        keeps_place: whether clients find this daemon and no other one
        """
        self.ops: Mapping[str, Operation] = {"transcribe": self._transcribe, "pcm": self._pcm, "cancel": self._cancel}
        self._recognizer = Recognizer(keep_alive, place, limits)
        self._keeps_place = keeps_place
        self._all: dict[Connection, Transcription] = {}
        self._is_draining = False
        self._changed = asyncio.Event()

    # RequestHandler

    def opened(self, connection: Connection) -> None:
        """See `handler.RequestHandler`."""

    def closed(self, connection: Connection) -> None:
        """See `handler.RequestHandler`."""
        if one := self._all.get(connection):
            self._drop(one)

    def holds(self, connection: Connection) -> bool:
        """See `handler.RequestHandler`. A client that still has to send samples waits for nothing."""
        one = self._all.get(connection)
        return one is not None and one.task is not None

    def is_busy(self) -> bool:
        """See `handler.RequestHandler`."""
        return bool(self._all)

    def status(self) -> Mapping[str, Any]:
        """See `handler.RequestHandler`."""
        return {"transcriptions": len(self._all), **self._recognizer.status}

    async def drain(self) -> None:
        """See `handler.RequestHandler`. A transcription is accepted once all of its samples have arrived."""
        self._is_draining = True
        self._fail(lambda one: one.task is None)
        while self._all:
            self._changed.clear()
            await self._changed.wait()
        await self._recognizer.close()

    async def stop(self) -> None:
        """See `handler.RequestHandler`."""
        self._is_draining = True
        self._fail(lambda _: True)
        await self._recognizer.close()

    def _fail(self, is_meant: Callable[[Transcription], bool]) -> None:
        """End transcriptions because the daemon ends."""
        for one in filter(is_meant, tuple(self._all.values())):
            self._drop(one)
            one.connection.fail(one.name, Code.shutting_down, ENDING)

    # Operations

    async def _transcribe(self, connection: Connection, request: Request) -> None:
        wish, name = codec.read(Transcribe, request.fields), required_id(request)
        self._require_open()
        if wish.samples > transcription.MOST:
            raise Refused(Code.too_large, f"the daemon takes {LONGEST:g} s of audio at once; send it in parts")
        if connection in self._all:
            raise Refused(Code.busy, "this connection has a transcription already; wait for its end")
        if len(self._all) >= MOST:
            raise Refused(Code.busy, "there are too many transcriptions already; try again later", SOON_MS)
        one = self._all[connection] = Transcription(name, connection, wish)
        self._begin_if_complete(one)

    async def _pcm(self, connection: Connection, request: Request) -> None:
        one = self._all.get(connection)
        if one is None or one.name != required_id(request):
            raise Refused(Code.not_found, "this connection has no transcription of that id")
        if len(request.payload) > PCM:
            self._drop(one)
            raise Refused(Code.too_large, f"more than {PCM} bytes of samples in a frame")
        if len(request.payload) > one.lacks:
            self._drop(one)
            raise Refused(Code.bad_request, "more samples than the transcription has announced")
        one.sound += request.payload
        self._begin_if_complete(one)

    async def _cancel(self, connection: Connection, request: Request) -> None:
        one = self._all.get(connection)
        if one is None or one.name != required_id(request):
            raise Refused(Code.not_found, "this connection has no transcription of that id")
        self._drop(one)
        connection.post(Done(one.name))

    def _require_open(self) -> None:
        """Raises Refused if the daemon is ending."""
        is_displaced = not self._keeps_place()
        if is_displaced or self._is_draining:
            raise Refused(Code.shutting_down, DISPLACED if is_displaced else ENDING)

    # Recognition

    def _begin_if_complete(self, one: Transcription) -> None:
        if not one.lacks and one.task is None:
            one.task = asyncio.create_task(self._recognize(one))

    async def _recognize(self, one: Transcription) -> None:
        """Recognize a clip, and send the transcript, or why there is none."""
        try:
            payload = transcription.encoded(await self._recognizer.recognize(Order(one.wish, bytes(one.sound))))
        except (SpeakkitError, WorkerBug) as error:
            failed = fault.of(error, WHAT)
            log.warning("%s of %s: %s", type(error).__name__, one.name, failed.code)
            if isinstance(error, WorkerBug):
                log.error("a bug in %s: %s\n%s", WHAT, error.kind, error.frames)  # noqa: TRY400  the worker's traceback is logged
            self._forget(one)
            one.connection.fail(one.name, failed.code, failed.message)
            return
        self._forget(one)
        if len(payload) > TEXT:
            one.connection.fail(one.name, Code.engine_failed, "the transcript is too long to be sent")
        else:
            one.connection.post(Transcribed(one.name, payload))

    def _drop(self, one: Transcription) -> None:
        """Remove a transcription, and send nothing more of it."""
        if one.task:
            one.task.cancel()
        self._forget(one)

    def _forget(self, one: Transcription) -> None:
        self._all.pop(one.connection, None)
        self._changed.set()
