"""Prosody prediction: the duration of each phoneme, and the curves of F0 and energy."""

from collections import OrderedDict
from typing import cast

import torch
from torch import Tensor, nn

from speakkit.engines.styletts2.adain import AdaINBlock, AdaLayerNorm
from speakkit.engines.styletts2.padding import Lengths


def bilstm(inputs: int, outputs: int) -> nn.LSTM:
    """Return a bidirectional LSTM: [batch, length, inputs] -> [batch, length, outputs], half per direction."""
    return nn.LSTM(inputs, outputs // 2, batch_first=True, bidirectional=True)


class ProsodyPredictor(nn.Module):
    """Encoded phonemes and a style -> durations, then F0 and energy."""

    def __init__(self, channels: int, style_dim: int, layers: int, max_duration: int) -> None:
        super().__init__()
        self.text_encoder = DurationEncoder(channels, style_dim, layers)
        self.lstm = bilstm(channels + style_dim, channels)
        self.duration_proj = nn.Sequential(OrderedDict(linear_layer=nn.Linear(channels, max_duration)))
        self.shared = bilstm(channels + style_dim, channels)
        self.F0 = _curve_blocks(channels, style_dim)
        self.N = _curve_blocks(channels, style_dim)
        self.F0_proj = nn.Conv1d(channels // 2, 1, 1)
        self.N_proj = nn.Conv1d(channels // 2, 1, 1)

    def durations(self, hidden: Tensor, speeds: Tensor, tokens: Lengths) -> Tensor:
        """Return the duration of each token, [batch, tokens] int64, in frames; zero in the padding.

        The start token, the silence before the first phoneme, is as long at every speed. Upstream divides it by the
        speed like every other token. But the energy curve rises a fixed number of frames after the start of the text,
        as many as that silence has at speed 1.0. In a shorter silence it is still low at the first phoneme, which is
        then weak or missing; a longer one contains a vowel (kokoro issue 344).

        hidden: output of the duration encoder, [batch, tokens, channels + style_dim]
        speeds: [batch]
        """
        frames = torch.sigmoid(self.duration_proj(tokens.through(self.lstm, hidden))).sum(2)
        frames[:, 1:] /= speeds[:, None]
        # NaN, as from a broken voice, would give the whole batch an invalid length.
        frames = frames.nan_to_num(1.0)
        return tokens.trimmed_(frames.round().clamp(min=1).long()[:, None])[:, 0]

    def curves(self, hidden: Tensor, style: Tensor, frames: Lengths) -> tuple[Tensor, Tensor]:
        """Return F0 in hertz and energy, each [batch, 1, 2 T], zero in the padding.

        hidden: output of the duration encoder by frame, [batch, T, channels + style_dim]
        """
        shared = frames.through(self.shared, hidden).transpose(1, 2)
        f0 = self.F0_proj(_through(self.F0, shared, style, frames))
        energy = self.N_proj(_through(self.N, shared, style, frames))
        twice = frames.times(2)
        return twice.trimmed_(f0), twice.trimmed_(energy)


class DurationEncoder(nn.Module):
    """[batch, tokens, channels] and a style [batch, style_dim] -> [batch, tokens, channels + style_dim]."""

    def __init__(self, channels: int, style_dim: int, layers: int) -> None:
        super().__init__()
        # One list, as in the checkpoint: LSTM, norm, LSTM, norm, ...
        pairs = [(bilstm(channels + style_dim, channels), AdaLayerNorm(style_dim, channels)) for _ in range(layers)]
        self.lstms = nn.ModuleList(module for pair in pairs for module in pair)

    def forward(self, x: Tensor, style: Tensor, lengths: Lengths) -> Tensor:
        """See the class."""
        everywhere = style[:, None].expand(-1, x.shape[1], -1)
        x = torch.cat([x, everywhere], 2)
        for lstm, norm in zip(self.lstms[::2], self.lstms[1::2], strict=True):
            x = torch.cat([norm(lengths.through(cast("nn.LSTM", lstm), x), style), everywhere], 2)
        return x


def _curve_blocks(channels: int, style_dim: int) -> nn.ModuleList:
    """Return the blocks of one curve; the middle one doubles the frames."""
    return nn.ModuleList(
        [
            AdaINBlock(channels, channels, style_dim),
            AdaINBlock(channels, channels // 2, style_dim, upsamples=True),
            AdaINBlock(channels // 2, channels // 2, style_dim),
        ]
    )


def _through(blocks: nn.ModuleList, x: Tensor, style: Tensor, frames: Lengths) -> Tensor:
    """Run the blocks of a curve over [batch, channels, T]; from the middle one on there are 2 T frames."""
    for block in blocks:
        x = block(x, style, frames)
        frames = frames.times(2) if block.upsamples else frames
    return x
