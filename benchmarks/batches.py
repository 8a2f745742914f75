"""What batches cost and gain on this device, and how time grows with the length of a text.

    python benchmarks/batches.py [DEVICE [CHUNKS [MOST]]]   # auto, 24, 100 by default; tests/data/alice29.txt, voice f1

Each row is a process of its own, so that its peak of memory is its own. The first table speaks the same chunks in
batches of 1, 2, 4, ...; "padding" is the share of a batch's frames that is nobody's. The second speaks 1, 10,
100 and 400 chunks as speakkit does by default, up to MOST of them, in seconds for each.
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

from speakkit.engines import registry
from speakkit.engines.batches import Spoken
from speakkit.engines.kokoro import Kokoro
from speakkit.text.chunks import Chunk

lent = ExitStack()
"""Engines that are borrowed for as long as this script runs."""


@dataclass(frozen=True)
class Row:
    """One run: seconds of the clock and of audio, bytes at the peak over those before, and the share of padding."""

    took: float
    audio: float
    peak: int
    padding: float


def spoken(plan: Sequence[Chunk], device: str, batch: int | None) -> Row:
    """Speak the plan once, behind a first chunk that is not counted."""
    engine = lent.enter_context(registry.synthesizer("kokoro", device, batch))
    assert isinstance(engine, Kokoro)
    list(engine.synthesize(plan[:1]))
    frames: list[list[int]] = []
    speak = engine._batches._speak  # noqa: SLF001  to see the batches

    def watched(batch_of: Sequence[Chunk]) -> Sequence[Spoken]:
        outcomes = speak(batch_of)
        frames.append([sum(one.result().durations) for one in outcomes])
        return outcomes

    engine._batches._speak = watched  # noqa: SLF001
    before = memory(device)
    start = time.perf_counter()
    audio = sum(one.result().audio.duration for one in engine.synthesize(plan))
    took = time.perf_counter() - start
    padded = sum(len(each) * max(each) for each in frames)
    return Row(took, audio, memory(device) - before, 1 - sum(map(sum, frames)) / padded)


def memory(device: str) -> int:
    """Bytes at the peak: of the GPU, or of the process."""
    import torch  # noqa: PLC0415  the parent needs none of it

    if device != "cpu" and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def run(plan: Sequence[Chunk], device: str, batch: int | None) -> Row:
    """`spoken`, in a process of its own."""
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
    main(*sys.argv[1:])
