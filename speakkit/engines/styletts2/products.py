"""Products with many fixed matrices at once, by oneDNN.

torch computes products of float32 matrices by MKL, which uses AVX-512 on Intel's processors only. oneDNN uses it on all
of them, and has these products as convolutions of one weight with groups. With weights in the order that oneDNN
chooses, they take 0.5 times as long as MKL's on an AMD EPYC with AVX-512, and 0.9 times with AVX2
(benchmarks/products.py).
"""

import platform

import torch
from torch import Tensor, nn

ROWS = 64
"""Rows of one call, for each thread. oneDNN compiles a program for each number of rows, and may choose another order of
the weights for it, so that all calls have the same number."""

THREADS = 4
"""Threads up to which a call grows."""


class Products(nn.Module):
    """[rows, matrices, inputs] -> [rows, matrices, outputs]: the product of each with a matrix of its own.

    weights: [matrices, outputs, inputs]
    """

    weights: Tensor

    def __init__(self, matrices: int, inputs: int, outputs: int, like: Tensor) -> None:
        """Create products without weights, which have the type and the device of `like`."""
        super().__init__()
        # `empty_like` would import 500 modules for the meta device.
        self.register_buffer("weights", torch.empty(matrices, outputs, inputs, dtype=like.dtype, device=like.device))
        self._packed: Tensor | None = None
        self._threads = 0

    def forward(self, x: Tensor, out: Tensor) -> None:
        """Write the products of `x` to `out`. Both must be contiguous, and have a multiple of `rows()` rows."""
        if not (is_faster() and x.dtype == torch.float32):
            torch.bmm(x.transpose(0, 1), self.weights.transpose(1, 2), out=out.transpose(0, 1))
            return
        packed, matrices, step = self._pack(), x.shape[1], rows()
        out.zero_()  # the operator adds to it; the one that does not allocates its output, which takes longer
        for i in range(0, len(x), step):
            torch.ops.mkldnn._convolution_pointwise_.binary(
                *(_wide(out[i : i + step]), _wide(x[i : i + step]), packed, None),
                *([0, 0], [1, 1], [1, 1], matrices),
                *("add", 1.0, None, [], ""),
            )

    def _pack(self) -> Tensor:
        """Return the weights in the order that oneDNN chooses for the current number of threads."""
        if self._packed is None or self._threads != torch.get_num_threads():
            matrices, outputs, inputs = self.weights.shape
            plain = self.weights.view(matrices * outputs, inputs, 1, 1)
            self._packed = None  # so that memory has it only once
            self._packed = torch.ops.mkldnn._reorder_convolution_weight(  # noqa: SLF001
                plain, [0, 0], [1, 1], [1, 1], matrices, [1, matrices * inputs, 1, rows()]
            )
            self._threads = torch.get_num_threads()
        return self._packed


def rows() -> int:
    """Return the number of rows of one call, with the current number of threads."""
    return ROWS * min(torch.get_num_threads(), THREADS)


def is_faster() -> bool:
    """Return whether oneDNN is used on this machine. It was not measured on other processors than x86."""
    is_measured = platform.machine() in {"x86_64", "AMD64"}
    return is_measured and hasattr(torch.ops.mkldnn, "_convolution_pointwise_")


def _wide(x: Tensor) -> Tensor:
    """[rows, matrices, n] -> [1, matrices n, 1, rows]: the same memory, as an image with adjacent channels."""
    return x.view(1, 1, len(x), -1).permute(0, 3, 1, 2)
