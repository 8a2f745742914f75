"""Kokoro's generator, the part of it that takes nine tenths of the time, arranged for the processor.

The same weights and the same function as kokoro.istftnet.Generator (Kaneko et al. 2022, arXiv:2203.02395), but
- convolutions run over [batch, channels, 1, frames] in channels-last memory, where oneDNN and cuDNN are fastest;
- instance norm and the style's scale and shift are one batch-norm call, and snake works in place;
- the harmonic source is summed at the rate of F0, where the original upsamples F0 300-fold and back again;
- noise comes from a generator of its own, so that a chunk's audio does not depend on what was spoken before it.

Frames: an utterance of T frames of 25 ms has F0 at 2 T, the stages at 20 T and 120 T + 1, and 600 T samples.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import remove_weight_norm


def fold_weight_norm(model: nn.Module) -> None:
    """Compute every weight of `model` once, in place; with weight norm they are computed again at each call."""
    for module in model.modules():
        if any(type(hook).__name__ == "WeightNorm" for hook in vars(module)["_forward_pre_hooks"].values()):
            remove_weight_norm(module)


class Generator(nn.Module):
    """[1, 512, 2 T] features, [1, 128] style and [1, 2 T] F0 -> [1, 1, 600 T] samples at 24 kHz.

    A drop-in for `kokoro.istftnet.Generator`, whose weight norm must have been folded. `noise` is drawn on for each
    call; its owner seeds it.
    """

    def __init__(self, original: Any, device: torch.device) -> None:
        super().__init__()
        self.noise = torch.Generator(device)
        self.source = HarmonicSource(original.m_source)
        self.stft = original.stft
        self.bins: int = original.post_n_fft // 2 + 1
        self.ups = _channels_last(original.ups)
        self.noise_convs = _channels_last(original.noise_convs)
        self.noise_blocks = nn.ModuleList(SnakeBlock(block) for block in original.noise_res)
        self.blocks = nn.ModuleList(SnakeBlock(block) for block in original.resblocks)
        self.kernels: int = original.num_kernels
        self.conv_post = _channels_last([original.conv_post])[0]

    def forward(self, x: Tensor, style: Tensor, f0: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):
            harmonics = torch.cat(self.stft.transform(self.source(f0.float(), self.noise)), 1)
        harmonics = _to_2d(harmonics)
        x = _to_2d(x)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu_(x, 0.1))
            if i == len(self.ups) - 1:
                x = F.pad(x, (1, 0, 0, 0), mode="reflect").contiguous(memory_format=torch.channels_last)
            x = x.add_(self.noise_blocks[i](self.noise_convs[i](harmonics), style))
            blocks = self.blocks[i * self.kernels : (i + 1) * self.kernels]
            x = _mean(block(x, style) for block in blocks)
        x = self.conv_post(F.leaky_relu_(x, 0.01))[:, :, 0].float()
        with torch.autocast(x.device.type, enabled=False):
            samples: Tensor = self.stft.inverse(x[:, : self.bins].exp(), x[:, self.bins :].sin())
        return samples


class SnakeBlock(nn.Module):
    """AdaINResBlock1 of the original: three times norm, snake, convolution, norm, snake, convolution, and add."""

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.convs = _channels_last(_alternating(original.convs1, original.convs2))
        norms = _alternating(original.adain1, original.adain2)
        self.styles = nn.ModuleList(norm.fc for norm in norms)
        self.eps: float = norms[0].norm.eps
        self.alphas = [alpha.detach()[..., None] for alpha in _alternating(original.alpha1, original.alpha2)]

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """[1, channels, 1, frames] -> the same shape."""
        for i in range(0, len(self.convs), 2):
            y = self.convs[i](self._activated(i, x, style))
            x = self.convs[i + 1](self._activated(i + 1, y, style)).add_(x)
        return x

    def _activated(self, i: int, x: Tensor, style: Tensor) -> Tensor:
        """Adaptive instance norm, then snake: y + sin(a y)^2 / a (Ziyin et al. 2020, arXiv:2006.08195)."""
        scale, shift = self.styles[i](style)[0].float().chunk(2)
        # Over a batch of one, batch norm's statistics are instance norm's, and its kernel knows channels-last.
        y = F.batch_norm(x, None, None, 1 + scale, shift, training=True, momentum=0.0, eps=self.eps)
        alpha = self.alphas[i].to(y.dtype)
        return y.addcmul_((y * alpha).sin_().square_(), 1 / alpha)


class HarmonicSource(nn.Module):
    """F0 -> the sum of nine harmonics with noise, SourceModuleHnNSF of the original."""

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.linear = original.l_linear
        self.sine = original.l_sin_gen

    def forward(self, f0: Tensor, noise: torch.Generator) -> Tensor:
        """[1, 2 T] hertz -> [1, 600 T] samples in [-1, 1]."""
        sine, upsampling = self.sine, int(self.sine.upsample_scale)
        orders = torch.arange(1, sine.dim + 1, device=f0.device, dtype=f0.dtype)
        cycles = (f0[:, None] * orders[:, None] / sine.sampling_rate) % 1
        phase = cycles.cumsum(2) * (2 * torch.pi * upsampling)
        waves = F.interpolate(phase, scale_factor=upsampling, mode="linear").sin_().mul_(sine.sine_amp)
        voiced = (f0 > sine.voiced_threshold).to(f0.dtype).repeat_interleave(upsampling, 1)[:, None]
        loudness = voiced * sine.noise_std + (1 - voiced) * (sine.sine_amp / 3)
        hiss = torch.empty_like(waves).normal_(generator=noise)
        waves = waves.mul_(voiced).addcmul_(loudness, hiss)
        return torch.tanh(self.linear(waves.transpose(1, 2)))[..., 0]


def _channels_last(convs: Iterable[Any]) -> nn.ModuleList:
    return nn.ModuleList(_conv2d(conv) for conv in convs)


def _conv2d(conv: nn.Conv1d | nn.ConvTranspose1d) -> nn.Conv2d | nn.ConvTranspose2d:
    """The same convolution over [batch, channels, 1, frames]."""
    over_frames = {
        "kernel_size": (1, conv.kernel_size[0]),
        "stride": (1, conv.stride[0]),
        "padding": (0, int(conv.padding[0])),
        "dilation": (1, conv.dilation[0]),
        "groups": conv.groups,
        "device": "meta",
    }
    twin: nn.Conv2d | nn.ConvTranspose2d
    if isinstance(conv, nn.ConvTranspose1d):
        over_frames["output_padding"] = (0, conv.output_padding[0])
        twin = nn.ConvTranspose2d(conv.in_channels, conv.out_channels, **over_frames)  # type: ignore[arg-type]
    else:
        twin = nn.Conv2d(conv.in_channels, conv.out_channels, **over_frames)  # type: ignore[arg-type]
    weight = conv.weight.detach()[:, :, None].contiguous(memory_format=torch.channels_last)
    twin.weight = nn.Parameter(weight, requires_grad=False)
    twin.bias = conv.bias
    return twin


def _to_2d(x: Tensor) -> Tensor:
    return x[:, :, None].contiguous(memory_format=torch.channels_last)


def _alternating(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    return [item for pair in zip(first, second, strict=True) for item in pair]


def _mean(tensors: Iterable[Tensor]) -> Tensor:
    """The mean of several tensors, summed into the first, so that no more than two are alive at once."""
    remaining = iter(tensors)
    total = next(remaining)
    count = 1
    for tensor in remaining:
        total.add_(tensor)
        count += 1
    return total.div_(count)
