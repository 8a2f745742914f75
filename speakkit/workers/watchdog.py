"""Watchdog: tells a hung process from a slow one by the work that it does, and not by elapsed time alone.

A process makes progress while it sends or receives bytes, uses CPU time, reads or writes files, or waits for a CPU or a
disk. On a machine whose cores are all busy, a process is therefore slow, but not ended.
"""

import math
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

TICK = 0.25
"""Seconds between two checks of a silent process. A check takes about a millisecond."""

SHARE = 0.01
"""Part of one core's time that counts as progress. A thread that only polls stays below it."""

JIFFIES = 0.02
"""Minimum seconds of CPU time that count as progress. Less is noise, because the system counts in steps of 10 ms."""

WAITS_OR_RUNS = frozenset("RD")
"""Linux states of a thread that has work to do: it runs or waits for a core (R), or it waits for a disk (D)."""


@dataclass(frozen=True)
class Allowance:
    """Limits of a process until its answer ends.

    idle_s: seconds without any progress
    cpu_s: seconds of CPU time, of all its threads and descendants together
    wall_s: seconds without a byte sent or received, whatever the process does
    """

    idle_s: float
    cpu_s: float
    wall_s: float


UNLIMITED = Allowance(math.inf, math.inf, math.inf)
"""Allowance without limits."""


@dataclass(frozen=True)
class Usage:
    """Resources that a process and its descendants have used so far.

    cpu_s: seconds of CPU time
    io_bytes: bytes read and written; 0 if the system does not report it
    is_active: one of their threads runs, or waits for a core or a disk; False if the system does not report it (macOS)
    """

    cpu_s: float
    io_bytes: int
    is_active: bool


def usage(pid: int) -> Usage:
    """Return what process `pid` and its descendants have used; zero if there is no such process."""
    import psutil  # noqa: PLC0415  the daemon starts sooner; it needs psutil only once a voice is silent

    cpu_s, io_bytes, is_active = 0.0, 0, False
    with suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in [first, *first.children(recursive=True)]:
            with suppress(psutil.Error):
                cpu_s += sum(process.cpu_times()[:4])  # user and system time, of itself and of ended children
                is_active = is_active or _is_active(process.pid)
                io_bytes += _io_bytes(process)
    return Usage(cpu_s, io_bytes, is_active)


def _io_bytes(process: "psutil.Process") -> int:
    """Return the bytes that a process has read and written; 0 on systems other than Linux."""
    if sys.platform != "linux":  # not reported on macOS
        return 0
    io = process.io_counters()
    return io.read_bytes + io.write_bytes + io.read_chars + io.write_chars


def _is_active(pid: int) -> bool:
    """Return whether a thread of process `pid` runs, or waits for a core or a disk."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[0] in WAITS_OR_RUNS:
                return True
    return False


class Watchdog:
    """Decides whether one process hangs, while its parent waits for it.

    tick: interval in seconds at which `look` is to be called while no bytes arrive
    Between two calls of `look`, at most two ticks count: the parent may have been stopped, or the machine asleep.
    """

    def __init__(self, pid: int, allowance: Allowance) -> None:
        self.tick = min(TICK, allowance.idle_s / 4)
        self._pid = pid
        self._allowance = allowance
        self._spent_before: float | None = None
        self.heard()

    def heard(self) -> None:
        """Record that bytes were sent or received, or that waiting begins."""
        self._silent = self._idle = 0.0
        self._looked = time.monotonic()
        self._mark: Usage | None = None

    def look(self) -> str:
        """Return why the process is considered hung, or "" if it is not."""
        now = time.monotonic()
        elapsed = min(now - self._looked, 2 * self.tick)
        self._looked = now
        self._silent += elapsed
        self._idle += elapsed
        used = usage(self._pid)
        if self._mark is None or self._is_progress(self._mark, used):
            self._idle = 0.0 if self._mark else self._idle
            self._mark = used
        if self._spent_before is None:
            self._spent_before = used.cpu_s
        return self._verdict(used.cpu_s - self._spent_before)

    def _is_progress(self, before: Usage, now: Usage) -> bool:
        """Return whether the process made progress between two measurements."""
        worked = now.cpu_s - before.cpu_s >= max(JIFFIES, SHARE * self._idle)
        return worked or now.is_active or now.io_bytes != before.io_bytes

    def _verdict(self, cpu_s: float) -> str:
        """Return which limit is exceeded, given the CPU time used; "" if none is."""
        allowed = self._allowance
        if self._idle >= allowed.idle_s:
            return f"made no progress for {allowed.idle_s:g} s"
        if cpu_s > allowed.cpu_s:
            return f"used more than {allowed.cpu_s:g} s of processor time"
        if self._silent >= allowed.wall_s:
            return f"sent nothing for {allowed.wall_s:g} s"
        return ""
