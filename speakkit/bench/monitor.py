"""Sample the resource use of the workers: memory from the system, GPU figures from NVML, several times a second.

Not yet run on a real GPU: the tests use a stub of pynvml.
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
"""Seconds between two readings. NVML updates its figures at most every sixth of a second."""


@dataclass(frozen=True)
class Reading:
    """The gauge values at one moment; None for a gauge that is not available.

    memory_mb: private memory of the workers
    vram_mb: GPU memory in use, by all processes
    vram_workers_mb: GPU memory in use by the workers; NVML does not report it in a container or on WSL
    sm_pct: percentage of the last sixth of a second or more in which a kernel ran on the GPU ("utilization.gpu")
    power_w: power of the GPU only
    temperature_c: temperature of the GPU
    """

    memory_mb: float | None = None
    vram_mb: float | None = None
    vram_workers_mb: float | None = None
    sm_pct: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None


def combined(readings: Sequence[Reading]) -> Reading:
    """Several readings combined: the maximum of memory and temperature, the mean of utilisation and power."""
    means = ("sm_pct", "power_w")
    known = {
        field.name: [value for reading in readings if (value := getattr(reading, field.name)) is not None]
        for field in fields(Reading)
    }
    return Reading(
        **{name: (fmean if name in means else max)(values) if values else None for name, values in known.items()}
    )


class Gpu:
    """An NVIDIA GPU, read through NVML."""

    def __init__(self, uuid: str) -> None:
        """`uuid` has the form "GPU-...". Raises EngineError, with the reason, if NVML is not available."""
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
        """The current gauge values; pids: the processes of the workers."""
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
        """Megabytes of free GPU memory; None if NVML does not report it."""
        memory = self._ask(self._nvml.nvmlDeviceGetMemoryInfo)
        return memory.free / MB if memory else None

    def _held_by(self, pids: set[int]) -> float | None:
        running = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses) or []
        held = [process.usedGpuMemory for process in running if process.pid in pids and process.usedGpuMemory]
        return sum(held) / MB if held else None

    def _ask(self, function: Any, *arguments: Any) -> Any:
        """The result of an NVML function; None if this GPU or its driver does not support it."""
        try:
            return function(self._handle, *arguments)
        except self._nvml.NVMLError:
            return None


def read(pids: Sequence[int], gpu: Gpu | None) -> Reading:
    """The current gauge values of memory, and of the GPU if there is one."""
    shown = gpu.read(pids) if gpu else Reading()
    return Reading(**{**vars(shown), "memory_mb": held_mb(pids)})


class Watch:
    """Samples the gauges in a thread, during its `with` block."""

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
        """The readings so far, combined."""
        return combined(self._readings)

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._readings.append(read(self._pids, self._gpu))
            self._ended.wait(INTERVAL)
