"""Measure the cost and gain of batches on this device, and how time grows with the length of a text.

    python benchmarks/batches.py [DEVICE [CHUNKS [MOST]]]   # auto, 24, 100 by default; tests/data/alice29.txt, voice f1

Each row runs in its own process, so that its peak of memory is measured separately. For the first table, the same
chunks are synthesized in batches of 1, 2, 4, ...; "padding" is the share of a batch's frames that are padding. For the
second table, 1, 10, 100 and 400 chunks, up to MOST, are synthesized with speakkit's default batches.
"""

import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context

from book import book_chunks

from speakkit import config
from speakkit.engines import locations, registry
from speakkit.engines.batches import Fetch, Spoken
from speakkit.engines.kokoro import Kokoro
from speakkit.text.chunks import Chunk

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


@dataclass(frozen=True)
class Row:
    """The measurements of one run.

    took: seconds of wall time
    audio: seconds of audio
    peak: bytes of peak memory, above the peak before the run
    padding: share of the frames that are padding, 0 to 1
    """

    took: float
    audio: float
    peak: int
    padding: float


def spoken(plan: Sequence[Chunk], device: str, batch: int | None) -> Row:
    """Synthesize the plan once, after a first chunk that is not counted."""
    engine = lent.enter_context(registry.synthesizer("kokoro", device, batch))
    assert isinstance(engine, Kokoro)
    list(engine.synthesize(plan[:1]))
    frames: list[list[int]] = []
    speak = engine._batches._speak  # noqa: SLF001  to record the batches

    def watched(batch_of: Sequence[Chunk]) -> Fetch:
        fetch = speak(batch_of)

        def fetched() -> Sequence[Spoken]:
            outcomes = fetch()
            frames.append([sum(one.result().durations) for one in outcomes])
            return outcomes

        return fetched

    engine._batches._speak = watched  # noqa: SLF001
    before = memory(device)
    start = time.perf_counter()
    audio = sum(one.result().audio.duration for one in engine.synthesize(plan))
    took = time.perf_counter() - start
    padded = sum(len(each) * max(each) for each in frames)
    return Row(took, audio, memory(device) - before, 1 - sum(map(sum, frames)) / padded)


def memory(device: str) -> int:
    """Peak memory in bytes: of the GPU, or of the process."""
    import torch  # noqa: PLC0415  the parent does not need it

    if device != "cpu" and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def run(plan: Sequence[Chunk], device: str, batch: int | None) -> Row:
    """The result of `spoken`, run in a new process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(spoken, plan, device, batch).result()


def main(device: str = "auto", count: str | int = 24, most: str | int = 100) -> None:
    """Print the tables."""
    count, most = int(count), int(most)
    book = book_chunks(max(count, most))
    plan = book[:count]
    print(f"{count} chunks on {device}\n")
    print("| batch | audio s / s | ratio to 1 | padding % | peak MiB more |\n|---|---|---|---|---|", flush=True)
    base = 0.0
    for batch in (1, 2, 4, 8, 16, 32, 64, 128):
        if batch > count:
            break
        row = run(plan, device, batch)
        rate = row.audio / row.took
        base = base or rate
        print(f"| {batch} | {rate:.2f} | {rate / base:.2f} | {100 * row.padding:.0f} | {row.peak >> 20} |", flush=True)
    print("\n| chunks | seconds | audio s | audio s / s |\n|---|---|---|---|", flush=True)
    for many in (1, 10, 100, 400):
        if many <= most:
            row = run(book[:many], device, None)
            print(f"| {many} | {row.took:.2f} | {row.audio:.1f} | {row.audio / row.took:.2f} |", flush=True)


if __name__ == "__main__":
    locations.use(config.locations)
    main(*sys.argv[1:])
