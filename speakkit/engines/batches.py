"""Chunks of any number of callers, spoken in batches: which go together, and who waits for whom."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Condition
from typing import Protocol

from speakkit.audio import silence
from speakkit.engines.attempt import closed
from speakkit.engines.base import Synthesis
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk

AHEAD = 4
"""Batches' worth of chunks that a caller hands in before they are spoken, so that chunks of one length are found among
them; and how much more of them it hands in each time, from the first on, up to there."""


Spoken = Outcome[Chunk, Synthesis]


class Room(Protocol):
    """The memory that a batch is spoken in."""

    def seconds(self) -> float:
        """How much speech, padding included, it holds now."""

    def used(self, seconds: float) -> None:
        """Learn from a batch of so much speech that was spoken."""

    def exhausted(self, seconds: float) -> None:
        """Learn from a batch of so much speech that it did not hold, and free what can be freed."""

    def rest(self) -> None:
        """Nobody waits: give back what is kept for the next batch."""

    def is_exhausted(self, error: BaseException) -> bool:
        """Whether `error` means that there was not enough of it."""


class Batches:
    """Speaks the chunks of every caller, in as many threads as there are, with an engine that has one.

    The first chunk of a caller goes before all that others have in store: somebody may be waiting to hear it. Whoever
    waits while nobody speaks speaks the next batch, of whomever it is.
    """

    def __init__(
        self, engine: Identity, speak: Callable[[Sequence[Chunk]], Sequence[Spoken]], room: Room, most: int
    ) -> None:
        """`speak` speaks a batch, of at most `most` chunks with phonemes; it is never called twice at once."""
        self._engine, self._speak, self._room, self._most = engine, speak, room, most
        self._turn = Condition()
        self._speaking = False
        self._is_closed = False
        self._waiting: list[_Job] = []

    def close(self) -> None:
        """Fail the chunks that are not begun, and all later ones. Waits for the batch under way."""
        with self._turn:
            self._is_closed = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._speaking)

    def outcomes(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Spoken]:
        """The outcome for each chunk, in order. Chunks are asked for no further ahead than batches need.

        urgent: the first chunk is spoken before all that others have in store; else in a batch with those behind it
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
                    self._waiting += [job for job in new if not job.outcome]
                yield self._outcome(mine.popleft())
                ahead = min(ahead * AHEAD, most)
                new = list(islice(remaining, ahead - len(mine)))
                mine.extend(new)
        finally:
            with self._turn:
                self._waiting = [job for job in self._waiting if job not in mine]

    def _job(self, chunk: Chunk) -> "_Job":
        """The job of a chunk; done already if it has no phonemes."""
        if chunk.phonemes:
            return _Job(chunk)
        return _Job(chunk, outcome=Outcome(chunk, Synthesis(silence(0.0, self._engine.sample_rate), ())))

    def _outcome(self, job: "_Job") -> Spoken:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: job.outcome or self._is_closed or not self._speaking)
                if job.outcome:
                    return job.outcome
                if self._is_closed:
                    return Outcome(job.chunk, error=closed(self._engine.name))
                batch = self._taken()
                self._speaking = True
            try:
                for one, outcome in zip(batch, self._spoken([one.chunk for one in batch]), strict=True):
                    one.outcome = outcome
            finally:
                with self._turn:
                    self._speaking = False
                    self._waiting[:0] = [one for one in batch if not one.outcome]
                    if not self._waiting:
                        self._room.rest()
                    self._turn.notify_all()

    def _taken(self) -> list["_Job"]:
        """The next batch: with whoever waits longest go those whose length is next to theirs, while there is room."""
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

    def _spoken(self, chunks: Sequence[Chunk]) -> Sequence[Spoken]:
        seconds = len(chunks) * max(chunk.predicted for chunk in chunks)
        try:
            outcomes = self._speak(chunks)
        except (MemoryError, RuntimeError) as error:
            if not self._room.is_exhausted(error):
                raise
        else:
            self._room.used(seconds)
            return outcomes
        # Behind the except block, which would hold on to what the batch had in memory.
        self._room.exhausted(seconds)
        if len(chunks) == 1:
            failure = EngineError(f"there is not enough memory to speak {chunks[0].phonemes[:20]}...; free some of it")
            return [Outcome(chunks[0], error=failure)]
        half = len(chunks) // 2
        return [*self._spoken(chunks[:half]), *self._spoken(chunks[half:])]


@dataclass(eq=False)
class _Job:
    """A chunk, and what became of it as soon as that is known."""

    chunk: Chunk
    is_urgent: bool = False
    outcome: Spoken | None = None
