"""Texts of different lengths in one batch, padded to the longest, each of which must see what it would see alone.

Alone, a text has zeros beyond its ends wherever a convolution reads, statistics of its own frames, and an end from
which the LSTMs' backward half begins. Padding must give it the same, and `Lengths` is what knows where it begins.
"""

from collections.abc import Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from speakkit.engines.styletts2 import kernels

EPS = 1e-5
"""Of the norms, as torch's own."""


STEP = 16
"""Frames, of 25 ms."""


def roomy(frames: int, device: torch.device) -> int:
    """How wide a batch is whose longest text has so many frames: on processors, the next multiple of STEP.

    For each width oneDNN compiles each convolution anew, which takes a quarter of all time where every text has another
    length; what it has compiled, it keeps (`device.PRIMITIVES`).
    """
    return -(-frames // STEP) * STEP if device.type == "cpu" else frames


class Lengths:
    """How much of each row of a batch is its own, at one rate: so many tokens, frames or samples.

    own: of each row; the rest of `width` is padding
    """

    def __init__(self, own: Sequence[int], device: torch.device, width: int = 0) -> None:
        self.own = tuple(own)
        self.width = width or max(own)
        self.device = device

    @property
    def is_ragged(self) -> bool:
        """Whether there is padding."""
        return min(self.own) < self.width

    @cached_property
    def counts(self) -> Tensor:
        """[batch] int64."""
        return torch.tensor(self.own).to(self.device, non_blocking=True)

    @cached_property
    def padding(self) -> Tensor:
        """[batch, 1, width], True where a row has ended."""
        return (torch.arange(self.width, device=self.device) >= self.counts[:, None])[:, None]

    def times(self, factor: int, plus: int = 0) -> "Lengths":
        """The same rows at a rate that is `factor` times as high, and with so many more."""
        own = [n * factor + plus for n in self.own]
        return Lengths(own, self.device, self.width * factor + plus)

    def trimmed_(self, x: Tensor) -> Tensor:
        """`x`, [batch, channels, width], with zeros for padding. In place."""
        if not self.is_ragged:
            return x
        if self.device.type != "cpu":
            return x.masked_fill_(self.padding, 0)
        for row, n in zip(x, self.own, strict=True):
            row[:, n:].zero_()
        return x

    def normed(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Instance norm: each channel of each row with mean 0 and variance 1 over its own frames, scaled and shifted.

        x is [batch, channels, width] and may lose its padding; scale and shift are [batch, channels]. Sums are of
        float32 at least. What is made of the padding is of no use.
        """
        if len(self.own) == 1:
            return self._normed_alone(x[:, :, None], scale[0], shift[0])[:, :, 0]
        wide = torch.promote_types(x.dtype, torch.float32)
        frames = self.counts.to(wide)[:, None, None]
        mean = self.trimmed_(x).sum(2, keepdim=True, dtype=wide) / frames
        centred = self.trimmed_(x - mean.to(x.dtype))
        norm = torch.linalg.vector_norm(centred, dim=2, keepdim=True, dtype=wide)
        gain = scale[..., None] * torch.rsqrt(norm.square() / frames + EPS)
        return centred.mul_(gain.to(x.dtype)).add_(shift[..., None].to(x.dtype))

    def _normed_alone(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """`normed` for a batch of one, [1, channels, 1, width]: its instance norm is batch norm.

        The kernels of batch norm know channels-last memory, and need not be given a copy.
        """
        if not self.is_ragged:
            return F.batch_norm(x, None, None, scale, shift, training=True, momentum=0.0, eps=EPS)
        running = torch.zeros_like(shift)  # its type is that of the statistics
        mean, variance = torch.batch_norm_update_stats(x[..., : self.own[0]], running, running.clone(), 0.0)
        return F.batch_norm(x, mean, variance, scale, shift, training=False, eps=EPS)

    def through(self, lstm: nn.LSTM, x: Tensor) -> Tensor:
        """What an LSTM of two directions makes of [batch, width, inputs]: [batch, width, outputs]."""
        if kernels.works(x.device):
            return kernels.recurrent(lstm, x, self.counts, max(self.own))
        if not self.is_ragged:
            whole: Tensor = lstm(x)[0]
            return whole
        if len(self.own) == 1:
            alone: Tensor = lstm(x[:, : self.own[0]])[0]
            return F.pad(alone, (0, 0, 0, self.width - self.own[0]))
        packed = pack_padded_sequence(x, torch.tensor(self.own), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=self.width)[0]
