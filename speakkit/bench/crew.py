"""Run several bench instances at the same time: the workers of a pool, each driven by its own thread."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from types import TracebackType
from typing import Self

import psutil

from speakkit.bench.messages import Facts, Read, Setup, Speak, Spoken, Work
from speakkit.errors import SpeakkitError
from speakkit.workers.pool import Pool
from speakkit.workers.worker import Limits, Worker

TICK = 0.2
"""Seconds between two progress reports."""

PLACE = "speakkit.bench.instance:load"
"""The function that a worker process loads, as module:function."""

LIMITS = Limits(start_s=600.0, silence_s=3600.0, cpu_s=math.inf, wall_s=math.inf, retries=0, deaths=1)
"""Limits of the workers. A long text may take long on a slow machine; a dead instance is reported, not replaced."""


class Member:
    """One instance, and what was measured on it.

    number: from 1
    worker: its process
    spoken: the completed requests that count
    ended: when the last of them was completed, in seconds of time.perf_counter
    cold_start: seconds from spawning the process to the first audio of its first request
    facts: properties of the instance, once `read` was called
    failure: the error after which it does nothing more
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
        """Start the process, and run a request that is not counted."""
        began = time.perf_counter()
        for spoken in self._speak(work):
            self.cold_start = time.perf_counter() - began - (spoken.seconds - spoken.first_audio)

    def read(self) -> None:
        """Set `facts`: properties of the instance, and the time of its text processing alone."""
        for facts in self.worker.request(Read(self._text), Facts):
            self.facts = facts

    def speak(self, work: Work) -> None:
        """Run the requests that count."""
        for spoken in self._speak(work):
            self.spoken.append(spoken)
            self.ended = time.perf_counter()

    def _speak(self, work: Work) -> Iterator[Spoken]:
        return self.worker.request(Speak(self._text, work), Spoken)


def _children(pid: int) -> list[psutil.Process]:
    """The descendants of a process; none if it has ended."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


class Crew:
    """A group of instances. They are started on their first request, and ended at the end of the `with` block.

    members: the instances
    """

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
        """Process ids of the running instances, and of the processes in which they speak."""
        own = [pid for member in self.members if (pid := member.worker.pid)]
        return [*own, *(child.pid for pid in own for child in _children(pid))]

    def together(self, act: Callable[[Member], None], tell: Callable[[], None]) -> None:
        """Run `act` on all members that have not failed, at the same time. A failure does not stop the others.

        tell: called several times a second in this thread, to report progress
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
