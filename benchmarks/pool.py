"""Measure the cost of poisoned items: 10,000 items, five of which kill their process, through a pool of workers.

    python benchmarks/pool.py [ITEMS] [POISONED] [WORKERS]

Also runs as many items without poison. Both runs use one item per request, then sixteen. Prints the number of items
answered and quarantined, the time, and the ratio. The handler only counts characters, so that the pool is measured.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from speakkit.outcome import Outcome
from speakkit.workers.pool import Pool

POISON = "poison"


def load(settings: None) -> Callable[[list[str]], Iterator[Outcome[str, int]]]:  # noqa: ARG001  there are none
    """The request handler of a worker process."""
    return answer


def answer(items: list[str]) -> Iterator[Outcome[str, int]]:
    """The outcome of each item: the length of the text. The item POISON kills the process."""
    for item in items:
        if item == POISON:
            os.abort()
        yield Outcome(item, len(item))


def texts(count: int, poisoned: int) -> list[str]:
    """`count` items, with `poisoned` ones at equal distances."""
    step = count // poisoned if poisoned else count + 1
    return [POISON if number % step == step // 2 else f"text {number}" for number in range(count)]


def measured(items: list[str], workers: int, most: int) -> tuple[int, int, float]:
    """The number of items answered, the number quarantined, and the seconds of the run. most: items per request."""
    started: Pool[str, int] = Pool("pool:load", None, int, workers)
    with started as pool:
        began = time.perf_counter()
        outcomes = list(pool.map(items, most=most))
        seconds = time.perf_counter() - began
    assert [outcome.item for outcome in outcomes] == items
    assert all(outcome.value == len(outcome.item) for outcome in outcomes if not outcome.error)
    assert all(outcome.item == POISON for outcome in outcomes if outcome.error)
    return sum(not outcome.error for outcome in outcomes), sum(bool(outcome.error) for outcome in outcomes), seconds


def main(count: int = 10_000, poisoned: int = 5, workers: int = 2) -> None:
    """Print a table."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    print(f"{workers} workers, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| items to a request | answered | quarantined | s | s without poison | ratio |\n|---|---|---|---|---|---|")
    for most in (1, 16):
        _, _, clean = measured(texts(count, 0), workers, most)
        answered, quarantined, seconds = measured(texts(count, poisoned), workers, most)
        print(f"| {most} | {answered} | {quarantined} | {seconds:.1f} | {clean:.1f} | {seconds / clean:.1f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
