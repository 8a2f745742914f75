"""Free memory of a device. Imports torch only for a GPU."""

import psutil

SHARE = 0.6
"""Part of the free memory that a batch, or processes for bulk work, may use: other programs may need some meanwhile."""


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
