"""Audio seconds per second: speakkit's Kokoro against the plain kokoro loop, in turn, on the same chunks.

    python benchmarks/throughput.py [CHUNKS]      # 20 by default, of tests/data/alice29.txt, with the voice f1

Both load the same weights and run on the same threads; each chunk is spoken by each engine once, and every chunk has
another length, as in use. Prints each engine's rate, and the ratio to the plain loop over all and as a median by chunk.
"""

import statistics
import sys
import time
from itertools import islice
from pathlib import Path

import torch

from speakkit.engines import hub, registry
from speakkit.engines.base import Synthesizer
from speakkit.engines.kokoro import Kokoro
from speakkit.text.chunks import Chunk, Delivery, chunks
from speakkit.text.sentences import sentences
from speakkit.voices import find

BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"


def book_chunks(count: int, symbols: frozenset[str]) -> list[Chunk]:
    """The first chunks of the book's text."""
    phonemizer = registry.phonemizer("en-us")
    tokens = ((sentence, next(phonemizer.phonemize([sentence]))) for sentence in sentences(BOOK.read_text()))
    return list(islice(chunks(tokens, Delivery(find("f1")), symbols), count))


def timed(engine: Synthesizer, chunk: Chunk) -> tuple[float, float]:
    """Seconds that it took, and seconds of audio."""
    start = time.perf_counter()
    synthesis = next(engine.synthesize([chunk]))
    return time.perf_counter() - start, synthesis.audio.duration


def main(count: int) -> None:
    """Print the table."""
    cpu = torch.device("cpu")
    weights = hub.ensure("kokoro")
    engines: dict[str, Synthesizer] = {
        "upstream": registry.synthesizer("upstream", "cpu"),
        "float32": Kokoro(weights, cpu, torch.float32),
        "bfloat16": Kokoro(weights, cpu, torch.bfloat16),
    }
    plan = book_chunks(count, engines["upstream"].symbols)
    for engine in engines.values():
        timed(engine, plan[0])
    took: dict[str, list[float]] = {name: [] for name in engines}
    audio = 0.0
    for i, chunk in enumerate(plan):
        turn = list(engines)[i % 3 :] + list(engines)[: i % 3]
        for name in turn:
            seconds, duration = timed(engines[name], chunk)
            took[name].append(seconds)
        audio += duration
    print(f"{count} chunks, {audio:.0f} s of audio, weights {weights.source}, {torch.get_num_threads()} threads\n")
    print("| engine | audio s / s | ratio | median ratio by chunk |\n|---|---|---|---|")
    base = took["upstream"]
    for name, seconds_of in took.items():
        by_chunk = statistics.median(a / b for a, b in zip(base, seconds_of, strict=True))
        print(f"| {name} | {audio / sum(seconds_of):.2f} | {sum(base) / sum(seconds_of):.2f} | {by_chunk:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
