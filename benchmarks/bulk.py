"""Measure bulk work on a CPU: one process of all threads, and one process of one thread for each core.

    python benchmarks/bulk.py [CHUNKS [PROCESSES ...]]      # 24 chunks; 1, 2, ... up to the cores by default

Each row has its own worker processes. All stay loaded, and speak the same chunks of tests/data/alice29.txt in turn, a
few at a time, with the order rotated, after some that are not counted. Prints each row's rate, its ratio to one process
of all threads (over all chunks, and the median over turns), the time until the first chunk from the start of the
processes, which load side by side but for the first row, and the peak memory of the processes together. Fails if the
samples of rows with equal thread counts differ.
"""

import hashlib
import re
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from book import book_chunks

from speakkit import config
from speakkit.engines import locations, registry
from speakkit.engines.pool import PooledSynthesizer
from speakkit.text.chunks import Chunk

TURN = 2
"""Chunks per process of the largest row in a turn."""


@dataclass
class Row:
    """The processes of a row, and what was measured on them.

    first: seconds from the start of the processes to the first chunk
    took: seconds of each turn
    """

    pool: PooledSynthesizer
    threads: int
    first: float = 0.0
    audio: float = 0.0
    took: list[float] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def name(self) -> str:
        """For the table."""
        return f"{len(self.pool.workers)} x {self.threads}"

    def start(self, chunk: Chunk) -> None:
        """Start the processes, and speak a chunk with each, which is not counted."""
        began = time.perf_counter()
        self.pool.start()
        warm_up = self.pool.synthesize([replace(chunk, threads=self.threads)] * len(self.pool.workers))
        next(warm_up).result()
        self.first = time.perf_counter() - began
        list(warm_up)

    def speak(self, plan: list[Chunk]) -> None:
        """Speak the chunks of a turn."""
        began = time.perf_counter()
        for one in self.pool.synthesize(replace(chunk, threads=self.threads) for chunk in plan):
            self.audio += one.result().audio.duration
            self.digest.update(one.result().audio.samples.tobytes())
        self.took.append(time.perf_counter() - began)

    @property
    def peak_mb(self) -> float:
        """Peak resident memory of the processes together, in megabytes."""
        return sum(peak_mb(worker.pid) for worker in self.pool.workers if worker.pid)


def peak_mb(pid: int) -> float:
    """Peak resident memory of a process, in megabytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024 / 1e6


def main(count: int = 24, *processes: int) -> None:
    """Print the table."""
    locations.use(config.locations)
    cores = registry.threads()
    kinds = [(1, cores), *((each, 1) for each in processes or range(1, cores + 1))]
    plan = book_chunks(count)
    turn = TURN * max(many for many, _ in kinds)
    with ExitStack() as ending:
        rows = [Row(ending.enter_context(registry.pooled_synthesizer(many)), threads) for many, threads in kinds]
        for row in rows:
            row.start(plan[0])
        for number, start in enumerate(range(0, len(plan), turn)):
            shift = number % len(rows)
            for row in (*rows[shift:], *rows[:shift]):
                row.speak(plan[start : start + turn])
        print(f"{count} chunks, {rows[0].audio:.0f} s of audio, {cores} threads by default\n")
        print("| processes x threads | audio s / s | ratio | median ratio by turn | first chunk s | peak MB |")
        print("|---|---|---|---|---|---|")
        base = rows[0].took
        for row in rows:
            by_turn = statistics.median(a / b for a, b in zip(base, row.took, strict=True))
            rate, ratio = row.audio / sum(row.took), sum(base) / sum(row.took)
            print(f"| {row.name} | {rate:.2f} | {ratio:.2f} | {by_turn:.2f} | {row.first:.1f} | {row.peak_mb:.0f} |")
        assert len({row.digest.digest() for row in rows if row.threads == 1}) == 1, "samples differ"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
