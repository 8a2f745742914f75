"""Measure audio seconds per second on this CPU: speakkit's Kokoro engine and others, on the same chunks.

    OMP_NUM_THREADS=1 python benchmarks/throughput.py [CHUNKS]      # 20 by default, of tests/data/alice29.txt, voice f1

The others are the plain kokoro loop, and those of `others`. All use the same number of threads. Each engine synthesizes
each chunk once; the engines alternate, and chunks differ in length, as in real use. Prints each engine's rate, and its
ratio to the plain loop: over all chunks, and as the median of the ratios by chunk.
"""

import statistics
import sys
import time
from contextlib import ExitStack

import others
import torch
from book import book_chunks, plain_kokoro
from others import Speak

from speakkit import config
from speakkit.engines import hub, locations, registry
from speakkit.engines.base import Synthesizer
from speakkit.engines.device import convolution_dtype
from speakkit.engines.kokoro import Kokoro
from speakkit.text.chunks import Chunk

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


def by(engine: Synthesizer) -> Speak:
    """The synthesis of a chunk by one of speakkit's engines."""

    def speak(chunk: Chunk) -> float:
        return next(engine.synthesize([chunk])).result().audio.duration

    return speak


def main(count: int) -> None:
    """Print the table."""
    cpu, weights, threads = torch.device("cpu"), hub.ensure("kokoro"), torch.get_num_threads()
    engines: dict[str, Speak] = {
        "upstream": by(lent.enter_context(registry.synthesizer("upstream", "cpu"))),
        "onnxruntime, int8": others.int8(threads),
        "float32, plain convolutions": by(plain_kokoro()),
        "float32": by(Kokoro(weights, cpu, torch.float32)),
    }
    if convolution_dtype(cpu) == torch.bfloat16:  # elsewhere it is emulated
        engines["bfloat16"] = by(Kokoro(weights, cpu, torch.bfloat16))
    for name, made in (("kokoro-onnx", others.kokoro_onnx), ("fastkokoro", others.fastkokoro)):
        if speak := made(threads):
            engines[f"{name}, float32"] = speak
    plan = book_chunks(count)
    for speak in engines.values():
        speak(plan[0])
    took: dict[str, list[float]] = {name: [] for name in engines}
    audio = 0.0
    for i, chunk in enumerate(plan):
        names = list(engines)[i % len(engines) :] + list(engines)[: i % len(engines)]
        for name in names:
            start = time.perf_counter()
            duration = engines[name](chunk)
            took[name].append(time.perf_counter() - start)
            audio += duration if name == "upstream" else 0  # fastkokoro trims
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"{count} chunks, {audio:.0f} s of audio, weights {weights.source}, {threads} threads,")
    print(f"{capability}; by default in {convolution_dtype(cpu)}\n")
    print("| engine | audio s / s | ratio | median ratio by chunk |\n|---|---|---|---|")
    base = took["upstream"]
    for name, seconds_of in took.items():
        by_chunk = statistics.median(a / b for a, b in zip(base, seconds_of, strict=True))
        print(f"| {name} | {audio / sum(seconds_of):.2f} | {sum(base) / sum(seconds_of):.2f} | {by_chunk:.2f} |")


if __name__ == "__main__":
    locations.use(config.locations)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
