"""Chunks of any number of callers, spoken in batches: which go together, and who waits for whom."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Condition
from typing import Protocol

from speakkit.engines.base import Outcome
from speakkit.errors import EngineError
from speakkit.text.chunks import Chunk

AHEAD = 4
"""Batches' worth of chunks that a caller hands in before they are spoken, so that chunks of one length are found among
them; and how much more of them it hands in each time, from the first on, up to there."""


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

    def __init__(self, speak: Callable[[Sequence[Chunk]], Sequence[Outcome]], room: Room, most: int) -> None:
        """`speak` speaks a batch, of at most `most` chunks; it is never called twice at once."""
        self._speak, self._room, self._most = speak, room, most
        self._turn = Condition()
        self._speaking = False
        self._waiting: list[_Job] = []

    def outcomes(self, chunks: Iterable[Chunk]) -> Iterator[Outcome]:
        """What becomes of each chunk, in order. Chunks are asked for no further ahead than batches need."""
        remaining = (_Job(chunk) for chunk in chunks)
        mine: deque[_Job] = deque()
        ahead, most = 1, 1 if self._most == 1 else self._most * AHEAD
        try:
            for first in islice(remaining, 1):
                first.is_urgent = True
                mine.append(first)
            new = list(mine)
            while mine:
                with self._turn:
                    self._waiting += new
                yield self._outcome(mine.popleft())
                ahead = min(ahead * AHEAD, most)
                new = list(islice(remaining, ahead - len(mine)))
                mine.extend(new)
        finally:
            with self._turn:
                self._waiting = [job for job in self._waiting if job not in mine]

    def _outcome(self, job: "_Job") -> Outcome:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: job.outcome or not self._speaking)
                if job.outcome:
                    return job.outcome
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
        batch: list[_Job] = []
        longest = 0.0
        for job in sorted(ranked, key=lambda job: abs(job.chunk.predicted - first.chunk.predicted)):
            longest = max(longest, job.chunk.predicted)
            if batch and (len(batch) == self._most or longest * (len(batch) + 1) > room):
                break
            batch.append(job)
        self._waiting = [job for job in self._waiting if job not in batch]
        return batch

    def _spoken(self, chunks: Sequence[Chunk]) -> Sequence[Outcome]:
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
            return [EngineError(f"there is not enough memory to speak {chunks[0].phonemes[:20]}...; free some of it")]
        half = len(chunks) // 2
        return [*self._spoken(chunks[:half]), *self._spoken(chunks[half:])]


@dataclass(eq=False)
class _Job:
    """A chunk, and what became of it as soon as that is known."""

    chunk: Chunk
    is_urgent: bool = False
    outcome: Outcome | None = None
