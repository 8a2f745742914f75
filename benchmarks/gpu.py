"""Measure what `speakkit bench` does not show of Kokoro on one GPU, in a script that takes minutes.

    python benchmarks/gpu.py [DEVICE [CHUNKS]]      # cuda and 256 by default, of tests/data/alice29.txt, voice f1

It runs on `cuda`, on `mps` and, for comparison, on `cpu`, and prints:

- load time, latency to the first audio of a line of twelve words, and idle memory;
- audio seconds per second of the plain kokoro loop, and of speakkit's engine in batches of 1, 8, 32 and 128, in
  float32, bfloat16 and float16. Each row has its peak memory, and its share of the arithmetic rate that the device
  reaches in a large matrix product of the same type;
- on `cuda`: the LSTMs by speakkit's kernel and by cuDNN, by rows; and the generator eager and as a CUDA graph, for one
  line. The difference is the most that CUDA graphs could save.

Whether a type sounds as good as float32: python benchmarks/quality.py 60 cuda. Several processes, from text to files:
speakkit bench --instances 1,5 --baseline --device cuda.
"""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import torch
from book import book_chunks

from speakkit import config
from speakkit.engines import hub, locations, registry
from speakkit.engines.base import Synthesizer
from speakkit.engines.device import pick
from speakkit.engines.kokoro import Kokoro, load_model, style
from speakkit.engines.kokoro_config import settings
from speakkit.engines.quietly import import_quietly
from speakkit.engines.styletts2 import kernels
from speakkit.engines.styletts2.network import StyleTTS2
from speakkit.engines.styletts2.padding import Lengths
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
    elif device.type == "mps":
        torch.mps.synchronize()


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall time in seconds of one run of `work`."""
    settle(device)
    start = time.perf_counter()
    work()
    settle(device)
    return time.perf_counter() - start


def reached(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of a large matrix product: the best rate of the device."""
    size = 1024 if device.type == "cpu" else 8192
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


def lstms(network: StyleTTS2, device: torch.device) -> None:
    """Print the milliseconds of one LSTM over 300 frames, by both implementations and number of rows."""
    lstm, frames = network.predictor.shared, 300
    print("\n| rows | Triton ms | cuDNN ms |\n|---|---|---|")
    for rows in (1, 8, 32, 64, 128, 256):
        x = torch.randn(rows, frames, lstm.input_size, device=device)
        counts = torch.full((rows,), frames, device=device)
        both = (partial(kernels.recurrent, lstm, x, counts, frames), partial(lstm, x))
        cells = [f"{1000 * quickest(run, device):.2f}" for run in both]
        print(f"| {rows} | {' | '.join(cells)} |", flush=True)


def graph(network: StyleTTS2, chunk: Chunk, ids: list[int], device: torch.device) -> None:
    """Print the milliseconds of the generator for one line, eager and replayed from a CUDA graph."""
    lengths, styles = Lengths([len(ids)], device), style(chunk).to(device)
    sound, prosody = styles[:, : network.style_dim], styles[:, network.style_dim :]
    score = network.score(torch.tensor([ids], device=device), lengths, prosody, torch.ones(1, device=device))
    noise = [torch.Generator(device).manual_seed(0)]
    prepared = network.decoder.prepared(score.text, score.f0, score.energy, sound, score.frames, noise)
    run = partial(network.decoder.generator.generated, prepared, sound)
    eager, captured = 1000 * quickest(run, device), torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(captured):
            run()
    except RuntimeError as error:
        print(f"\ngenerator, one line: {eager:.1f} ms; not captured: {error}")
        return
    print(f"\ngenerator, one line: {eager:.1f} ms, as a CUDA graph {1000 * quickest(captured.replay, device):.1f} ms")


def quickest(run: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of ten runs, after three that are not counted."""
    return min([seconds(run, device) for _ in range(13)][3:])


def used(device: torch.device) -> int:
    """Bytes of GPU memory in use, which are those of this process if no other uses the GPU."""
    free, total = torch.cuda.mem_get_info(device)
    return total - free


def main(name: str, count: int) -> None:
    """Print the tables."""
    device, weights = pick(name), hub.ensure("kokoro")
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(f"{what}, torch {torch.__version__}, {count} chunks, weights {weights.source}\n")
    first_audio(weights, device)
    plan = book_chunks(count)
    few = plan[: max(1, count // 8)]  # batches of 1 are slow
    print("\n| engine | audio s / s | % of the arithmetic | peak MiB |\n|---|---|---|---|")
    ceiling = reached(device, torch.float32)
    upstream = lent.enter_context(registry.synthesizer("upstream", name))
    show("upstream", rate(upstream, few, device), ceiling, device)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        ceiling = reached(device, dtype)
        for batch in (1, 8) if dtype == torch.float32 else (1, 8, 32, 128):
            is_slow = batch == 1 or dtype == torch.float32
            found = rate(Kokoro(weights, device, dtype, batch), few if is_slow else plan, device)
            show(f"{str(dtype).removeprefix('torch.')}, batch {batch}", found, ceiling, device)
    if device.type == "cuda":
        with torch.inference_mode():
            network = load_model(weights, torch.bfloat16).to(device)
            lstms(network, device)
            ids = [0, *(settings()["vocab"][symbol] for symbol in plan[0].phonemes), 0]
            graph(network, plan[0], ids, device)


if __name__ == "__main__":
    locations.use(config.locations)
    main(sys.argv[1] if len(sys.argv) > 1 else "cuda", int(sys.argv[2]) if len(sys.argv) > 2 else 256)
