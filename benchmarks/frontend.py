"""Measure the text front end on a whole book: words accounted for, and its time compared with misaki alone.

    python benchmarks/frontend.py [ROUNDS]      # 3 by default, of tests/data/alice29.txt in en-us

After all have loaded, each round runs, one after another: misaki alone, paragraph by paragraph; speakkit's reader in
one process; and the reader with a pool of two. The reader's time includes markup, sentences, rewrites, G2P and chunks.
Prints the words, the medians and their ratio to misaki alone, and the time of each step. If other programs run too, CPU
time is more reliable than wall time, but it does not include the two processes of the pool.
"""

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import Any

from speakkit import config
from speakkit.engines import locations, registry, tagger
from speakkit.engines.base import Phonemizer
from speakkit.engines.kokoro_config import limits
from speakkit.speech.frontend import Reader
from speakkit.speech_request import Markup
from speakkit.text import lexicon
from speakkit.text.chunking import chunks
from speakkit.text.chunks import Chunk, Delivery
from speakkit.text.markup import script
from speakkit.text.paragraphs import paragraphs
from speakkit.text.sentences import Sentence, sentences
from speakkit.voices import find

lent = ExitStack()
"""Engines that stay loaded while this script runs."""

BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"


def plan(text: str, phonemizer: Phonemizer) -> list[Chunk]:
    """The chunks of `text`, by the whole text front end."""
    read = Reader("en-us", phonemizer, lexicon.load("en-us", limits().symbols)).read(
        text, script(text, Markup.PLAIN), []
    )
    return list(chunks(read, Delivery(find("f1")), limits()))


def misaki_alone(text: str, g2p: Any) -> None:
    """Run misaki on each paragraph; known to take 3.6 s on one core."""
    for start, stop in paragraphs(text):
        g2p(" ".join(text[start:stop].split()))


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall time and CPU time of one run of `work`, in seconds."""
    start, start_cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - start_cpu


def count_words(text: str, plan: list[Chunk]) -> None:
    """Print the number of words of `text`, and how many are covered, silent or lost in the chunks of `plan`."""
    tokens = [token for chunk in plan for token in chunk.tokens]
    covered = {i for token in tokens for i in range(token.start, token.end)}
    accounted = sum(
        all(i in covered for i in range(word_start, word_stop) if text[i].isalnum())
        for word_start, word_stop in word_spans(text)
    )
    words = [token for token in tokens if token.is_word]
    print(f"words in {len(word_spans(text))}, accounted for {accounted}, tokens that are words {len(words)},")
    silent = [token.text for token in words if not token.phonemes]
    lost = [token.text for chunk in plan for token in chunk.lost]
    print(f"without phonemes {len(silent)} {silent[:5]}, lost {len(lost)} {lost[:5]}")
    widths = [len(chunk.phonemes) for chunk in plan]
    print(
        f"{len(plan)} chunks of {min(widths)} to {max(widths)} phonemes, median {statistics.median(widths)}, "
        f"{sum(100 <= width <= 200 for width in widths)} of them of 100 to 200, "
        f"{sum(chunk.predicted + chunk.gap for chunk in plan) / 3600:.2f} h predicted\n"
    )


def word_spans(text: str) -> list[tuple[int, int]]:
    """Half-open character offsets of the parts of `text` between white space that have a letter or a digit."""
    spans, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        if any(map(str.isalnum, word)):
            spans.append((at, at + len(word)))
        at += len(word)
    return spans


def stages(text: str, english: Any) -> dict[str, float]:
    """Step of the reader -> its CPU time in seconds, for the whole book."""
    reader = Reader("en-us", english, lexicon.load("en-us", limits().symbols))
    took: dict[str, float] = {}

    def step(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        made = work()
        took[name] = time.process_time() - start
        return made

    marked = step("markup", lambda: script(text, Markup.PLAIN))
    found = step("sentences", lambda: list(sentences(marked.text)))
    said = step("the same and Spoken, lexicon, verbalize", lambda: list(reader._said(text, marked)))  # noqa: SLF001
    step("english (misaki and its tokens' places)", lambda: list(english._phonemizer.phonemize(said)))  # noqa: SLF001
    outcomes = step("the same and Composed", lambda: list(english.phonemize(said)))
    merged = step("Spoken.tokens", lambda: [one.item.spoken.tokens(one.result()) for one in outcomes])
    step("chunks", lambda: list(chunks(zip(found, merged, strict=True), Delivery(find("f1")), limits())))
    return took


def main(rounds: int) -> None:
    """Print the tables."""
    gc.set_threshold(50_000)  # as `speakkit.__main__` does
    text = BOOK.read_text()
    english: Any = lent.enter_context(registry.phonemizer("en-us"))
    g2p = copy(english._phonemizer._parts().g2p)  # noqa: SLF001  the same misaki, without speakkit
    g2p.nlp = tagger.load()
    with registry.pooled_phonemizer("en-us", 2) as pooled:
        list(pooled.phonemize([Sentence("One.", 0)] * 2000))
        count_words(text, plan(text, english))
        runs: dict[str, Callable[[], object]] = {
            "misaki alone": lambda: misaki_alone(text, g2p),
            "reader, one process": lambda: plan(text, english),
            "reader, two processes": lambda: plan(text, pooled),
        }
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                took[name].append(seconds(run))
    print(f"{len(text)} characters, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| run | median s by the clock | ratio | of the processor | ratio |\n|---|---|---|---|---|")
    for name, times in took.items():
        cells = []
        for own, base in zip(zip(*times, strict=True), zip(*took["misaki alone"], strict=True), strict=True):
            ratio = statistics.median(a / b for a, b in zip(own, base, strict=True))
            cells += [f"{statistics.median(own):.2f}", f"{ratio:.2f}"]
        print(f"| {name} | {' | '.join(cells)} |")
    print("\n| step | processor s |\n|---|---|")
    for name, spent in stages(text, english).items():
        print(f"| {name} | {spent:.2f} |")


if __name__ == "__main__":
    locations.use(config.locations)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
