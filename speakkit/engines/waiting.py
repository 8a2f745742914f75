"""How the threads of torch wait for one another while they compute on a processor.

On Linux these are threads of libgomp, which spin for some milliseconds before they sleep. On an idle machine that is
fastest. On a busy one it is slowest: a thread spins on the core that the thread it waits for needs. libgomp reads the
number of spins only once, when it is loaded, but it spins hardly at all while a program has more OpenMP threads than
there are cores (see GOMP_SPINCOUNT in its manual). So while the machine is busy, additional threads are kept, idle.
Figures: benchmarks/busy.py.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

PRESSURE = Path("/proc/pressure/cpu")
"""Linux's record of the time in which threads of any program waited for a core (pressure stall information)."""

INTERVAL = 0.1
"""Seconds between two readings of it. A reading takes some 50 microseconds."""

BUSY = 0.25
"""Part of the time in which a thread waited for a core, above which the machine is busy."""

CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""Environment variables by which users choose how threads wait. If one is set, nothing is adapted."""

GRAIN = 1 << 15
"""Elements of a tensor for which torch uses another thread."""


@contextmanager
def adapted() -> Iterator[None]:
    """Return a context in which waiting threads sleep, rather than spin, while the machine is busy.

    Does nothing on systems without libgomp or without PRESSURE.
    """
    if sys.platform != "linux" or any(map(os.environ.get, CHOICES)) or not os.access(PRESSURE, os.R_OK):
        yield
        return
    ended = threading.Event()
    threading.Thread(target=_watch, args=(ended,), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _watch(ended: threading.Event) -> None:
    """Keep additional threads while the machine is busy, until `ended` is set."""
    share, waited = _pressure()
    at = time.monotonic()
    released: threading.Event | None = None
    while True:
        if share > BUSY and not released:
            released = threading.Event()
            threading.Thread(target=_crowd, args=(released,), daemon=True).start()
        elif share < BUSY / 2 and released:
            released.set()
            released = None
        if ended.wait(INTERVAL):
            break
        since, before = at, waited
        at, (_, waited) = time.monotonic(), _pressure()
        share = (waited - before) / (at - since)
    if released:
        released.set()


def _crowd(released: threading.Event) -> None:
    """Have more OpenMP threads than there are cores, which do nothing, until `released` is set."""
    threads = len(os.sched_getaffinity(0)) + 1
    torch.set_num_threads(threads)  # of this thread only
    torch.empty(threads * GRAIN).fill_(0.0)
    released.wait()


def _pressure() -> tuple[float, float]:
    """Return the part of the last ten seconds in which a thread waited for a core, and the seconds since the boot."""
    some = dict(pair.split("=") for pair in PRESSURE.read_text().splitlines()[0].split()[1:])
    return float(some["avg10"]) / 100, float(some["total"]) / 1e6
