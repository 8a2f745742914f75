"""A worker: a process that holds an engine and answers requests, started afresh whenever it has to be."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

from speakkit.errors import EngineError, SpeakkitError, WorkerBug, WorkerDied, WorkerGivenUp
from speakkit.workers import messages
from speakkit.workers.frames import FrameError
from speakkit.workers.process import COMMAND, Answer, Process
from speakkit.workers.watchdog import Allowance

WINDOW = 60.0
"""Seconds after its last death for which a worker that is given up stays so. Then one more request is tried."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Limits:
    """What a worker may take.

    start_s: seconds without progress while it loads its engine
    silence_s: seconds without progress while it answers; for progress, see `watchdog`
    cpu_s, cpu_per_audio_s: seconds of processor time for a request, and for each second of audio that it is about
    start_cpu_s: seconds of processor time to load its engine
    wall_s: seconds without a byte, whatever it does
    rss_bytes: bytes of memory after an answer, beyond which a fresh process takes the next request; None: any
    retries: how often a request that its process died of is given to a fresh one, if nothing was replied to it yet
    deaths: how many requests in a row, each after its retries, may end their process, none answered between; and how
        often in a row it may die while it loads
    """

    start_s: float = 300.0
    silence_s: float = 60.0
    cpu_s: float = 300.0
    cpu_per_audio_s: float = 30.0
    start_cpu_s: float = 1800.0
    wall_s: float = 3600.0
    rss_bytes: int | None = None
    retries: int = 1
    deaths: int = 5

    @property
    def to_start(self) -> Allowance:
        """What the loading may take."""
        return Allowance(self.start_s, self.start_cpu_s, self.wall_s)

    def to_answer(self, audio_s: float) -> Allowance:
        """What a request about so many seconds of audio may take."""
        return Allowance(self.silence_s, self.cpu_s + self.cpu_per_audio_s * audio_s, self.wall_s)


LIMITS = Limits()


class Worker:
    """Answers requests in a process of its own. Use it as a context manager, or `close` it.

    place: "package.module:function" of a loader (see `child`), which the process imports and calls with `settings`
    command: what runs `speakkit.workers.child`, such as the Python of another virtual environment and its arguments
    One thread at a time may ask it; any thread may close it.
    """

    def __init__(self, place: str, settings: object, limits: Limits = LIMITS, command: Sequence[str] = COMMAND) -> None:
        self.limits = limits
        self._place = place
        self._settings = messages.encoded(settings)
        self._command = command
        self._process: Process | None = None
        self._deaths = 0
        self._died_at = -math.inf
        self._last_death: WorkerDied | None = None
        self._is_closed = False
        self._lock = Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The number of its process, if it has one; a later process has another."""
        return self._process.pid if self._process else None

    @property
    def resident(self) -> int:
        """Bytes of memory that its process took after its last answer."""
        return self._process.resident if self._process else 0

    def start(self) -> None:
        """Have the engine loaded, if it is not. `request` does so by itself.

        Raises what the loading raises, as `request` does.
        """
        self._attempted()

    def ready(self) -> None:
        """As `start`, but if the process dies while it loads, another one is tried, until it is given up."""
        self._prepared()

    def request(
        self, request: object, kind: type[Value], audio_s: float = 0.0, retries: int | None = None
    ) -> Iterator[Value]:
        """Each reply to `request`, of type `kind`, as it comes.

        audio_s: seconds of audio that the request is about; its processor time is limited by them
        retries: stands in for that of the limits; if such a request is lost, that does not count among `Limits.deaths`
        If the caller stops listening early, the rest is computed, and dropped, before the next request.
        Raises the SpeakkitError that the handler raised; WorkerBug for any other error in it; WorkerDied, WorkerHung
        or WorkerOutOfMemory if its process was lost; WorkerGivenUp if too many were; EngineError after `close`, or
        for a reply of another type; FrameError, before anything is sent, for a request that is too large.
        """
        for reply in self.replies(request, kind, audio_s, retries):
            if isinstance(reply, SpeakkitError | WorkerBug):
                raise reply
            yield reply

    def replies(
        self, request: object, kind: type[Value], audio_s: float = 0.0, retries: int | None = None
    ) -> Iterator[Value | SpeakkitError | WorkerBug]:
        """As `request`, but an error that one item of the request met comes in place of its reply."""
        for reply in self._answers(messages.encoded(request), self.limits.to_answer(audio_s), retries):
            yield self._decoded(reply, kind) if isinstance(reply, bytes) else reply

    def trust(self) -> None:
        """Forget all deaths."""
        self._deaths = 0

    def close(self) -> None:
        """End the process at once, whatever it is at. Nothing can be asked any more."""
        with self._lock:
            self._is_closed = True
            if self._process:
                self._process.kill()

    def _answers(self, request: bytes, allowance: Allowance, retries: int | None) -> Iterator[Answer]:
        for left in reversed(range(1 + (self.limits.retries if retries is None else retries))):
            is_replied = False
            process = self._prepared()
            try:
                for reply in process.ask(request, allowance):
                    is_replied = True
                    yield reply
            except WorkerDied as error:
                self._bury(error)
                if is_replied or not left:
                    self._deaths += retries is None
                    raise
            except (SpeakkitError, WorkerBug):
                self._deaths = 0
                raise
            else:
                self._deaths = 0
                return

    def _prepared(self) -> Process:
        while True:
            with suppress(WorkerDied):
                return self._attempted()

    def _attempted(self) -> Process:
        try:
            return self._loaded()
        except WorkerDied as error:
            self._bury(error)
            self._deaths += 1
            raise

    def _decoded(self, reply: bytes, kind: type[Value]) -> Value:
        try:
            return messages.decoded(reply, kind)
        except FrameError as error:
            raise EngineError(f"the worker of {self._place} answered what it should not: {error}") from error

    def _loaded(self) -> Process:
        """The process, its engine loaded: a fresh one, if there is none, if it died or takes too much memory."""
        if self._process:
            try:
                self._process.settle()
            except WorkerDied as error:
                self._bury(error)
        if self._process and self._is_too_large(self._process):
            self._drop()
        return self._process or self._started()

    def _started(self) -> Process:
        if self._deaths >= self.limits.deaths and time.monotonic() - self._died_at < WINDOW:
            raise WorkerGivenUp(f"{self._last_death}; it is given up, after {self._deaths} deaths in a row")
        process = self._spawned()
        is_loaded = False
        try:
            process.load(self._settings, self.limits.to_start)
            is_loaded = True
        finally:
            if not is_loaded:
                self._drop()
        if self._is_too_large(process):
            self._drop()
            raise EngineError(
                f"{self._place} takes {process.resident // 10**6} MB once loaded; allow its worker more memory"
            )
        return process

    def _spawned(self) -> Process:
        """A process that `close` knows of from its start."""
        with self._lock:
            if self._is_closed:
                raise self._closed()
            self._process = Process(self._place, self._command)
            return self._process

    def _is_too_large(self, process: Process) -> bool:
        return self.limits.rss_bytes is not None and process.resident > self.limits.rss_bytes

    def _bury(self, death: WorkerDied) -> None:
        """Remember a death, which after `close` is none. Raises EngineError then."""
        if self._is_closed:
            raise self._closed() from death
        self._died_at = time.monotonic()
        self._last_death = death
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            if self._process:
                self._process.kill()
            self._process = None

    def _closed(self) -> EngineError:
        return EngineError(f"the worker of {self._place} was closed before it answered")
