"""Which processor a torch engine runs on."""

import torch

from speakkit.config import DEVICES
from speakkit.errors import BadValue, EngineError

CONVOLUTION_DTYPE = {"cuda": torch.float32, "mps": torch.float32, "cpu": torch.float32}
"""The type that a vocoder's convolutions run in by default. bfloat16 is as good (benchmarks/quality.py), but was
measured slower on processors with AVX-512 and no AMX (benchmarks/throughput.py), and is not yet measured on a GPU."""


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
