"""Batching of chunks from any number of callers: which chunks form a batch, and in which order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Condition, Lock
from typing import Protocol

from speakkit.audio import silence
from speakkit.engines.attempt import closed
from speakkit.engines.base import Synthesis
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk

AHEAD = 4
"""Look-ahead. A caller enqueues up to AHEAD batches' worth of chunks before they are synthesized, so that chunks of
similar length can be batched. Its look-ahead also grows by this factor each time, from the first chunk up to that
limit."""


Spoken = Outcome[Chunk, Synthesis]

Fetch = Callable[[], Sequence[Spoken]]
"""Waits for a batch that was begun, and returns the outcomes of its chunks. It may be called in any thread, once."""


class Room(Protocol):
    """Memory budget for a batch, measured in seconds of speech."""

    def seconds(self) -> float:
        """Return how many seconds of speech, padding included, fit into memory now."""

    def used(self, seconds: float) -> None:
        """Update the estimate after a batch of `seconds` of speech succeeded."""

    def exhausted(self, seconds: float) -> None:
        """Update the estimate after a batch of `seconds` of speech ran out of memory, and free what can be freed."""

    def rest(self) -> None:
        """Release the memory kept for the next batch. Called when no chunk is waiting."""

    def is_exhausted(self, error: BaseException) -> bool:
        """Return whether `error` means that memory ran out."""


class Batches:
    """Synthesizes the chunks of all callers in batches, with an engine that runs one batch at a time.

    Each caller runs `outcomes` in its own thread. A caller's first urgent chunk goes before all other waiting chunks,
    because a listener may be waiting for it. A caller that waits while no batch is begun begins the next batch itself,
    whichever caller the chunks belong to. A caller that is not urgent begins one more before it fetches the outcomes of
    a batch, so that a GPU computes while their samples are copied, converted and written.
    """

    def __init__(self, engine: Identity, speak: Callable[[Sequence[Chunk]], Fetch], room: Room, most: int) -> None:
        """Create the batcher.

        engine: identity of the engine
        speak: begins to synthesize a batch, which may go on after it has returned; never called concurrently
        room: memory budget for a batch
        most: maximum number of chunks with phonemes in a batch
        """
        self._engine, self._speak, self._room, self._most = engine, speak, room, most
        self._turn = Condition()
        self._speaking = False
        self._is_closed = False
        self._waiting: list[_Job] = []

    def close(self) -> None:
        """Fail all chunks that are not in a batch that was begun, and all later ones. Waits while a batch is begun."""
        with self._turn:
            self._is_closed = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._speaking)

    def outcomes(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Spoken]:
        """Yield the outcome of each chunk, in order. `chunks` is read no further ahead than batching needs.

        urgent: the first chunk is synthesized before all waiting chunks of other callers, and outcomes are yielded as
            soon as possible; if false, it is synthesized in a batch with the chunks that follow it, and the next batch
            is begun first
        """
        remaining = map(self._job, chunks)
        mine: deque[_Job] = deque()
        most = 1 if self._most == 1 else self._most * AHEAD
        ahead = 1 if urgent else most
        try:
            mine.extend(islice(remaining, ahead))
            for job in islice(mine, int(urgent)):
                job.is_urgent = True
            new = list(mine)
            while mine:
                with self._turn:
                    self._waiting += [job for job in new if not job.batch]
                job = mine.popleft()
                self._begin(job)
                if not (urgent or self._most == 1 or job.is_fetched):
                    for following in islice((one for one in mine if not one.batch), 1):
                        self._begin(following)
                yield job.outcome()
                ahead = min(ahead * AHEAD, most)
                new = list(islice(remaining, ahead - len(mine)))
                mine.extend(new)
        finally:
            with self._turn:
                self._waiting = [job for job in self._waiting if job not in mine]

    def _job(self, chunk: Chunk) -> "_Job":
        """Return the job for a chunk. A chunk without phonemes is done already."""
        if chunk.phonemes:
            return _Job(chunk)
        nothing = Outcome(chunk, Synthesis(silence(0.0, self._engine.sample_rate), ()))
        return _Job(chunk, batch=_Batch(lambda: [nothing]))

    def _begin(self, job: "_Job") -> None:
        """Wait until the batch of `job` was begun. Begin batches in this thread while no other thread does."""
        while True:
            with self._turn:
                self._turn.wait_for(lambda: job.batch or self._is_closed or not self._speaking)
                if job.batch:
                    return
                if self._is_closed:
                    job.batch = _Batch(lambda: [Outcome(job.chunk, error=closed(self._engine.name))])
                    return
                jobs = self._taken()
                self._speaking = True
            try:
                batch = _Batch(self._begun([one.chunk for one in jobs]))
                for place, one in enumerate(jobs):
                    one.batch, one.place = batch, place
            finally:
                with self._turn:
                    self._speaking = False
                    self._waiting[:0] = [one for one in jobs if not one.batch]
                    if not self._waiting:
                        self._room.rest()
                    self._turn.notify_all()

    def _taken(self) -> list["_Job"]:
        """Take the next batch from the waiting jobs.

        The batch holds the longest-waiting job and the jobs closest to it in length, as far as memory allows. Urgent
        jobs go first. All jobs of a batch have the same thread count.
        """
        ranked = [job for job in self._waiting if job.is_urgent] or self._waiting
        first, room = ranked[0], self._room.seconds()
        alike = (job for job in ranked if job.chunk.threads == first.chunk.threads)
        batch: list[_Job] = []
        longest = 0.0
        for job in sorted(alike, key=lambda job: abs(job.chunk.predicted - first.chunk.predicted)):
            longest = max(longest, job.chunk.predicted)
            if batch and (len(batch) == self._most or longest * (len(batch) + 1) > room):
                break
            batch.append(job)
        self._waiting = [job for job in self._waiting if job not in batch]
        return batch

    def _begun(self, chunks: Sequence[Chunk]) -> Fetch:
        """Begin a batch. If memory runs out, split it in two and try again."""
        seconds = len(chunks) * max(chunk.predicted for chunk in chunks)
        try:
            fetch = self._speak(chunks)
        except (MemoryError, RuntimeError) as error:
            if not self._room.is_exhausted(error):
                raise
        else:
            self._room.used(seconds)
            return fetch
        # Outside the except block, because inside it the traceback would keep the batch's tensors in memory.
        self._room.exhausted(seconds)
        if len(chunks) == 1:
            failure = EngineError(f"there is not enough memory to speak {chunks[0].phonemes[:20]}...; free some of it")
            return lambda: [Outcome(chunks[0], error=failure)]
        half = len(chunks) // 2
        halves = self._begun(chunks[:half]), self._begun(chunks[half:])
        return lambda: [spoken for fetch in halves for spoken in fetch()]


class _Batch:
    """A batch that was begun, and the outcomes of its chunks once one of its callers has fetched them.

    is_fetched: whether that was done
    """

    def __init__(self, fetch: Fetch) -> None:
        self.is_fetched = False
        self._fetch = fetch
        self._lock = Lock()

    def outcomes(self) -> Sequence[Spoken]:
        """Return the outcomes in the order of the chunks. Waits for them, and raises the error of an engine's bug."""
        with self._lock:
            if not self.is_fetched:
                outcomes = self._fetch()
                self._fetch, self.is_fetched = (lambda: outcomes), True
            return self._fetch()


@dataclass(eq=False)
class _Job:
    """A chunk, with its batch once that was begun.

    is_urgent: synthesize it before all jobs that are not urgent
    place: its place in its batch
    """

    chunk: Chunk
    is_urgent: bool = False
    batch: _Batch | None = None
    place: int = 0

    @property
    def is_fetched(self) -> bool:
        """Whether the outcomes of its batch were fetched."""
        return self.batch is not None and self.batch.is_fetched

    def outcome(self) -> Spoken:
        """Return its outcome, once its batch was begun."""
        assert self.batch
        return self.batch.outcomes()[self.place]
