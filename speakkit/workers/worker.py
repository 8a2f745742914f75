"""Worker: a process that holds an engine and answers requests, and that is restarted whenever necessary."""

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
"""Seconds after its last death during which a given-up worker refuses requests. After that, one more is tried."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Limits:
    """Resource limits of a worker.

    start_s: seconds without progress while it loads its engine
    silence_s: seconds without progress while it answers; see `watchdog` for progress
    cpu_s, cpu_per_audio_s: seconds of CPU time per request, plus seconds per second of audio that it concerns
    start_cpu_s: seconds of CPU time to load its engine
    wall_s: seconds without a byte sent or received, whatever the process does
    rss_bytes: memory after an answer, in bytes, above which a fresh process takes the next request; None for no limit
    retries: how often a request that its process died of is given to a fresh process, if it has no reply yet
    deaths: maximum number of requests in a row, each after its retries, that end their process without one answered
        between; also the maximum number of deaths in a row while loading
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
        """The allowance for loading."""
        return Allowance(self.start_s, self.start_cpu_s, self.wall_s)

    def to_answer(self, audio_s: float) -> Allowance:
        """Return the allowance for a request that concerns `audio_s` seconds of audio."""
        return Allowance(self.silence_s, self.cpu_s + self.cpu_per_audio_s * audio_s, self.wall_s)


LIMITS = Limits()
"""Default limits."""


class Worker:
    """Answers requests in a process of its own. Use it as a context manager, or call `close`.

    Only one thread at a time may use it, but any thread may close it.

    limits: see `Limits`
    """

    def __init__(self, place: str, settings: object, limits: Limits = LIMITS, command: Sequence[str] = COMMAND) -> None:
        """Create the worker without starting its process.

        place: "package.module:function" of a loader (see `child`), which the process imports and calls with `settings`
        command: command that runs `speakkit.workers.child`, such as the Python of another virtual environment with its
            arguments
        """
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
        """The id of its current process; None if it has none."""
        return self._process.pid if self._process else None

    @property
    def resident(self) -> int:
        """Memory of its process after its last answer, in bytes; 0 if it has no process."""
        return self._process.resident if self._process else 0

    def start(self) -> None:
        """Load the engine if it is not loaded. `request` does so by itself.

        Raises what loading raises, as `request` does.
        """
        self._attempted()

    def ready(self) -> None:
        """Like `start`, but if the process dies while loading, try fresh ones until the worker is given up."""
        self._prepared()

    def request(
        self, request: object, kind: type[Value], audio_s: float = 0.0, retries: int | None = None
    ) -> Iterator[Value]:
        """Yield each reply to `request`, of type `kind`, as it arrives.

        audio_s: seconds of audio that the request concerns; they extend its CPU time limit
        retries: replaces `Limits.retries`; a request with it that is lost does not count towards `Limits.deaths`
        If the caller stops reading early, the remaining replies are still computed, and dropped before the next
        request.
        Raises the SpeakkitError that the handler raised; WorkerBug for any other error in it; WorkerDied, WorkerHung or
        WorkerOutOfMemory if its process was lost; WorkerGivenUp if too many were lost; EngineError after `close`, or
        for a reply of another type; FrameError, before anything is sent, if the request is too large.
        """
        for reply in self.replies(request, kind, audio_s, retries):
            if isinstance(reply, SpeakkitError | WorkerBug):
                raise reply
            yield reply

    def replies(
        self, request: object, kind: type[Value], audio_s: float = 0.0, retries: int | None = None
    ) -> Iterator[Value | SpeakkitError | WorkerBug]:
        """Like `request`, but yields the error of an item in place of its reply."""
        for reply in self._answers(messages.encoded(request), self.limits.to_answer(audio_s), retries):
            yield self._decoded(reply, kind) if isinstance(reply, bytes) else reply

    def trust(self) -> None:
        """Reset the count of deaths."""
        self._deaths = 0

    def close(self) -> None:
        """End the process at once, even during a request. Later requests fail."""
        with self._lock:
            self._is_closed = True
            if self._process:
                self._process.kill()

    def _answers(self, request: bytes, allowance: Allowance, retries: int | None) -> Iterator[Answer]:
        """Yield the answers to a request, retrying in a fresh process as the limits allow."""
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
        """Return the loaded process, starting fresh ones until one loads or the worker is given up."""
        while True:
            with suppress(WorkerDied):
                return self._attempted()

    def _attempted(self) -> Process:
        """Return the loaded process. Counts a death if it dies while loading."""
        try:
            return self._loaded()
        except WorkerDied as error:
            self._bury(error)
            self._deaths += 1
            raise

    def _decoded(self, reply: bytes, kind: type[Value]) -> Value:
        """Decode a reply. Raises EngineError if it is of another type."""
        try:
            return messages.decoded(reply, kind)
        except FrameError as error:
            raise EngineError(f"the worker of {self._place} sent an invalid reply: {error}") from error

    def _loaded(self) -> Process:
        """Return the process with its engine loaded; a fresh one if there is none, or it died or is too large."""
        if self._process:
            try:
                self._process.settle()
            except WorkerDied as error:
                self._bury(error)
        if self._process and self._is_too_large(self._process):
            self._drop()
        return self._process or self._started()

    def _started(self) -> Process:
        """Start a process and load its engine. Raises WorkerGivenUp after too many deaths in a row."""
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
        """Start a process under the lock, so that a concurrent `close` also kills it."""
        with self._lock:
            if self._is_closed:
                raise self._closed()
            self._process = Process(self._place, self._command)
            return self._process

    def _is_too_large(self, process: Process) -> bool:
        """Return whether a process exceeds `Limits.rss_bytes`."""
        return self.limits.rss_bytes is not None and process.resident > self.limits.rss_bytes

    def _bury(self, death: WorkerDied) -> None:
        """Record the death of the process.

        Raises EngineError after `close`, which kills the process itself.
        """
        if self._is_closed:
            raise self._closed() from death
        self._died_at = time.monotonic()
        self._last_death = death
        self._drop()

    def _drop(self) -> None:
        """Kill the process, if there is one."""
        with self._lock:
            if self._process:
                self._process.kill()
            self._process = None

    def _closed(self) -> EngineError:
        """Return the error for a request after `close`."""
        return EngineError(f"the worker of {self._place} was closed before it answered")
