"""Measure what `speakkit bench` does not show of Kokoro on one GPU, in a script that takes minutes.

    python benchmarks/gpu.py [DEVICE [CHUNKS]]      # cuda and 256 by default, of tests/data/alice29.txt, voice f1

Prints load time, latency to the first audio of a line of twelve words, and idle memory. Then prints audio seconds per
second of the plain kokoro loop, and of speakkit's engine in batches of 1, 8, 32 and 128, in float32 and in bfloat16.
Each row has its peak memory, and its share of the arithmetic rate that the device reaches in a large matrix product of
the same type. To measure several processes at once: speakkit bench --instances 5 --baseline --device cuda.
"""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import torch
from book import book_chunks

from speakkit import config
from speakkit.engines import hub, locations, registry
from speakkit.engines.base import Synthesizer
from speakkit.engines.device import pick
from speakkit.engines.kokoro import Kokoro
from speakkit.engines.quietly import import_quietly
from speakkit.speech.synthesize import Speaker, reader
from speakkit.speech_request import SpeechRequest
from speakkit.text.chunks import Chunk
from speakkit.voices import find

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


LINE = "The build has finished, and all of the tests have passed today."
FLOP = 52e9
"""Floating-point operations per second of audio: counted from the shapes of the network, at 40 frames a second."""


def settle(device: torch.device) -> None:
    """Wait until the device has completed all queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall time in seconds of one run of `work`."""
    settle(device)
    start = time.perf_counter()
    work()
    settle(device)
    return time.perf_counter() - start


def reached(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of a large matrix product: the best rate of the device."""
    size = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = min(seconds(lambda: a @ b, device) for _ in range(6))
    return 2 * size**3 / best


def rate(engine: Synthesizer, plan: list[Chunk], device: torch.device) -> float:
    """Audio seconds per second, after a first run in which all shapes occur."""
    audio = 0.0

    def speak() -> None:
        nonlocal audio
        audio = sum(one.result().audio.duration for one in engine.synthesize(plan))

    speak()
    return audio / statistics.median([seconds(speak, device), seconds(speak, device)]) if audio else 0.0


def show(name: str, found: float, ceiling: float, device: torch.device) -> None:
    """Print a row of the table, and reset the peak memory.

    found: audio seconds per second
    ceiling: floating-point operations per second that the device reaches
    """
    peak = torch.cuda.max_memory_allocated(device) >> 20 if device.type == "cuda" else 0
    print(f"| {name} | {found:.1f} | {100 * found * FLOP / ceiling:.1f} | {peak} |", flush=True)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def first_audio(weights: hub.Installed, device: torch.device) -> None:
    """Print the load time, the latency to the first audio of a line, and the memory that the engine holds."""
    import_quietly("speakkit.engines.english")
    start = time.perf_counter()
    reading = lent.enter_context(reader("en-us"))
    read = time.perf_counter()
    engine = Kokoro(weights, device)
    loaded = time.perf_counter()
    speaker = Speaker(find("f1"), reading, engine)
    next(speaker.segments(SpeechRequest(LINE)))
    end = time.perf_counter()
    parts = f"G2P {read - start:.2f}, engine {loaded - read:.2f}, first line {end - loaded:.2f}"
    print(f"load and first audio, after imports: {end - start:.2f} s ({parts})")
    first = statistics.median(seconds(lambda: next(speaker.segments(SpeechRequest(LINE))), device) for _ in range(10))
    print(f"first audio of {len(LINE.split())} words: {1000 * first:.0f} ms, median of 10")
    if device.type == "cuda":
        print(
            f"idle: {torch.cuda.memory_allocated(device) >> 20} MiB allocated, {used(device) >> 20} MiB with all else"
        )


def used(device: torch.device) -> int:
    """Bytes of GPU memory in use, which are those of this process if no other uses the GPU."""
    free, total = torch.cuda.mem_get_info(device)
    return total - free


def main(name: str, count: int) -> None:
    """Print the tables."""
    device, weights = pick(name), hub.ensure("kokoro")
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    print(f"{what}, torch {torch.__version__}, {count} chunks, weights {weights.source}\n")
    first_audio(weights, device)
    plan = book_chunks(count)
    few = plan[: max(1, count // 8)]  # batches of 1 are slow
    print("\n| engine | audio s / s | % of the arithmetic | peak MiB |\n|---|---|---|---|")
    ceiling = reached(device, torch.float32)
    upstream = lent.enter_context(registry.synthesizer("upstream", name))
    show("upstream", rate(upstream, few, device), ceiling, device)
    for dtype in (torch.float32, torch.bfloat16):
        ceiling = reached(device, dtype)
        for batch in (1, 8) if dtype == torch.float32 else (1, 8, 32, 128):
            is_slow = batch == 1 or dtype == torch.float32
            found = rate(Kokoro(weights, device, dtype, batch), few if is_slow else plan, device)
            show(f"{str(dtype).removeprefix('torch.')}, batch {batch}", found, ceiling, device)


if __name__ == "__main__":
    locations.use(config.locations)
    main(sys.argv[1] if len(sys.argv) > 1 else "cuda", int(sys.argv[2]) if len(sys.argv) > 2 else 256)
