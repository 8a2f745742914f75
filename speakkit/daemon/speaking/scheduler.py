"""Has sounds made: by a voice in a process of its own, one piece at a time, of whichever job is needed next."""

import asyncio
import logging
import math
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from speakkit.daemon.speaking.job import Fault, Job
from speakkit.daemon.speaking.synthesis_request import Order, Save, SpeechPiece
from speakkit.daemon.wire.protocol import Code
from speakkit.errors import BadValue, EngineError, ExitCode, SpeakkitError, WorkerBug, WorkerHung
from speakkit.speech_request import SpeechRequest
from speakkit.workers.worker import Limits, Worker

log = logging.getLogger(__name__)

PLACE = "speakkit.daemon.speaking.worker:load"
"""What the process loads."""

LIMITS = Limits(
    start_s=300.0,
    silence_s=30.0,
    cpu_s=120.0,
    cpu_per_audio_s=20.0,
    wall_s=600.0,
    rss_bytes=6 << 30,
    deaths=3,
)
"""A slow processor takes a second or two for each of speech; to load another voice's language, some ten. The memory is
three times Kokoro's."""


SAMPLE = array("f").itemsize
"""Bytes of one sample."""

SAVES = 32
"""Utterances that may wait to be saved; older ones are not."""


class Scheduler:
    """One voice, and the order in which it speaks."""

    def __init__(
        self,
        choose: Callable[[], Job | None],
        done: Callable[[Job], None],
        is_needed: Callable[[], bool],
        keep_alive: float,
        place: str = PLACE,
        limits: Limits = LIMITS,
    ) -> None:
        """`choose` says whose next piece is needed most; `done` is told of each job whose end has come.

        is_needed: whether more may have to be made of what is under way, if not now
        keep_alive: seconds without need after which the process is ended, negative for never; the last job that
            has its own counts in its place
        """
        self._choose, self._done, self._is_needed = choose, done, is_needed
        self._keep_alive = self._usual = keep_alive
        self._place, self._limits = place, limits
        self._worker: Worker | None = None
        self._thread = ThreadPoolExecutor(1, "voice")
        self._news, self._resting = asyncio.Event(), asyncio.Event()
        self._resting.set()
        self._task: asyncio.Task[None] | None = None
        self._used = time.monotonic()
        self._since: float | None = None
        self._saves: deque[Save] = deque(maxlen=SAVES)

    def wake(self) -> None:
        """Something may be needed now."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        self._resting.clear()
        self._news.set()

    def save(self, file: Path, sound: bytes) -> None:
        """Have samples written by the voice, which can, when nothing more urgent is to be done."""
        self._saves.append(Save(file, sound))
        self.wake()

    async def rests(self) -> None:
        """Wait until all is made that is needed now, and all is saved."""
        await self._resting.wait()

    @property
    def status(self) -> Mapping[str, Any]:
        """How the voice is: its process, its memory in bytes, seconds since it began what it is at."""
        worker, left = self._worker, self._left()
        busy = 0 if self._since is None else round(1000 * (time.monotonic() - self._since))
        return {
            "voice": worker.pid if worker else None,
            "voice_bytes": worker.resident if worker else 0,
            "busy_for_ms": busy,
            "unload_in": round(max(0.0, left), 1) if worker and worker.pid and left is not None else None,
        }

    async def close(self) -> None:
        """End the process, whatever it is at."""
        if self._worker:
            await asyncio.to_thread(self._worker.close)
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            job = self._choose()
            if job is None:
                await (self._saved(self._saves.popleft()) if self._saves else self._rest())
                continue
            self._since = time.monotonic()
            self._keep_alive = self._usual if job.request.keep_alive is None else job.request.keep_alive
            try:
                piece = await self._piece(job)
                if not job.is_over:  # nobody left off meanwhile
                    job.add(piece)
            except SpeakkitError as error:
                job.break_off(_fault(error))
                log.warning("%s of %s: %s", type(error).__name__, job.name, job.fault.code if job.fault else "")
            except WorkerBug as error:
                log.error("a bug in the voice: %s\n%s", error.kind, error.frames)  # noqa: TRY400  its own frames count
                job.break_off(Fault(Code.bug, "a bug in the voice; the daemon's log says where", ExitCode.BUG))
            self._since, self._used = None, time.monotonic()
            if job.is_over:
                self._done(job)

    async def _saved(self, save: Save) -> None:
        """What cannot be written is told in the log: nobody waits for it."""
        if self._worker is None:
            return
        worker = self._worker
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: list(worker.request(save, SpeechPiece))
            )
        except (SpeakkitError, WorkerBug) as error:
            log.warning("an utterance was not saved: %s", error)

    async def _piece(self, job: Job) -> SpeechPiece:
        """The next piece. Raises as `Worker.request`, and EngineError if the answer is not valid."""
        if self._worker is None:
            request = job.request
            likely = SpeechRequest(
                voice=request.voice,
                lang=request.lang,
                engine=request.engine,
                device=request.device,
                threads=request.threads,
            )
            self._worker = Worker(self._place, likely, self._limits)
        if job.is_begun:
            piece = await self._answer(self._worker, job.next, job.longest)
            if not piece.is_unknown:
                return piece
        job.is_begun = True
        return await self._answer(self._worker, job.begin, job.longest)

    async def _answer(self, worker: Worker, order: Order, longest: float) -> SpeechPiece:
        return await asyncio.get_running_loop().run_in_executor(self._thread, _asked, worker, order, longest)

    async def _rest(self) -> None:
        """Wait for news; end the process when nobody has needed it for long."""
        self._resting.set()
        left = self._left()
        if left is not None and left <= 0 and self._worker:
            log.info("ends the voice, which nobody needed for %g s", self._keep_alive)
            worker, self._worker, left = self._worker, None, None
            await asyncio.get_running_loop().run_in_executor(self._thread, worker.close)
        with suppress(TimeoutError):
            async with asyncio.timeout(left if self._worker else None):
                await self._news.wait()

    def _left(self) -> float | None:
        """Seconds until the process is ended; None for never, or not as things are."""
        if self._keep_alive < 0 or self._is_needed():
            self._used = time.monotonic()
            return None
        return self._used + self._keep_alive - time.monotonic()


def _asked(worker: Worker, order: Order, longest: float) -> SpeechPiece:
    """The reply to an order for a piece of at most `longest` seconds, in the scheduler's thread."""
    answer = list(worker.request(order, SpeechPiece, longest))
    if len(answer) != 1 or len(answer[0].sound) % SAMPLE:
        raise EngineError("the voice answered with what is no piece of speech")
    if not math.isfinite(sum(array("f", answer[0].sound))):  # a sum of what is no number is none
        raise EngineError("the voice gave samples that are no numbers; another text or voice may do")
    return answer[0]


def _fault(error: SpeakkitError) -> Fault:
    if isinstance(error, BadValue):
        code = Code.bad_request
    elif isinstance(error, WorkerHung):
        code = Code.engine_timeout
    else:
        code = Code.engine_failed
    return Fault(code, str(error), error.exit_code)
