"""The machine that is measured, as far as the standard library can tell."""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MB = 1e6
"""Bytes: what is called a megabyte wherever speakkit writes MB."""


@dataclass(frozen=True)
class Machine:
    """What a measurement depends on, beside the GPU.

    cores: those that this process may use
    memory_gb: None where the system does not tell
    """

    cpu: str
    cores: int
    memory_gb: float | None
    system: str
    python: str


def describe(proc: Path = PROC) -> Machine:
    """This machine."""
    model = re.search(r"^model name\s*:\s*(.*)$", _read(proc / "cpuinfo"), re.MULTILINE)
    cpu = model[1] if model else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = _field(proc / "meminfo", "MemTotal")
    gigabytes = round(memory / 1000, 1) if memory else None
    return Machine(cpu, cores, gigabytes, platform.platform(terse=True), platform.python_version())


def free_mb(proc: Path = PROC) -> float | None:
    """Memory that processes can still take without swapping; None where the system does not tell."""
    return _field(proc / "meminfo", "MemAvailable")


def held_mb(pids: Iterable[int], proc: Path = PROC) -> float | None:
    """Memory that these processes hold for themselves, without the libraries that they share; None as above."""
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
