"""Moments of channels, by which the generator's norms scale them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """Moments of some frames: mean and variance of each channel, [channels] in float64."""

    frames: int
    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, x: Tensor) -> "Moments":
        """Return the moments of `x`, [frames, channels]."""
        running = x.new_zeros(x.shape[1])
        mean, variance = torch.batch_norm_update_stats(x.t()[None, :, None], running, running.clone(), 0.0)
        return cls(len(x), mean.double(), variance.double())

    @classmethod
    def merged(cls, parts: Sequence["Moments"]) -> "Moments":
        """Return the moments of the frames of all parts together.

        Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance".
        """
        frames = sum(part.frames for part in parts)
        shares = torch.tensor([part.frames / frames for part in parts], dtype=torch.float64)[:, None]
        means = torch.stack([part.mean for part in parts])
        variances = torch.stack([part.variance for part in parts])
        mean = (shares * means).sum(0)
        return cls(frames, mean, (shares * (variances + (means - mean).square())).sum(0))


class Norms:
    """The moments of all norms of a network, in the order in which they are computed.

    They are recorded while the first part of a text is computed, and repeated for its other parts. So these sound as
    loud and as bright as the first, and continue it without a seam.
    """

    def __init__(self) -> None:
        self._recorded: list[Moments] = []
        self._next: int | None = None

    def repeat(self) -> None:
        """Repeat the recorded moments from the first on."""
        self._next = 0

    def settled(self, own: Moments) -> Moments:
        """Return the moments that the next norm uses: `own`, which are recorded, or those that were."""
        if self._next is None:
            self._recorded.append(own)
            return own
        self._next += 1
        return self._recorded[self._next - 1]
