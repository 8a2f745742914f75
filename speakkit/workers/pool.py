"""Several workers of one kind, for bulk work: items go in, their outcomes come out in the same order.

Items are packed into requests. A request that fails as a whole, because its process died or its handler raised, is
asked again item by item. An item that ends its process alone, at each of its tries, is quarantined: that error is its
outcome, and the others go on.
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
"""Requests for each worker that may be under way, or answered and not asked for yet."""

Item = TypeVar("Item")
Value = TypeVar("Value")
Result = TypeVar("Result")


class Pool(Generic[Item, Value]):
    """A number of workers, each as `Worker`. Use it as a context manager, which loads them all, or `close` it.

    value: type of the result for one item
    workers: for callers that ask each in a thread of its own, by `each`; not while `map` is in use
    Raises BadValue for less than one.
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
        if count < 1:
            raise BadValue(f"{count} workers can do nothing; use 1 or more")
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

    def close(self) -> None:
        """End all processes at once, whatever they are at."""
        self._is_closed = True
        for worker in self.workers:
            worker.close()
        self._threads.shutdown()

    def each(self, act: Callable[[Worker], Result]) -> list[Future[Result]]:
        """Have `act` done with each worker, in a thread for each."""
        return [self._threads.submit(act, worker) for worker in self.workers]

    def sent(self, item: Item) -> object:
        """What of an item is sent to a process: all of it, unless a subclass says otherwise."""
        return item

    def map(
        self,
        items: Iterable[Item],
        *,
        most: float = 1.0,
        weight: Callable[[Item], float] = lambda _: 1.0,
        audio_s: Callable[[Item], float] = lambda _: 0.0,
    ) -> Iterator[Outcome[Item, Value]]:
        """The outcome of each item, in order. The handler takes a list of items.

        most: weight at which a request is full, in the unit of `weight`: by default, the number of its items
        audio_s: seconds of audio that an item is about; see `Limits`
        As many requests are taken ahead as AHEAD says. Raises what loading an engine raises, WorkerGivenUp if the
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

    def _given(self, future: Future[list[Outcome[Item, Value]]]) -> list[Outcome[Item, Value]]:
        outcomes = future.result()
        self._require_open()
        return outcomes

    def _require_open(self) -> None:
        if self._is_closed:
            raise EngineError("the workers were closed before all was answered")

    def _outcomes(self, items: list[Item], audio_s: Callable[[Item], float]) -> list[Outcome[Item, Value]]:
        """The outcomes of a request, in the thread of whichever worker is idle."""
        worker = self._idle.get()
        try:
            outcomes = self._asked(worker, items, audio_s)
            for item in items[len(outcomes) :]:
                outcomes += self._asked(worker, [item], audio_s)
        finally:
            self._idle.put(worker)
        return outcomes

    def _asked(self, worker: Worker, items: list[Item], audio_s: Callable[[Item], float]) -> list[Outcome[Item, Value]]:
        """The outcomes of one request; those of several items end where the request failed as a whole."""
        outcomes: list[Outcome[Item, Value]] = []
        is_alone = len(items) == 1
        request, retries = list(map(self.sent, items)), None if is_alone else 0
        self._ready(worker, audio_s)
        try:
            for reply in worker.replies(request, self._value, sum(map(audio_s, items)), retries):
                if len(outcomes) == len(items):
                    raise EngineError(f"the worker of {self._place} gave more answers than it was asked for")
                outcomes.append(self._outcome(items[len(outcomes)], reply))
            if is_alone and not outcomes:
                raise EngineError(f"the worker of {self._place} gave no answer")
        except WorkerGivenUp:
            raise
        except FrameError as error:
            return [Outcome(items[0], error=EngineError(f"cannot be sent: {error}"))] if is_alone else outcomes
        except (SpeakkitError, WorkerBug) as error:
            return [Outcome(items[0], error=error)] if is_alone else outcomes
        return outcomes

    def _outcome(self, item: Item, reply: Value | SpeakkitError | WorkerBug) -> Outcome[Item, Value]:
        if isinstance(reply, SpeakkitError | WorkerBug):
            return Outcome(item, error=reply)
        self._proven = item
        return Outcome(item, reply)

    def _ready(self, worker: Worker, audio_s: Callable[[Item], float]) -> None:
        """Have the engine loaded.

        If so many items in a row ended the process that the engine may be broken, an item that was answered before
        decides: if it is answered again, the items were at fault. Raises WorkerGivenUp if not, or if there is none.
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
