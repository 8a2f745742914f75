"""Measure the products of the generator's convolutions, by oneDNN and by torch's own: `python benchmarks/products.py`.

Prints, for 1 and 2 threads and each size that Kokoro has, billions of operations per second (best of 20, in turn). With
ONEDNN_MAX_CPU_ISA=AVX2, oneDNN computes as on a processor without AVX-512. MKL, which torch uses, does so on each
processor that is not Intel's.
"""

import time
from collections.abc import Callable
from unittest import mock

import torch

from speakkit.engines.styletts2 import products
from speakkit.engines.styletts2.products import Products, rows
from speakkit.engines.styletts2.tiled import TILES
from speakkit.engines.styletts2.toom_cook import POINTS, transforms

CHANNELS = (128, 256)


def seconds(act: Callable[[], None]) -> float:
    """Seconds that `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def measured(matrices: int, channels: int) -> tuple[float, float]:
    """Best seconds of a block by oneDNN, and by torch."""
    made = Products(matrices, channels, channels, torch.empty(0))
    made.weights.normal_()
    x = torch.randn(TILES * torch.get_num_threads() // rows() * rows(), matrices, channels)
    out = torch.empty_like(x)
    ours, theirs = [], []
    for _ in range(20):
        ours.append(seconds(lambda: made(x, out)))
        with mock.patch.object(products, "is_faster", return_value=False):
            theirs.append(seconds(lambda: made(x, out)))
    return min(ours), min(theirs)


def main() -> None:
    """Print the table."""
    print(f"{torch.backends.cpu.get_cpu_capability()}\n")
    print("| threads | kernel | matrices | channels | oneDNN | torch | ratio |\n|---|---|---|---|---|---|---|")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for kernel in POINTS:
            matrices = len(transforms(kernel).weights)
            for channels in CHANNELS:
                ours, theirs = measured(matrices, channels)
                work = 2e-9 * matrices * channels**2 * TILES * threads
                row = f"{work / ours:.0f} | {work / theirs:.0f} | {theirs / ours:.2f}"
                print(f"| {threads} | {kernel} | {matrices} | {channels} | {row} |")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
