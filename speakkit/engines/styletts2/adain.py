"""Style-adaptive layers: norms whose scale and shift are computed from a style (AdaIN, arXiv:1703.06868).

Kokoro is StyleTTS 2 (Li et al. 2023, arXiv:2306.07691); its prosody and its decoder are built of these layers.
Parameter names are those of the published checkpoint, here and in the other modules of this package.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from speakkit.engines.styletts2.padding import EPS, Lengths

SLOPE = 0.2
"""Negative slope of the leaky ReLU."""


class AdaIN(nn.Module):
    """Adaptive instance norm: [batch, channels, frames] and a style [batch, style_dim] -> the same shape.

    The style, its scale and its shift are float32, whatever the type of the frames.
    """

    def __init__(self, style_dim: int, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(style_dim, 2 * channels)

    def bend(self, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scale and the shift for a style, each [batch, channels]."""
        scale, shift = self.fc(style).chunk(2, 1)
        return 1 + scale, shift

    def forward(self, x: Tensor, style: Tensor, lengths: Lengths) -> Tensor:
        """See the class. Overwrites the padding of `x`."""
        scale, shift = self.bend(style)
        if lengths.is_ragged:
            return lengths.normed(x, scale, shift)
        scale, shift = scale[..., None].to(x.dtype), shift[..., None].to(x.dtype)
        normed: Tensor = scale * F.instance_norm(x, eps=EPS) + shift
        return normed


class AdaLayerNorm(nn.Module):
    """Adaptive layer norm: [batch, length, channels] and a style [batch, style_dim] -> the same shape."""

    def __init__(self, style_dim: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.fc = nn.Linear(style_dim, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """See the class."""
        scale, shift = self.fc(style)[:, None].chunk(2, 2)
        normed: Tensor = (1 + scale) * F.layer_norm(x, (self.channels,), eps=EPS) + shift
        return normed


class AdaINBlock(nn.Module):
    """Two convolutions, each after a norm, and a residual connection: AdainResBlk1d of the original.

    [batch, inputs, frames] and a style -> [batch, outputs, frames], or twice the frames if it upsamples.
    """

    def __init__(self, inputs: int, outputs: int, style_dim: int, *, upsamples: bool = False) -> None:
        super().__init__()
        self.upsamples = upsamples
        self.norm1 = AdaIN(style_dim, inputs)
        self.norm2 = AdaIN(style_dim, outputs)
        self.conv1 = nn.Conv1d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv1d(outputs, outputs, 3, padding=1)
        self.conv1x1 = nn.Conv1d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()
        self.pool = _twice(inputs) if upsamples else nn.Identity()

    def forward(self, x: Tensor, style: Tensor, lengths: Lengths) -> Tensor:
        """See the class. `lengths` are those of `x`."""
        out = lengths.times(2) if self.upsamples else lengths
        # The norm turns zeros in the padding into its shift, so the padding is zeroed again before each convolution.
        y = lengths.trimmed_(F.leaky_relu_(self.norm1(x, style, lengths), SLOPE))
        y = self.conv1(out.trimmed_(self.pool(y)))
        y = self.conv2(out.trimmed_(F.leaky_relu_(self.norm2(y, style, out), SLOPE)))
        shortcut = F.interpolate(x, scale_factor=2.0, mode="nearest") if self.upsamples else x
        summed: Tensor = (y + self.conv1x1(shortcut)) * math.sqrt(0.5)
        return summed


def _twice(channels: int) -> nn.Module:
    """Return a layer that doubles the frames, channel by channel."""
    return nn.ConvTranspose1d(channels, channels, 3, stride=2, padding=1, output_padding=1, groups=channels)
