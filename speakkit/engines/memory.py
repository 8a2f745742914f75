"""How much memory a device has left. Loads torch only for a GPU."""

import psutil


def free(device: str) -> int:
    """Bytes that can be had on `device`: "cpu", "mps" (which has the same memory) or "cuda"."""
    if device == "cuda":
        import torch  # noqa: PLC0415  phonemizers and judges on a processor need none of it

        return int(torch.cuda.mem_get_info()[0]) + idle()
    return int(psutil.virtual_memory().available)


def idle() -> int:
    """Bytes of the GPU's memory that torch keeps for later."""
    import torch  # noqa: PLC0415  likewise

    return torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
