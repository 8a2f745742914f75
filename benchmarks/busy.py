"""Measure the time of speech while other processes use all cores, with different settings for OpenMP's waiting.

    python benchmarks/busy.py [--loads 0 1 4] [--rounds 3] [VARIANT ...]

A variant is "shipped" (the environment as it is), "one" (one thread), or variables such as
"OMP_WAIT_POLICY=passive,GOMP_SPINCOUNT=1000". By default: shipped, one, and the waiting that OpenMP has by itself.
Each variant is a process with a warm voice. For each load N, N processes a core spin, and the variants speak TEXT in
turn, ROUNDS times. Prints medians: seconds until the first piece, in all, and of processor time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

TEXT = (
    "The build is done, and all of its tests have passed. "
    "The daemon keeps one voice loaded, and every program of yours speaks through it, one at a time."
)
OWN = "GOMP_SPINCOUNT=300000"
"""What libgomp does by itself if nothing is set."""


def serve() -> None:
    """Speak TEXT each time that a line is read, and print what it took."""
    from speakkit import config  # noqa: PLC0415  the parent imports nothing heavy
    from speakkit.engines import locations  # noqa: PLC0415
    from speakkit.speech.synthesize import speaker  # noqa: PLC0415
    from speakkit.speech_request import SpeechRequest  # noqa: PLC0415

    locations.use(config.locations)
    request = SpeechRequest(text=TEXT, threads=int(os.environ.get("BUSY_THREADS", "0")))
    with speaker(request) as voice:
        for _ in range(2):
            list(voice.segments(request, starts_early=True))
        print("ready", flush=True)
        for _ in sys.stdin:
            begun, cpu = time.perf_counter(), time.process_time()
            pieces = voice.segments(request, starts_early=True)
            next(pieces)
            first = time.perf_counter() - begun
            list(pieces)
            print(json.dumps((first, time.perf_counter() - begun, time.process_time() - cpu)), flush=True)


class Variant:
    """A process that speaks with one way of waiting."""

    def __init__(self, name: str) -> None:
        self.name = name
        pairs = {"shipped": "", "one": "BUSY_THREADS=1"}.get(name, name)
        env = os.environ | dict(pair.split("=", 1) for pair in pairs.split(",") if pair)
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env=env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout
        self._out.readline()

    def speak(self) -> tuple[float, float, float]:
        """Seconds until the first piece, in all, and of processor time."""
        print(file=self._in, flush=True)
        first, total, cpu = json.loads(self._out.readline())
        return first, total, cpu

    def close(self) -> None:
        """End the process."""
        self._in.close()
        self._process.wait()


@contextmanager
def spinning(count: int) -> Iterator[None]:
    """Keep `count` processes spinning."""
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    time.sleep(1)
    try:
        yield
    finally:
        for each in spinners:
            each.kill()
            each.wait()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("variants", nargs="*", default=["shipped", "one", OWN])
    parser.add_argument("--loads", nargs="+", type=int, default=[0, 1, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    variants = [Variant(name) for name in options.variants]
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores; medians of {options.rounds}\n| N | variant | first s | total s | processor s |")
    print("|--:|---|--:|--:|--:|")
    for load in options.loads:
        with spinning(load * cores):
            took = [[variant.speak() for variant in variants] for _ in range(options.rounds)]
        for variant, rows in zip(variants, zip(*took, strict=True), strict=True):
            first, total, cpu = (statistics.median(column) for column in zip(*rows, strict=True))
            print(f"| {load} | {variant.name} | {first:.2f} | {total:.2f} | {cpu:.2f} |", flush=True)
    for variant in variants:
        variant.close()


if __name__ == "__main__":
    main()
