"""Some instances that do the same at the same time: the workers of a pool, each driven by a thread of its own."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from types import TracebackType
from typing import Self

from speakkit.bench.messages import Facts, Read, Setup, Speak, Spoken, Work
from speakkit.errors import SpeakkitError
from speakkit.workers.pool import Pool
from speakkit.workers.worker import Limits, Worker

TICK = 0.2
"""Seconds between two reports."""

PLACE = "speakkit.bench.instance:load"
"""What a worker loads."""

LIMITS = Limits(start_s=600.0, silence_s=3600.0, cpu_s=math.inf, wall_s=math.inf, retries=0, deaths=1)
"""A long text takes its time on a slow machine; an instance that died is not replaced, but told of."""


class Member:
    """One instance as whoever drives it sees it.

    spoken: the requests that were done; ended: when the last of them was, by time.perf_counter
    cold_start: seconds from spawning the process to the first audio of its first request
    failure: why it does nothing any more
    """

    def __init__(self, number: int, worker: Worker, text: str) -> None:
        self.number = number
        self.worker = worker
        self.spoken: list[Spoken] = []
        self.ended = 0.0
        self.cold_start: float | None = None
        self.facts: Facts | None = None
        self.failure: SpeakkitError | None = None
        self._text = text

    def warm_up(self, work: Work) -> None:
        """Start the process, and have it do a request that is not counted."""
        began = time.perf_counter()
        for spoken in self._speak(work):
            self.cold_start = time.perf_counter() - began - (spoken.seconds - spoken.first_audio)

    def read(self) -> None:
        """The text alone, and what else the instance knows of itself."""
        for facts in self.worker.request(Read(self._text), Facts):
            self.facts = facts

    def speak(self, work: Work) -> None:
        """The requests that count."""
        for spoken in self._speak(work):
            self.spoken.append(spoken)
            self.ended = time.perf_counter()

    def _speak(self, work: Work) -> Iterator[Spoken]:
        return self.worker.request(Speak(self._text, work), Spoken)


class Crew:
    """Members who are started when they are first asked for something, and ended with its block, whatever they do."""

    def __init__(self, setup: Setup, count: int, text: str) -> None:
        self._pool: Pool[Speak, Spoken] = Pool(PLACE, setup, Spoken, count, LIMITS)
        self.members = [Member(number, worker, text) for number, worker in enumerate(self._pool.workers, 1)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    @property
    def pids(self) -> list[int]:
        """Of the processes."""
        return [pid for member in self.members if (pid := member.worker.pid)]

    def together(self, act: Callable[[Member], None], tell: Callable[[], None]) -> None:
        """Let each member that has not failed do `act`, all at once; one that fails leaves the others to their work.

        `tell` is called some times a second, in this thread.
        """
        members = {member.worker: member for member in self.members}

        def attempt(worker: Worker) -> None:
            member = members[worker]
            if member.failure:
                return
            try:
                act(member)
            except SpeakkitError as failure:
                member.failure = failure

        running = set(self._pool.each(attempt))
        while running:
            done, running = wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            tell()
