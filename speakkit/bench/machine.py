"""Properties of the measured machine, from the standard library and /proc."""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MB = 1e6
"""Bytes per megabyte, wherever speakkit writes MB."""


@dataclass(frozen=True)
class Machine:
    """Properties of a machine that affect a measurement, apart from the GPU.

    cpu: model name
    cores: number of cores that this process may use
    memory_gb: None if the system does not report it
    system: operating system and release
    python: version
    """

    cpu: str
    cores: int
    memory_gb: float | None
    system: str
    python: str


def describe(proc: Path = PROC) -> Machine:
    """The properties of this machine."""
    model = re.search(r"^model name\s*:\s*(.*)$", _read(proc / "cpuinfo"), re.MULTILINE)
    cpu = model[1] if model else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = _field(proc / "meminfo", "MemTotal")
    gigabytes = round(memory / 1000, 1) if memory else None
    return Machine(cpu, cores, gigabytes, platform.platform(terse=True), platform.python_version())


def free_mb(proc: Path = PROC) -> float | None:
    """Megabytes that processes can allocate without swapping; None if the system does not report it."""
    return _field(proc / "meminfo", "MemAvailable")


def held_mb(pids: Iterable[int], proc: Path = PROC) -> float | None:
    """Megabytes of private memory of these processes, without shared libraries; None if not reported."""
    held = [found for pid in pids if (found := _field(proc / str(pid) / "status", "RssAnon")) is not None]
    return sum(held) if held else None


def _field(file: Path, name: str) -> float | None:
    """The value of a line such as "MemTotal:  24576 kB", in megabytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", _read(file), re.MULTILINE)
    return int(found[1]) * 1024 / MB if found else None


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
