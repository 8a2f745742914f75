"""Kokoro's decoder, iSTFTNet (Kaneko et al. 2022, arXiv:2203.02395), arranged for the processor.

Its generator takes nine tenths of all time. It is the same function of the same weights as kokoro.istftnet's, but
- convolutions run over [batch, channels, 1, frames] in channels-last memory, where oneDNN and cuDNN are fastest;
- instance norm and the style's scale and shift are one batch-norm call, and snake works in place;
- the harmonic source is summed at the rate of F0, where the original upsamples F0 300-fold and back again;
- noise comes from a generator of the caller's, so that a chunk's audio does not depend on what was spoken before it.

Frames: an utterance of T frames of 25 ms has F0 at 2 T, the stages at 20 T and 120 T + 1, and 600 T samples.
"""

import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speakkit.engines.styletts2.adain import EPS, AdaIN, AdaINBlock

SAMPLE_RATE = 24_000
HARMONICS = 9
SINE = 0.1
"""Amplitude of a harmonic where the voice sounds."""

HISS = 0.003
"""Standard deviation of the noise beside it; where there is no voice it is SINE / 3."""

VOICED = 10.0
"""Hertz above which F0 is a voice."""


class Decoder(nn.Module):
    """[1, channels, T] text, F0 and energy [1, 1, 2 T] and [1, style_dim] style -> [1, 600 T] samples at 24 kHz.

    `noise` is drawn on for each call; its owner seeds it. The arguments after style_dim are those of "istftnet" in
    config.json.
    """

    def __init__(self, channels: int, style_dim: int, **istftnet: object) -> None:
        super().__init__()
        curves, text, width = 2, 64, 1024
        self.encode = AdaINBlock(channels + curves, width, style_dim)
        self.decode = nn.ModuleList(AdaINBlock(width + text + curves, width, style_dim) for _ in range(3))
        self.decode.append(AdaINBlock(width + text + curves, 512, style_dim, upsamples=True))
        self.F0_conv = nn.Conv1d(1, 1, 3, stride=2, padding=1)
        self.N_conv = nn.Conv1d(1, 1, 3, stride=2, padding=1)
        self.asr_res = nn.Sequential(nn.Conv1d(channels, text, 1))
        self.generator = Generator(style_dim, **istftnet)  # type: ignore[arg-type]

    def forward(self, text: Tensor, f0: Tensor, energy: Tensor, style: Tensor, noise: torch.Generator) -> Tensor:
        """See the class."""
        curves = [self.F0_conv(f0), self.N_conv(energy)]
        x = self.encode(torch.cat([text, *curves], 1), style)
        beside = [self.asr_res(text), *curves]
        for block in self.decode:
            x = block(torch.cat([x, *beside], 1), style)
        samples: Tensor = self.generator(x, style, f0[:, 0], noise)
        return samples


class Generator(nn.Module):
    """[1, 512, 2 T] features, [1, style_dim] style and [1, 2 T] F0 in hertz -> [1, 600 T] samples at 24 kHz."""

    def __init__(
        self,
        style_dim: int,
        *,
        upsample_initial_channel: int,
        upsample_rates: Sequence[int],
        upsample_kernel_sizes: Sequence[int],
        resblock_kernel_sizes: Sequence[int],
        resblock_dilation_sizes: Sequence[Sequence[int]],
        gen_istft_n_fft: int,
        gen_istft_hop_size: int,
    ) -> None:
        super().__init__()
        self.n_fft, self.hop = gen_istft_n_fft, gen_istft_hop_size
        self.kernels = len(resblock_kernel_sizes)
        self.m_source = HarmonicSource(math.prod(upsample_rates) * self.hop)
        widths = [upsample_initial_channel >> i for i in range(len(upsample_rates) + 1)]
        self.ups = nn.ModuleList(
            ConvTranspose(inputs, outputs, kernel, rate, (kernel - rate) // 2)
            for inputs, outputs, kernel, rate in zip(
                widths, widths[1:], upsample_kernel_sizes, upsample_rates, strict=False
            )
        )
        self.resblocks = nn.ModuleList(
            SnakeBlock(width, kernel, dilations, style_dim)
            for width in widths[1:]
            for kernel, dilations in zip(resblock_kernel_sizes, resblock_dilation_sizes, strict=True)
        )
        rate = upsample_rates[-1]
        self.noise_convs = nn.ModuleList(
            [
                Conv(self.n_fft + 2, widths[1], 2 * rate, rate, (rate + 1) // 2),
                Conv(self.n_fft + 2, widths[2], 1),
            ]
        )
        self.noise_res = nn.ModuleList(
            SnakeBlock(width, kernel, (1, 3, 5), style_dim) for width, kernel in ((widths[1], 7), (widths[2], 11))
        )
        self.conv_post = Conv(widths[-1], self.n_fft + 2, 7, padding=3)

    def forward(self, x: Tensor, style: Tensor, f0: Tensor, noise: torch.Generator) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):
            harmonics = _to_2d(self._analysed(self.m_source(f0.float(), noise)))
        x = _to_2d(x)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu_(x, 0.1))
            if i == len(self.ups) - 1:
                x = F.pad(x, (1, 0, 0, 0), mode="reflect").contiguous(memory_format=torch.channels_last)
            x = x.add_(self.noise_res[i](self.noise_convs[i](harmonics), style))
            blocks = self.resblocks[i * self.kernels : (i + 1) * self.kernels]
            x = _mean(block(x, style) for block in blocks)
        x = self.conv_post(F.leaky_relu_(x, 0.01))[:, :, 0].float()
        with torch.autocast(x.device.type, enabled=False):
            return self._synthesised(x)

    def _analysed(self, samples: Tensor) -> Tensor:
        """[batch, samples] -> [batch, n_fft + 2, frames], magnitude and phase."""
        window = torch.hann_window(self.n_fft, device=samples.device)
        spectrum = torch.stft(samples, self.n_fft, self.hop, window=window, return_complex=True)
        return torch.cat([spectrum.abs(), spectrum.angle()], 1)

    def _synthesised(self, x: Tensor) -> Tensor:
        """[batch, n_fft + 2, frames], log magnitude and what has the phase as its sine -> [batch, samples]."""
        magnitude, phase = x.chunk(2, 1)
        window = torch.hann_window(self.n_fft, device=x.device)
        spectrum = magnitude.exp() * torch.exp(phase.sin() * 1j)
        return torch.istft(spectrum, self.n_fft, self.hop, window=window)


class SnakeBlock(nn.Module):
    """AdaINResBlock1 of the original: three times norm, snake, convolution, norm, snake, convolution, and add."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int], style_dim: int) -> None:
        super().__init__()
        once, n = [1] * len(dilations), len(dilations)
        self.convs1 = nn.ModuleList(_same(channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_same(channels, kernel, dilation) for dilation in once)
        self.adain1 = nn.ModuleList(AdaIN(style_dim, channels) for _ in range(n))
        self.adain2 = nn.ModuleList(AdaIN(style_dim, channels) for _ in range(n))
        self.alpha1 = nn.ParameterList(torch.empty(1, channels, 1) for _ in range(n))
        self.alpha2 = nn.ParameterList(torch.empty(1, channels, 1) for _ in range(n))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """[1, channels, 1, frames] -> the same shape."""
        parts = (self.adain1, self.alpha1, self.convs1, self.adain2, self.alpha2, self.convs2)
        for norm1, alpha1, conv1, norm2, alpha2, conv2 in zip(*parts, strict=True):
            y = conv1(_snaked(_normed(x, style, norm1), alpha1))
            x = conv2(_snaked(_normed(y, style, norm2), alpha2)).add_(x)
        return x


def _normed(x: Tensor, style: Tensor, norm: AdaIN) -> Tensor:
    """What `norm` does, over [1, channels, 1, frames]."""
    scale, shift = norm.fc(style)[0].float().chunk(2)
    # Over a batch of one, batch norm's statistics are instance norm's, and its kernel knows channels-last.
    return F.batch_norm(x, None, None, 1 + scale, shift, training=True, momentum=0.0, eps=EPS)


def _snaked(x: Tensor, alpha: Tensor) -> Tensor:
    """Snake, in place: x + sin(alpha x)^2 / alpha (Ziyin et al. 2020, arXiv:2006.08195)."""
    alpha = alpha[..., None].to(x.dtype)
    return x.addcmul_((x * alpha).sin_().square_(), 1 / alpha)


class HarmonicSource(nn.Module):
    """F0 -> the sum of its harmonics with noise, SourceModuleHnNSF of the original."""

    def __init__(self, upsampling: int) -> None:
        """`upsampling`: samples for each value of F0."""
        super().__init__()
        self.upsampling = upsampling
        self.l_linear = nn.Linear(HARMONICS, 1)

    def forward(self, f0: Tensor, noise: torch.Generator) -> Tensor:
        """[1, 2 T] hertz -> [1, 600 T] samples in [-1, 1]."""
        orders = torch.arange(1, HARMONICS + 1, device=f0.device, dtype=f0.dtype)
        cycles = (f0[:, None] * orders[:, None] / SAMPLE_RATE) % 1
        phase = cycles.cumsum(2) * (2 * torch.pi * self.upsampling)
        waves = F.interpolate(phase, scale_factor=self.upsampling, mode="linear").sin_().mul_(SINE)
        voiced = (f0 > VOICED).to(f0.dtype).repeat_interleave(self.upsampling, 1)[:, None]
        loudness = voiced * HISS + (1 - voiced) * (SINE / 3)
        hiss = torch.empty_like(waves).normal_(generator=noise)
        waves = waves.mul_(voiced).addcmul_(loudness, hiss)
        return torch.tanh(self.l_linear(waves.transpose(1, 2)))[..., 0]


class Conv(nn.Conv1d):
    """Conv1d over [batch, channels, 1, frames] in channels-last memory."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name
        """See the class."""
        stride, padding, dilation = (1, self.stride[0]), (0, int(self.padding[0])), (1, self.dilation[0])
        return F.conv2d(input, self.weight[:, :, None], self.bias, stride, padding, dilation)


class ConvTranspose(nn.ConvTranspose1d):
    """ConvTranspose1d over [batch, channels, 1, frames] in channels-last memory."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002, ARG002  torch's
        """See the class."""
        stride, padding = (1, self.stride[0]), (0, int(self.padding[0]))
        return F.conv_transpose2d(input, self.weight[:, :, None], self.bias, stride, padding)


def arrange(model: nn.Module) -> None:
    """Put the weights of `Conv` and `ConvTranspose` into channels-last memory, one by one."""
    for module in model.modules():
        if isinstance(module, Conv | ConvTranspose):
            module.weight.data = module.weight.data.transpose(1, 2).contiguous().transpose(1, 2)


def _same(channels: int, kernel: int, dilation: int) -> Conv:
    """A convolution that keeps the number of frames."""
    return Conv(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)


def _to_2d(x: Tensor) -> Tensor:
    return x[:, :, None].contiguous(memory_format=torch.channels_last)


def _mean(tensors: Iterable[Tensor]) -> Tensor:
    """The mean of several tensors, summed into the first, so that no more than two are alive at once."""
    remaining = iter(tensors)
    total = next(remaining)
    count = 1
    for tensor in remaining:
        total.add_(tensor)
        count += 1
    return total.div_(count)
