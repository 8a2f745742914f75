"""What the workers take while they work: memory by the system, and the GPU's figures by NVML, some times a second.

Not yet run on a real GPU: the tests hold it against a stub of pynvml.
"""

import importlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from statistics import fmean
from types import TracebackType
from typing import Any, Self

from speakkit.bench.machine import MB, held_mb
from speakkit.errors import EngineError

INTERVAL = 0.2
"""Seconds between two readings. NVML's own figures are no younger than a sixth of a second."""


@dataclass(frozen=True)
class Reading:
    """What the gauges show at one moment; None where there is no such gauge.

    memory_mb: what the workers hold for themselves
    vram_mb: what is taken of the GPU's memory by everybody
    vram_workers_mb: by the workers; NVML does not tell in a container, nor on WSL
    sm_pct: the share of the last sixth of a second or more in which anything ran on the GPU ("utilization.gpu")
    power_w: of the GPU alone
    temperature_c: of the GPU
    """

    memory_mb: float | None = None
    vram_mb: float | None = None
    vram_workers_mb: float | None = None
    sm_pct: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None


def combined(readings: Sequence[Reading]) -> Reading:
    """Some readings as one: the highest of memory and temperature, the mean of utilisation and power."""
    means = ("sm_pct", "power_w")
    known = {
        field.name: [value for reading in readings if (value := getattr(reading, field.name)) is not None]
        for field in fields(Reading)
    }
    return Reading(
        **{name: (fmean if name in means else max)(values) if values else None for name, values in known.items()}
    )


class Gpu:
    """An NVIDIA GPU, by NVML."""

    def __init__(self, uuid: str) -> None:
        """`uuid` as in "GPU-...". Raises EngineError, which says why, where NVML cannot be asked."""
        try:
            self._nvml: Any = importlib.import_module("pynvml")
        except ImportError:
            raise EngineError("nvidia-ml-py is not installed: pip install 'speakkit[gpu]'") from None
        try:
            self._nvml.nvmlInit()
            self._handle = self._nvml.nvmlDeviceGetHandleByUUID(uuid)
        except self._nvml.NVMLError as error:
            raise EngineError(f"NVML says: {error}") from error

    def read(self, pids: Iterable[int]) -> Reading:
        """What it shows now."""
        nvml = self._nvml
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo)
        busy = self._ask(nvml.nvmlDeviceGetUtilizationRates)
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage)
        return Reading(
            vram_mb=memory.used / MB if memory else None,
            vram_workers_mb=self._held_by(set(pids)),
            sm_pct=busy.gpu if busy else None,
            power_w=milliwatts / 1000 if milliwatts is not None else None,
            temperature_c=self._ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
        )

    def free_mb(self) -> float | None:
        """Memory that is not taken."""
        memory = self._ask(self._nvml.nvmlDeviceGetMemoryInfo)
        return memory.free / MB if memory else None

    def _held_by(self, pids: set[int]) -> float | None:
        running = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses) or []
        held = [process.usedGpuMemory for process in running if process.pid in pids and process.usedGpuMemory]
        return sum(held) / MB if held else None

    def _ask(self, function: Any, *arguments: Any) -> Any:
        """What NVML answers; None where this GPU, or its driver, has no such gauge."""
        try:
            return function(self._handle, *arguments)
        except self._nvml.NVMLError:
            return None


def read(pids: Sequence[int], gpu: Gpu | None) -> Reading:
    """What is shown now, of memory and of the GPU if there is one."""
    shown = gpu.read(pids) if gpu else Reading()
    return Reading(**{**vars(shown), "memory_mb": held_mb(pids)})


class Watch:
    """Reads the gauges from the start of its block to the end, in a thread."""

    def __init__(self, pids: Sequence[int], gpu: Gpu | None) -> None:
        self._pids = pids
        self._gpu = gpu
        self._readings: list[Reading] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def seen(self) -> Reading:
        """What was read so far, as one."""
        return combined(self._readings)

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._readings.append(read(self._pids, self._gpu))
            self._ended.wait(INTERVAL)
