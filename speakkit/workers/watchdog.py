"""Tells a process that hangs from one that is slow: by the work that it does, not by the clock alone.

A process makes progress while it sends or takes bytes, uses processor time, reads or writes files, or waits for a
processor or a disk. On a machine where every core is busy, it gets there late, and is left alone.
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
"""Seconds between two looks at a process that is silent. Looking takes about a millisecond."""

SHARE = 0.01
"""Part of one core's time that counts as progress. A thread that merely polls stays below it."""

JIFFIES = 0.02
"""Seconds of processor time below which the system's own count, in steps of 10 ms, says nothing."""

WAITS_OR_RUNS = frozenset("RD")
"""States of a thread in Linux that has work to do: it runs or waits for a core (R), or it waits for a disk (D)."""


@dataclass(frozen=True)
class Allowance:
    """What a process may take until its answer ends.

    idle_s: seconds without any progress
    cpu_s: seconds of processor time, of all its threads and descendants together
    wall_s: seconds without a byte, whatever it does
    """

    idle_s: float
    cpu_s: float
    wall_s: float


UNLIMITED = Allowance(math.inf, math.inf, math.inf)


@dataclass(frozen=True)
class Usage:
    """What a process and its descendants have used so far.

    cpu_s: seconds of processor time
    io_bytes: bytes that they read and wrote; 0 if the system does not tell
    is_active: a thread of them runs, or waits for a core or a disk; False if the system does not tell (macOS)
    """

    cpu_s: float
    io_bytes: int
    is_active: bool


def usage(pid: int) -> Usage:
    """What process `pid` and its descendants have used; nothing if there is no such process."""
    import psutil  # noqa: PLC0415  the daemon starts sooner without it, and looks at nothing until a voice is silent

    cpu_s, io_bytes, is_active = 0.0, 0, False
    with suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in [first, *first.children(recursive=True)]:
            with suppress(psutil.Error):
                cpu_s += sum(process.cpu_times()[:4])  # its own, and that of children that have ended
                is_active = is_active or _is_active(process.pid)
                io_bytes += _io_bytes(process)
    return Usage(cpu_s, io_bytes, is_active)


def _io_bytes(process: "psutil.Process") -> int:
    if sys.platform != "linux":  # macOS does not tell
        return 0
    io = process.io_counters()
    return io.read_bytes + io.write_bytes + io.read_chars + io.write_chars


def _is_active(pid: int) -> bool:
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[0] in WAITS_OR_RUNS:
                return True
    return False


class Watchdog:
    """Judges one process while its parent waits for it.

    tick: seconds after which `look` is to be called, again and again, while nothing is heard
    Time in which nobody looked does not count: the parent was stopped, or the machine asleep.
    """

    def __init__(self, pid: int, allowance: Allowance) -> None:
        self.tick = min(TICK, allowance.idle_s / 4)
        self._pid = pid
        self._allowance = allowance
        self._spent_before: float | None = None
        self.heard()

    def heard(self) -> None:
        """Note that the process sent or took bytes, or that waiting for it begins."""
        self._silent = self._idle = 0.0
        self._looked = time.monotonic()
        self._mark: Usage | None = None

    def look(self) -> str:
        """Why the process is held to hang, or "" while it is not."""
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
        worked = now.cpu_s - before.cpu_s >= max(JIFFIES, SHARE * self._idle)
        return worked or now.is_active or now.io_bytes != before.io_bytes

    def _verdict(self, cpu_s: float) -> str:
        allowed = self._allowance
        if self._idle >= allowed.idle_s:
            return f"made no progress for {allowed.idle_s:g} s"
        if cpu_s > allowed.cpu_s:
            return f"used more than {allowed.cpu_s:g} s of processor time"
        if self._silent >= allowed.wall_s:
            return f"said nothing for {allowed.wall_s:g} s"
        return ""
