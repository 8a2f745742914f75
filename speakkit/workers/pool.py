"""Several workers of one kind, for bulk work: requests go in, answers come out in their order."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from speakkit.errors import BadValue, EngineError, SpeakkitError, WorkerBug, WorkerGivenUp
from speakkit.workers.frames import Frame, JsonValue
from speakkit.workers.worker import LIMITS, Limits, Worker

AHEAD = 3
"""Requests for each worker that may be under way, or answered and not asked for yet."""


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    replies: its frames; where it failed, those that came before
    error: why it failed
    """

    replies: tuple[Frame, ...]
    error: SpeakkitError | WorkerBug | None = None


class Workers:
    """So many workers, each as `Worker`. Use it as a context manager.

    workers: themselves, for callers that ask each in a thread of its own; not while `map` is in use
    Raises BadValue for less than one.
    """

    def __init__(self, count: int, place: str, settings: Mapping[str, JsonValue], limits: Limits = LIMITS) -> None:
        if count < 1:
            raise BadValue(f"{count} workers can do nothing; use 1 or more")
        self.workers = tuple(Worker(place, settings, limits) for _ in range(count))
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._is_closed = False
        for worker in self.workers:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        is_started = False
        try:
            list(self._threads.map(Worker.start, self.workers))
            is_started = True
        finally:
            if not is_started:
                self.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes at once, whatever they are at."""
        self._is_closed = True
        for worker in self.workers:
            worker.close()
        self._threads.shutdown()

    def map(self, requests: Iterable[Frame]) -> Iterator[Answer]:
        """The answer to each request, in their order; so many are taken ahead as AHEAD says.

        A request that fails is an answer too. Raises WorkerGivenUp, for then others would fail alike, and
        EngineError after `close`.
        """
        ahead: deque[Future[Answer]] = deque()
        try:
            for request in requests:
                self._require_open()
                ahead.append(self._threads.submit(self._answer, request))
                while ahead and (ahead[0].done() or len(ahead) >= AHEAD * len(self.workers)):
                    yield self._given(ahead.popleft())
            while ahead:
                yield self._given(ahead.popleft())
        finally:
            for future in ahead:
                future.cancel()

    def _given(self, future: Future[Answer]) -> Answer:
        answer = future.result()
        self._require_open()
        return answer

    def _require_open(self) -> None:
        if self._is_closed:
            raise EngineError("the workers were closed before all was answered")

    def _answer(self, request: Frame) -> Answer:
        worker = self._idle.get()
        replies: list[Frame] = []
        try:
            replies.extend(worker.request(request))
        except WorkerGivenUp:
            raise
        except (SpeakkitError, WorkerBug) as error:
            return Answer(tuple(replies), error)
        finally:
            self._idle.put(worker)
        return Answer(tuple(replies))
