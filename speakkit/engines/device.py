"""Device selection for torch engines, with thread, batch and memory settings per device."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from speakkit.config import DEVICES
from speakkit.engines import memory
from speakkit.errors import BadValue, EngineError

BATCH = {"cuda": 32, "mps": 1, "cpu": 1}
"""Device type -> default maximum number of chunks in a batch. On CPUs a batch is slower than its chunks one by one
(benchmarks/batches.py); on an H100, 32 are 6 times as fast as one, and 128 hardly faster (benchmarks/gpu.py)."""

SECONDS = 600.0
"""Maximum seconds of speech in one batch, padding included. It bounds how long an urgent chunk waits for a running
batch."""

BYTES_PER_SECOND = 48 << 20
"""Estimated peak memory of a batch, in bytes per second of speech. A CPU needed about 12 MiB in bfloat16
(benchmarks/batches.py) and 16 to 23 in float32, an H100 less than 20 including its libraries' share. On a GPU, a
higher measured peak replaces the estimate."""

KEPT = 128 << 20
"""Bytes of cached GPU memory that are kept between batches while no chunk is waiting."""

PRIMITIVES = 4096
"""Number of compiled primitives that oneDNN caches. Its own default is 1024, the convolutions of about 20 widths."""

TESTED = ((2, 8), (2, 14))
"""Tested torch releases, as a half-open range of (major, minor)."""

NVIDIA = (Path("/dev/nvidiactl"), Path("/usr/lib/wsl/lib/libcuda.so.1"))
"""Files that show an NVIDIA driver on Linux and on WSL; one of them exists if a driver is installed."""


@dataclass(frozen=True)
class Torch:
    """The installed torch.

    version: torch's version
    device: the device that engines run on, with its name
    unused_gpu: a GPU is present that this torch cannot use
    gpu: UUID of the GPU that engines run on, as NVIDIA's tools write it; "" if they run on no NVIDIA GPU
    """

    version: str
    device: str
    unused_gpu: bool
    gpu: str = ""

    @property
    def is_tested(self) -> bool:
        """Whether speakkit was tested with this version."""
        first, beyond = TESTED
        major, minor = (int(part) for part in self.version.split(".")[:2])
        return first <= (major, minor) < beyond

    def __str__(self) -> str:
        return f"{self.version}, runs on {self.device}"


def describe(name: str = "auto") -> Torch:
    """Describe the installed torch, with engines running on the device `name`.

    Raises as `pick` does.
    """
    picked = pick(name).type
    driver = any(file.exists() for file in NVIDIA)
    if picked == "cuda":
        found = torch.cuda.get_device_properties()
        uuid = f"GPU-{str(found.uuid).removeprefix('GPU-')}"
        return Torch(torch.__version__, f"{picked} ({found.name})", unused_gpu=False, gpu=uuid)
    return Torch(torch.__version__, f"{picked} ({torch.get_num_threads()} threads)", unused_gpu=driver)


def pick(name: str) -> torch.device:
    """Return the device `name`, or the fastest available device for "auto".

    Raises BadValue for an unknown name, and EngineError if this machine has no such device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, present in available.items() if present)
    if name not in available:
        raise BadValue(f"there is no device {name!r}; try one of {', '.join(DEVICES)}")
    if not available[name]:
        raise EngineError(f"torch sees no {name} device on this machine; leave --device out, or say --device cpu")
    return torch.device(name)


def fix_threads(count: int = 0) -> int:
    """Set torch's CPU thread count for this thread to `count`, and return the count that is set.

    count: 0 for torch's own choice, see `own_threads`
    The thread count changes the order of sums and so the samples; it is therefore part of a voice, like its seed. torch
    keeps one count per program thread, so call this in the thread that computes.
    """
    own = own_threads()
    wanted = count or own
    if torch.get_num_threads() != wanted:
        torch.set_num_threads(wanted)
    return wanted


@contextmanager
def one_thread() -> Iterator[None]:
    """Return a context in which torch uses one thread, for work that memory limits rather than the processor.

    On a busy machine, several threads wait for one another far longer than they compute.
    """
    own_threads()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def own_threads() -> int:
    """Return torch's default CPU thread count. The first call must be made before another count is set.

    That is OMP_NUM_THREADS if set, else the number of cores that this process may run on.
    """
    return torch.get_num_threads()


def keep_compiled() -> None:
    """Raise oneDNN's cache of compiled primitives to PRIMITIVES, unless the user has set its size.

    Takes effect only before the first use of oneDNN.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(PRIMITIVES))


def convolution_dtype(device: torch.device) -> torch.dtype:
    """Return the fastest type for a vocoder's convolutions that sounds equally good (benchmarks/quality.py).

    bfloat16 on GPUs from Ampere on and on CPUs with AMX. Elsewhere it is slower (benchmarks/throughput.py), so that
    float32 is returned.
    """
    if device.type == "cuda":
        is_fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # torch has no public function for this.
        is_fast = device.type == "cpu" and torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return torch.bfloat16 if is_fast else torch.float32


def is_exhausted(error: BaseException) -> bool:
    """Return whether `error` means that memory ran out. torch's CPU allocator raises a plain RuntimeError."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "t allocate memory" in str(error)


class Memory:
    """The memory budget of a device, as `batches.Room`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._most = SECONDS
        self._per_second: float = BYTES_PER_SECOND

    def seconds(self) -> float:
        """See `batches.Room`."""
        return min(self._most, memory.SHARE * memory.free(self._device.type) / self._per_second)

    def used(self, seconds: float) -> None:
        """See `batches.Room`. On a GPU, the estimate uses the batch's measured peak."""
        if self._device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self._device) - torch.cuda.memory_allocated(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
            self._per_second = max(self._per_second, peak / seconds)

    def exhausted(self, seconds: float) -> None:
        """See `batches.Room`."""
        self._most = seconds / 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def rest(self) -> None:
        """See `batches.Room`. Keeps up to KEPT bytes cached, so that the next line need not allocate them again."""
        if self._device.type == "cuda" and memory.idle() > KEPT:
            torch.cuda.empty_cache()

    def is_exhausted(self, error: BaseException) -> bool:
        """See `batches.Room`."""
        return is_exhausted(error)
