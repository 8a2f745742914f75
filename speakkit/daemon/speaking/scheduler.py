"""Has audio synthesized in a worker process, one piece at a time, always for the job that needs it first."""

import asyncio
import logging
import math
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from speakkit.daemon.speaking.job import Job
from speakkit.daemon.speaking.quarantine import Quarantine
from speakkit.daemon.speaking.synthesis_request import Order, Save, SpeechPiece
from speakkit.daemon.wire import fault
from speakkit.errors import EngineError, SpeakkitError, WorkerBug, WorkerDied
from speakkit.speech_request import SpeechRequest
from speakkit.workers.worker import Limits, Worker

log = logging.getLogger(__name__)

PLACE = "speakkit.daemon.speaking.worker:load"
"""What the worker process loads, as `module:function`."""

WHAT = "the voice"
"""What the worker process does, for messages."""

LIMITS = Limits(
    start_s=300.0,
    silence_s=30.0,
    cpu_s=60.0,
    cpu_per_audio_s=8.0,
    wall_s=600.0,
    rss_bytes=6 << 30,
    deaths=3,
)
"""Limits of the worker process.

A slow processor takes 1 to 2 s per second of speech, and about 10 s to load the language of another voice. Processor
time is counted, and not time, because the processor may be busy with other programs. The memory limit is three times
Kokoro's.
"""

READ_AGAIN = 0.05
"""Part of the processor time of speech that is allowed for the same speech if it is only planned again: a new process
plans the pieces before the one that it continues with, but does not synthesize them."""

SAMPLE = array("f").itemsize
"""Bytes of one sample."""

SAVES = 32
"""Maximum utterances that wait to be saved; beyond that the oldest are dropped."""


Result = TypeVar("Result")


class Scheduler:
    """One worker process, and the order of its work."""

    def __init__(
        self,
        choose: Callable[[], Job | None],
        done: Callable[[Job], None],
        is_needed: Callable[[], bool],
        keep_alive: float,
        place: str = PLACE,
        limits: Limits = LIMITS,
    ) -> None:
        """`choose` returns the job whose next piece is needed first; `done` is called with each job that is over.

        is_needed: whether more pieces may be needed later for current work
        keep_alive: seconds without need after which the process is ended, negative for never; a value in the
            request of the last job takes precedence
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
        self._likely: SpeechRequest | None = None
        self.quarantine = Quarantine()

    def warm(self, likely: SpeechRequest) -> None:
        """Load what a request like `likely` needs, unless a process is loaded or will not be kept."""
        if self._worker is None and self._usual:
            self._likely = likely
            self._look()

    def wake(self) -> None:
        """Check for work: something may be needed now."""
        self._resting.clear()
        self._look()

    def save(self, file: Path, sound: bytes) -> None:
        """Have samples written by the worker process, which can encode files, when no synthesis is needed."""
        self._saves.append(Save(file, sound))
        self.wake()

    async def rests(self) -> None:
        """Wait until everything that is needed now is synthesized, and all files are saved."""
        await self._resting.wait()

    def _look(self) -> None:
        """Have the task check what there is to do."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        self._news.set()

    @property
    def status(self) -> Mapping[str, Any]:
        """Status of the worker process.

        voice: process id; voice_bytes: memory; busy_for_ms: since the current piece was begun
        unload_in: seconds until the process is ended, or None
        """
        worker, left = self._worker, self._left()
        busy = 0 if self._since is None else round(1000 * (time.monotonic() - self._since))
        return {
            "voice": worker.pid if worker else None,
            "voice_bytes": worker.resident if worker else 0,
            "busy_for_ms": busy,
            "unload_in": round(max(0.0, left), 1) if worker and worker.pid and left is not None else None,
        }

    async def close(self) -> None:
        """End the process, also during synthesis."""
        if self._worker:
            await asyncio.to_thread(self._worker.close)
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        """Synthesize, save and wait, until cancelled."""
        while True:
            self._news.clear()
            job = self._choose()
            if job is None:
                await self._idle()
                continue
            self._since = time.monotonic()
            self._keep_alive = self._usual if job.request.keep_alive is None else job.request.keep_alive
            try:
                piece = await self._piece(job)
                if not job.is_over:  # the job was not ended meanwhile
                    job.add(piece)
            except SpeakkitError as error:
                if isinstance(error, WorkerDied):
                    self.quarantine.add(job.request)
                job.break_off(fault.of(error, WHAT))
                log.warning("%s of %s: %s", type(error).__name__, job.name, job.fault.code if job.fault else "")
            except WorkerBug as error:
                log.error("a bug in %s: %s\n%s", WHAT, error.kind, error.frames)  # noqa: TRY400  the worker's traceback is logged
                job.break_off(fault.of(error, WHAT))
            self._since, self._used = None, time.monotonic()
            if job.is_over:
                self._done(job)

    async def _idle(self) -> None:
        """Load the voice, save a file, or wait, while no synthesis is needed."""
        if likely := self._likely:
            self._likely = None
            await self._tried(self._worker_for(likely).ready, "the voice was not loaded")
            self._used = time.monotonic()
        elif self._saves:
            save = self._saves.popleft()
            if worker := self._worker:
                await self._tried(lambda: list(worker.request(save, SpeechPiece)), "an utterance was not saved")
        else:
            await self._rest()

    async def _tried(self, act: Callable[[], object], failure: str) -> None:
        """Run `act` in the scheduler's thread. A failure is only logged, because no client waits for it."""
        try:
            await self._in_thread(act)
        except (SpeakkitError, WorkerBug) as error:
            log.warning("%s: %s", failure, error)

    def _worker_for(self, request: SpeechRequest) -> Worker:
        """The worker; a new one, which loads what `request` needs, if there is none."""
        if self._worker is None:
            spoken_by = {name: getattr(request, name) for name in ("voice", "lang", "engine", "device", "threads")}
            self._worker = Worker(self._place, SpeechRequest(**spoken_by), self._limits)
        return self._worker

    async def _piece(self, job: Job) -> SpeechPiece:
        """The next piece. Raises as `Worker.request`, and EngineError if the answer is not valid."""
        worker = self._worker_for(job.request)
        if job.is_begun:
            piece = await self._in_thread(partial(_asked, worker, job.next, job.longest))
            if not piece.is_unknown:
                return piece
        job.is_begun = True
        return await self._in_thread(partial(_asked, worker, job.begin, job.longest + READ_AGAIN * job.seconds))

    async def _in_thread(self, act: Callable[[], Result]) -> Result:
        """The result of `act`, run in the scheduler's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def _rest(self) -> None:
        """Wait until woken; end the process if it was not needed for `keep_alive` seconds."""
        self._resting.set()
        left = self._left()
        if left is not None and left <= 0 and self._worker:
            log.info("unloads the voice after %g s without use", self._keep_alive)
            worker, self._worker, left = self._worker, None, None
            await self._in_thread(worker.close)
        with suppress(TimeoutError):
            async with asyncio.timeout(left if self._worker else None):
                await self._news.wait()

    def _left(self) -> float | None:
        """Seconds until the process is ended; None for never, or while it is needed."""
        if self._keep_alive < 0 or self._is_needed():
            self._used = time.monotonic()
            return None
        return self._used + self._keep_alive - time.monotonic()


def _asked(worker: Worker, order: Order, longest: float) -> SpeechPiece:
    """The reply to an order for a piece of at most `longest` seconds; runs in the scheduler's thread.

    Raises EngineError if it is not one piece of finite samples.
    """
    answer = list(worker.request(order, SpeechPiece, longest))
    if len(answer) != 1 or len(answer[0].sound) % SAMPLE:
        raise EngineError("the voice sent an invalid reply")
    if not math.isfinite(sum(array("f", answer[0].sound))):  # a sum with NaN or infinity is not finite
        raise EngineError("the voice produced samples that are not finite numbers; try another text or voice")
    return answer[0]
