"""A worker: a process that holds an engine and answers requests, started afresh whenever it has to be."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Self

from speakkit.errors import EngineError, WorkerDied, WorkerGivenUp
from speakkit.workers.frames import Frame, JsonValue
from speakkit.workers.process import Process

WINDOW = 60.0
"""Seconds in which deaths are counted together."""


@dataclass(frozen=True)
class Limits:
    """What a worker may take.

    start_s: seconds to load its engine
    silence_s: seconds without a byte while it answers; after that it is held to hang
    rss_bytes: bytes of memory after an answer, beyond which a fresh process takes the next request; None: any
    retries: how often a request that its process died of is given to a fresh one, if nothing was replied to it yet
    deaths: how often its process may die within a minute
    """

    start_s: float = 300.0
    silence_s: float = 60.0
    rss_bytes: int | None = None
    retries: int = 1
    deaths: int = 3


LIMITS = Limits()


class Worker:
    """Answers requests in a process of its own. Use it as a context manager, or `close` it.

    place: "package.module:function" of a `child.Loader`, which the process imports and calls with `settings`
    One thread at a time may ask it; any thread may close it.
    """

    def __init__(self, place: str, settings: Mapping[str, JsonValue], limits: Limits = LIMITS) -> None:
        self.limits = limits
        self._place = place
        self._settings = settings
        self._process: Process | None = None
        self._deaths: deque[float] = deque(maxlen=limits.deaths)
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
        try:
            self._ready()
        except WorkerDied as error:
            self._bury(error)
            raise

    def request(self, frame: Frame, silence_s: float | None = None) -> Iterator[Frame]:
        """Each frame of the answer, as it comes. `silence_s` stands in for that of the limits.

        Who stops listening early leaves the rest to be computed, and dropped, before the next request.
        Raises the SpeakkitError that the handler raised; WorkerBug for any other error in it; WorkerDied, WorkerHung
        or WorkerOutOfMemory where its process was lost; WorkerGivenUp where too many were; EngineError after `close`;
        FrameError, before anything is sent, for a frame that is too large.
        """
        silence = self.limits.silence_s if silence_s is None else silence_s
        for left in reversed(range(self.limits.retries + 1)):
            is_replied = False
            try:
                for reply in self._ready().ask(frame, silence):
                    is_replied = True
                    yield reply
            except WorkerDied as error:
                self._bury(error)
                if is_replied or not left:
                    raise
            else:
                return

    def close(self) -> None:
        """End the process at once, whatever it is at. Nothing can be asked any more."""
        with self._lock:
            self._is_closed = True
            if self._process:
                self._process.kill()

    def _ready(self) -> Process:
        """The process, its engine loaded: a fresh one, if there is none, if it died or takes too much memory."""
        if self._process:
            try:
                self._process.settle(self.limits.silence_s)
            except WorkerDied as error:
                self._bury(error)
        if self._process and self._is_too_large(self._process):
            self._drop()
        return self._process or self._started()

    def _started(self) -> Process:
        now = time.monotonic()
        if len(self._deaths) == self.limits.deaths and now - self._deaths[0] < WINDOW:
            raise WorkerGivenUp(
                f"{self._last_death}; it is given up, after {len(self._deaths)} deaths in {now - self._deaths[0]:.0f} s"
            )
        process = self._spawned()
        is_loaded = False
        try:
            process.load(self._settings, self.limits.start_s)
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
            self._process = Process(self._place)
            return self._process

    def _is_too_large(self, process: Process) -> bool:
        return self.limits.rss_bytes is not None and process.resident > self.limits.rss_bytes

    def _bury(self, death: WorkerDied) -> None:
        """Count a death, which after `close` is none. Raises EngineError then."""
        if self._is_closed:
            raise self._closed() from death
        self._deaths.append(time.monotonic())
        self._last_death = death
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            if self._process:
                self._process.kill()
            self._process = None

    def _closed(self) -> EngineError:
        return EngineError(f"the worker of {self._place} was closed before it answered")
