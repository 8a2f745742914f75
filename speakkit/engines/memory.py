"""Free memory of a device, and how freed memory is used again. Imports torch only for a GPU."""

import ctypes
from contextlib import suppress

import psutil

SHARE = 0.6
"""Part of the free memory that a batch, or processes for bulk work, may use: other programs may need some meanwhile."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's parameters (malloc.h)."""

LARGEST, KEPT = 32 << 20, 256 << 20
"""Bytes of a tensor up to which it is kept, the most that glibc allows, and unused bytes that are kept."""


def free(device: str) -> int:
    """Return the available bytes of "cpu", "mps" (which shares the CPU's memory) or "cuda"."""
    if device == "cuda":
        import torch  # noqa: PLC0415  phonemizers and judges on a CPU need no torch

        return int(torch.cuda.mem_get_info()[0]) + idle()
    return int(psutil.virtual_memory().available)


def idle() -> int:
    """Return the bytes of GPU memory that torch has cached for later use."""
    import torch  # noqa: PLC0415  likewise

    return torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def keep_freed() -> None:
    """Arrange that the memory of large tensors on the CPU that are freed is used for the next ones.

    By default, glibc returns it to the system, which clears each page when it is used again. That took a tenth of the
    time of speech on a virtual machine. Does nothing with other C libraries.
    """
    with suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, KEPT)
