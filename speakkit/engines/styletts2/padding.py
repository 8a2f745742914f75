"""Padding: batches texts of different lengths so that each text gives the same result as alone.

For a text alone, convolutions read zeros beyond its ends, norms use statistics of its own frames, and the backward
half of an LSTM starts at its end. `Lengths` keeps the own length of each text, so that padding gives the same.
"""

from collections.abc import Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from speakkit.engines.styletts2 import kernels

EPS = 1e-5
"""Epsilon of the norms, equal to torch's default."""


STEP = 16
"""Step of padded widths on CPUs, in frames of 25 ms."""


def roomy(frames: int, device: torch.device) -> int:
    """Return the padded width for a longest text of `frames` frames: on CPUs, the next multiple of STEP.

    oneDNN compiles each convolution anew for each width, which takes a quarter of the total time if every text has
    another length. Compiled convolutions are cached (`device.PRIMITIVES`), so fewer widths mean fewer compilations.
    """
    return -(-frames // STEP) * STEP if device.type == "cpu" else frames


class Lengths:
    """The own length of each row of a padded batch, in tokens, frames or samples.

    own: own length of each row; the rest is padding
    width: padded length of all rows
    """

    def __init__(self, own: Sequence[int], device: torch.device, width: int = 0) -> None:
        """Create the lengths. `width` is by default the longest row."""
        self.own = tuple(own)
        self.width = width or max(own)
        self.device = device

    @property
    def is_ragged(self) -> bool:
        """Whether any row has padding."""
        return min(self.own) < self.width

    @cached_property
    def counts(self) -> Tensor:
        """The own lengths as [batch] int64."""
        return torch.tensor(self.own).to(self.device, non_blocking=True)

    @cached_property
    def padding(self) -> Tensor:
        """Mask of the padding: [batch, 1, width], True beyond a row's own length."""
        return (torch.arange(self.width, device=self.device) >= self.counts[:, None])[:, None]

    def times(self, factor: int, plus: int = 0) -> "Lengths":
        """Return the lengths at a rate `factor` times as high, with `plus` more per row."""
        own = [n * factor + plus for n in self.own]
        return Lengths(own, self.device, self.width * factor + plus)

    def trimmed_(self, x: Tensor) -> Tensor:
        """Zero the padding of `x`, [batch, channels, width], in place, and return it."""
        if not self.is_ragged:
            return x
        if self.device.type != "cpu":
            return x.masked_fill_(self.padding, 0)
        for row, n in zip(x, self.own, strict=True):
            row[:, n:].zero_()
        return x

    def normed(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Return the instance norm: each channel of each row scaled to mean 0 and variance 1, then scaled and shifted.

        Statistics cover a row's own frames only, and are summed in float32 at least. Output at padded positions is
        undefined.

        x: [batch, channels, width]; its padding may be overwritten
        scale, shift: [batch, channels]
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
        """`normed` for a batch of one, [1, channels, 1, width], for which instance norm is batch norm.

        The kernels of batch norm support channels-last memory, so no copy is needed.
        """
        if not self.is_ragged:
            return F.batch_norm(x, None, None, scale, shift, training=True, momentum=0.0, eps=EPS)
        running = torch.zeros_like(shift)  # its type sets that of the statistics
        mean, variance = torch.batch_norm_update_stats(x[..., : self.own[0]], running, running.clone(), 0.0)
        return F.batch_norm(x, mean, variance, scale, shift, training=False, eps=EPS)

    def through(self, lstm: nn.LSTM, x: Tensor) -> Tensor:
        """Run a bidirectional LSTM: [batch, width, inputs] -> [batch, width, outputs]."""
        if len(self.own) < kernels.ROWS and kernels.works(x.device):
            return kernels.recurrent(lstm, x, self.counts, max(self.own))
        if not self.is_ragged:
            whole: Tensor = lstm(x)[0]
            return whole
        if len(self.own) == 1:
            alone: Tensor = lstm(x[:, : self.own[0]])[0]
            return F.pad(alone, (0, 0, 0, self.width - self.own[0]))
        packed = pack_padded_sequence(x, torch.tensor(self.own), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=self.width)[0]
