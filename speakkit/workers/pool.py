"""Pool of equal workers for bulk work: takes items, and yields their outcomes in the same order.

Items are packed into requests. If a request fails as a whole, because its process died or its handler raised, its items
are requested again one by one. An item that ends its process by itself, on each of its tries, is quarantined: the error
becomes its outcome, and the other items continue.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar

from speakkit.errors import BadValue, EngineError, SpeakkitError, WorkerBug, WorkerGivenUp
from speakkit.outcome import Outcome
from speakkit.workers.frames import FrameError
from speakkit.workers.process import COMMAND
from speakkit.workers.worker import LIMITS, Limits, Worker

AHEAD = 3
"""Maximum requests per worker that are running, or answered but not yet read."""

Item = TypeVar("Item")
Value = TypeVar("Value")
Result = TypeVar("Result")


class Pool(Generic[Item, Value]):
    """A number of workers, see `Worker`.

    Use it as a context manager, which loads all engines, or call `close`.

    workers: for callers that use each worker in its own thread, via `each`; not while `map` is running
    """

    def __init__(
        self,
        place: str,
        settings: object,
        value: type[Value],
        count: int,
        limits: Limits = LIMITS,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Create the workers without starting them.

        place, settings, limits, command: see `Worker`
        value: type of the result for one item
        count: number of workers
        Raises BadValue if `count` is less than 1.
        """
        if count < 1:
            raise BadValue(f"cannot run {count} workers; use 1 or more")
        self.workers = tuple(Worker(place, settings, limits, command) for _ in range(count))
        self._place = place
        self._value = value
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._proven: Item | None = None
        self._is_closed = False
        for worker in self.workers:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        is_started = False
        try:
            for future in self.each(Worker.start):
                future.result()
            is_started = True
        finally:
            if not is_started:
                self.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to load all engines, and return at once. An error in loading is raised by `map`, which loads again."""
        for _ in self.workers:
            self._threads.submit(self._started)

    def close(self) -> None:
        """End all processes at once, even during a request."""
        self._is_closed = True
        for worker in self.workers:
            worker.close()
        self._threads.shutdown()

    def each(self, act: Callable[[Worker], Result]) -> list[Future[Result]]:
        """Run `act` with each worker, each in its own thread."""
        return [self._threads.submit(act, worker) for worker in self.workers]

    def sent(self, item: Item) -> object:
        """Return what is sent to a process for an item: the item itself, unless a subclass overrides this."""
        return item

    def map(
        self,
        items: Iterable[Item],
        *,
        most: float = 1.0,
        weight: Callable[[Item], float] = lambda _: 1.0,
        audio_s: Callable[[Item], float] = lambda _: 0.0,
    ) -> Iterator[Outcome[Item, Value]]:
        """Yield the outcome of each item, in order. The handler must take a list of items.

        most: weight at which a request is full, in the unit of `weight`; by default, the number of its items
        weight: weight of an item
        audio_s: seconds of audio that an item concerns; see `Limits`
        Reads up to AHEAD requests per worker ahead. Raises whatever loading an engine raises, WorkerGivenUp if the
        engine is broken, and EngineError after `close`.
        """
        ahead: deque[Future[list[Outcome[Item, Value]]]] = deque()
        try:
            for batch in _batches(items, most, weight):
                self._require_open()
                ahead.append(self._threads.submit(self._outcomes, batch, audio_s))
                while ahead and (ahead[0].done() or len(ahead) >= AHEAD * len(self.workers)):
                    yield from self._given(ahead.popleft())
            while ahead:
                yield from self._given(ahead.popleft())
        finally:
            for future in ahead:
                future.cancel()

    def _started(self) -> None:
        """Load the engine of the next idle worker."""
        worker = self._idle.get()
        try:
            worker.ready()
        finally:
            self._idle.put(worker)

    def _given(self, future: Future[list[Outcome[Item, Value]]]) -> list[Outcome[Item, Value]]:
        """Wait for the outcomes of a request. Raises EngineError after `close`."""
        outcomes = future.result()
        self._require_open()
        return outcomes

    def _require_open(self) -> None:
        """Raises EngineError after `close`."""
        if self._is_closed:
            raise EngineError("the workers were closed before all items were done")

    def _outcomes(self, items: list[Item], audio_s: Callable[[Item], float]) -> list[Outcome[Item, Value]]:
        """Return the outcomes of the items of a request, from the next idle worker."""
        worker = self._idle.get()
        try:
            outcomes = self._asked(worker, items, audio_s)
            for item in items[len(outcomes) :]:
                outcomes += self._asked(worker, [item], audio_s)
        finally:
            self._idle.put(worker)
        return outcomes

    def _asked(self, worker: Worker, items: list[Item], audio_s: Callable[[Item], float]) -> list[Outcome[Item, Value]]:
        """Return the outcomes of one request. With several items, they end where the request failed as a whole."""
        outcomes: list[Outcome[Item, Value]] = []
        is_alone = len(items) == 1
        request, retries = list(map(self.sent, items)), None if is_alone else 0
        self._ready(worker, audio_s)
        try:
            for reply in worker.replies(request, self._value, sum(map(audio_s, items)), retries):
                if len(outcomes) == len(items):
                    raise EngineError(f"the worker of {self._place} sent more replies than it was given items")
                outcomes.append(self._outcome(items[len(outcomes)], reply))
            if is_alone and not outcomes:
                raise EngineError(f"the worker of {self._place} sent no reply")
        except WorkerGivenUp:
            raise
        except FrameError as error:
            return [Outcome(items[0], error=EngineError(f"cannot be sent: {error}"))] if is_alone else outcomes
        except (SpeakkitError, WorkerBug) as error:
            return [Outcome(items[0], error=error)] if is_alone else outcomes
        return outcomes

    def _outcome(self, item: Item, reply: Value | SpeakkitError | WorkerBug) -> Outcome[Item, Value]:
        """Return the outcome for a reply, and remember the item if it succeeded."""
        if isinstance(reply, SpeakkitError | WorkerBug):
            return Outcome(item, error=reply)
        self._proven = item
        return Outcome(item, reply)

    def _ready(self, worker: Worker, audio_s: Callable[[Item], float]) -> None:
        """Ensure that the engine is loaded.

        If so many items in a row ended the process that the engine may be broken, an item that succeeded before is
        tried again. If it succeeds, the items were at fault. Raises WorkerGivenUp if it fails, or if no item has
        succeeded yet.
        """
        try:
            worker.ready()
        except WorkerGivenUp as error:
            if self._proven is None:
                raise
            worker.trust()
            try:
                list(worker.request([self.sent(self._proven)], self._value, audio_s(self._proven), retries=0))
            except (SpeakkitError, WorkerBug):
                raise error from None


def _batches(items: Iterable[Item], most: float, weight: Callable[[Item], float]) -> Iterator[list[Item]]:
    """Yield the items in lists of at least the weight `most`; the last one may be lighter."""
    batch: list[Item] = []
    held = 0.0
    for item in items:
        batch.append(item)
        held += weight(item)
        if held >= most:
            yield batch
            batch, held = [], 0.0
    if batch:
        yield batch
