"""Which processor a torch engine runs on."""

from dataclasses import dataclass
from pathlib import Path

import torch

from speakkit.config import DEVICES
from speakkit.errors import BadValue, EngineError

CONVOLUTION_DTYPE = {"cuda": torch.float32, "mps": torch.float32, "cpu": torch.float32}
"""The type that a vocoder's convolutions run in by default. bfloat16 is as good (benchmarks/quality.py), but was
measured slower on processors with AVX-512 and no AMX (benchmarks/throughput.py), and is not yet measured on a GPU."""


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
