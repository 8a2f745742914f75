"""Which processor a torch engine runs on."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from speakkit.config import DEVICES
from speakkit.engines import memory
from speakkit.errors import BadValue, EngineError

BATCH = {"cuda": 32, "mps": 1, "cpu": 1}
"""Chunks that are spoken at once by default. On processors a batch is slower than its chunks one by one
(benchmarks/batches.py); on an H100, 32 are 6 times as fast as one, and 128 hardly faster (benchmarks/gpu.py)."""

SECONDS = 600.0
"""Of speech in one batch, padding included: an urgent chunk waits for no longer a one."""

BYTES_PER_SECOND = 48 << 20
"""What a second of a batch is taken to need at its peak. A processor needed some 12 MiB in bfloat16
(benchmarks/batches.py) and 16 to 23 in float32, an H100 less than 20 with what its libraries want; a GPU's own peak
counts where it is higher."""

SHARE = 0.6
"""Of the memory that is free, for a batch: others may want some while it is spoken."""

KEPT = 128 << 20
"""Bytes of a GPU that are kept between batches while nobody waits."""

PRIMITIVES = 4096
"""What oneDNN keeps of what it has compiled: by its own default 1024, which are the convolutions of some 20 widths."""

TESTED = ((2, 8), (2, 14))
"""Releases of torch: from the first on, below the last."""

NVIDIA = (Path("/dev/nvidiactl"), Path("/usr/lib/wsl/lib/libcuda.so.1"))
"""One of these is there where an NVIDIA driver is, on Linux and on WSL."""


@dataclass(frozen=True)
class Torch:
    """The torch that is installed.

    device: what engines run on, with its name
    unused_gpu: a GPU is there that this torch cannot use
    gpu: the UUID of the GPU that engines run on, as NVIDIA's tools write it; "" where they run on none of NVIDIA's
    """

    version: str
    device: str
    unused_gpu: bool
    gpu: str = ""

    @property
    def is_tested(self) -> bool:
        """Whether speakkit was tested with it."""
        first, beyond = TESTED
        major, minor = (int(part) for part in self.version.split(".")[:2])
        return first <= (major, minor) < beyond

    def __str__(self) -> str:
        return f"{self.version}, runs on {self.device}"


def describe(name: str = "auto") -> Torch:
    """What there is of torch and processors, where engines run on the device `name`. Raises as `pick` does."""
    picked = pick(name).type
    driver = any(file.exists() for file in NVIDIA)
    if picked == "cuda":
        found = torch.cuda.get_device_properties()
        uuid = f"GPU-{str(found.uuid).removeprefix('GPU-')}"
        return Torch(torch.__version__, f"{picked} ({found.name})", unused_gpu=False, gpu=uuid)
    return Torch(torch.__version__, f"{picked} ({torch.get_num_threads()} threads)", unused_gpu=driver)


def pick(name: str) -> torch.device:
    """`name`, or for "auto" the fastest device there is. Raises EngineError where this machine has no such device."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, present in available.items() if present)
    if name not in available:
        raise BadValue(f"there is no device {name!r}; try one of {', '.join(DEVICES)}")
    if not available[name]:
        raise EngineError(f"torch sees no {name} device on this machine; leave --device out, or say --device cpu")
    return torch.device(name)


def fix_threads(count: int = 0) -> int:
    """Have torch compute with `count` threads of the processor from here on, and return how many these are.

    count: 0 for torch's own choice, see `own_threads`
    Sums are taken in another order with another count, so that it is part of a voice, as its seed is. torch keeps a
    count for each thread of the program: say it in the thread that computes.
    """
    own = own_threads()  # found before another count is set
    wanted = count or own
    if torch.get_num_threads() != wanted:
        torch.set_num_threads(wanted)
    return wanted


@cache
def own_threads() -> int:
    """How many torch takes by itself: what OMP_NUM_THREADS says, or the cores that this process may run on."""
    return torch.get_num_threads()


def keep_compiled() -> None:
    """Have oneDNN keep more of what it compiles, unless the user has said how much. Counts before its first use."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(PRIMITIVES))


def convolution_dtype(device: torch.device) -> torch.dtype:
    """The type that a vocoder's convolutions are fastest in, and as good (benchmarks/quality.py).

    bfloat16 on GPUs from Ampere on and on processors with AMX; without, it is slower (benchmarks/throughput.py).
    """
    if device.type == "cuda":
        is_fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # There is no public way to ask.
        is_fast = device.type == "cpu" and torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return torch.bfloat16 if is_fast else torch.float32


class Memory:
    """The memory of a device, as `batches.Room`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._most = SECONDS
        self._per_second: float = BYTES_PER_SECOND

    def seconds(self) -> float:
        """See `batches.Room`."""
        return min(self._most, SHARE * memory.free(self._device.type) / self._per_second)

    def used(self, seconds: float) -> None:
        """See `batches.Room`. On a GPU a batch's peak is known."""
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
        """See `batches.Room`. What a line takes is kept, so that the next one need not ask for it."""
        if self._device.type == "cuda" and memory.idle() > KEPT:
            torch.cuda.empty_cache()

    def is_exhausted(self, error: BaseException) -> bool:
        """See `batches.Room`. The processor's allocator raises a plain RuntimeError."""
        return isinstance(error, MemoryError | torch.OutOfMemoryError) or "t allocate memory" in str(error)
