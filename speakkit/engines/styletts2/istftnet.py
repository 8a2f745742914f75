"""Kokoro's decoder, iSTFTNet (Kaneko et al. 2022, arXiv:2203.02395), optimized for CPUs.

Its generator takes nine tenths of the total time. It computes the same function of the same weights as kokoro.istftnet,
except that
- the generator's frames are in channels-last memory, where the convolutions of oneDNN and cuDNN are fastest;
- instance norm and the style's scale and shift are one batch-norm call, and snake works in place;
- convolutions may run in bfloat16; the harmonic source, whose phase is a long sum, and the STFT may not (see
  `arrange`);
- the harmonic source is summed at the rate of F0; the original upsamples F0 300-fold and downsamples it again;
- noise comes from the caller's generators, so that a chunk's audio does not depend on earlier chunks.

Frame rates: an utterance of T frames of 25 ms has 2 T values of F0, 20 T and 120 T + 1 frames in the two stages, and
600 T samples.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speakkit.engines.styletts2 import kernels
from speakkit.engines.styletts2.adain import AdaIN, AdaINBlock
from speakkit.engines.styletts2.moments import Norms
from speakkit.engines.styletts2.padding import EPS, Lengths

SAMPLE_RATE = 24_000
"""Sample rate of the speech, in hertz."""

HARMONICS = 9
"""Number of sine waves in the source: F0 and its overtones."""

SINE = 0.1
"""Amplitude of a harmonic in voiced frames."""

HISS = 0.003
"""Standard deviation of the noise in voiced frames; in unvoiced frames it is SINE / 3."""

VOICED = 10.0
"""F0 threshold in hertz; a frame above it is voiced."""


class Decoder(nn.Module):
    """[batch, channels, T] text, [batch, 1, 2 T] F0 and energy, [batch, style_dim] style -> [batch, 600 T] samples.

    `frames` are each text's own length out of T. `noise` has one generator per text, which the caller seeds. The
    arguments after style_dim are those of "istftnet" in config.json.
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

    def forward(
        self,
        text: Tensor,
        f0: Tensor,
        energy: Tensor,
        style: Tensor,
        frames: Lengths,
        noise: Sequence[torch.Generator],
    ) -> Tensor:
        """See the class."""
        return self.generator.generated(self.prepared(text, f0, energy, style, frames, noise), style)

    def prepared(
        self,
        text: Tensor,
        f0: Tensor,
        energy: Tensor,
        style: Tensor,
        frames: Lengths,
        noise: Sequence[torch.Generator],
    ) -> "Prepared":
        """Return all that the generator needs, for the arguments of `forward`. It takes a tenth of the time."""
        dtype = next(self.asr_res.parameters()).dtype
        text, curves = text.to(dtype), [self.F0_conv(f0).to(dtype), self.N_conv(energy).to(dtype)]
        x = self.encode(torch.cat([text, *curves], 1), style, frames)
        beside = [self.asr_res(text), *curves]
        for block in self.decode:
            x = block(torch.cat([x, *beside], 1), style, frames)
        return self.generator.prepared(x, f0[:, 0], frames.times(2), noise)


@dataclass(frozen=True, eq=False)
class Prepared:
    """The input of the generator.

    features: [batch, 512, 2 T]
    harmonics: [batch, n_fft + 2, 120 T + 1], magnitude and phase of the harmonic source's STFT
    lengths: each text's own length out of 2 T
    """

    features: Tensor
    harmonics: Tensor
    lengths: Lengths

    def part(self, start: int, stop: int) -> "Prepared":
        """Return the frames of 25 ms from `start` to `stop` of a batch of one text, which must have them."""
        each = self.harmonics.shape[2] // (self.lengths.width // 2)
        return Prepared(
            self.features[:, :, 2 * start : 2 * stop],
            self.harmonics[:, :, each * start : each * stop + 1],
            Lengths([2 * (stop - start)], self.lengths.device),
        )


class Generator(nn.Module):
    """[batch, 512, 2 T] features, [batch, style_dim] style and [batch, 2 T] F0 in hertz -> [batch, 600 T] samples.

    Samples are at 24 kHz. `lengths` are each text's own length out of 2 T.
    """

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
        self.rates = tuple(upsample_rates)
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
        coarse = Conv(self.n_fft + 2, widths[1], 2 * rate, rate, (rate + 1) // 2)
        self.noise_convs = nn.ModuleList([coarse, Conv(self.n_fft + 2, widths[2], 1)])
        self.noise_res = nn.ModuleList(
            SnakeBlock(width, kernel, (1, 3, 5), style_dim) for width, kernel in ((widths[1], 7), (widths[2], 11))
        )
        self.conv_post = Conv(widths[-1], self.n_fft + 2, 7, padding=3)

    def forward(
        self, x: Tensor, style: Tensor, f0: Tensor, lengths: Lengths, noise: Sequence[torch.Generator]
    ) -> Tensor:
        """See the class."""
        return self.generated(self.prepared(x, f0, lengths, noise), style)

    def prepared(self, x: Tensor, f0: Tensor, lengths: Lengths, noise: Sequence[torch.Generator]) -> Prepared:
        """Return the features and the harmonics, for the arguments of `forward`."""
        samples, spectra = self._rates(lengths)
        return Prepared(x, self._analysed(self.m_source(f0, lengths, noise), samples, spectra), lengths)

    def generated(self, prepared: Prepared, style: Tensor, norms: Norms | None = None) -> Tensor:
        """Return the samples, [batch, 600 T]. May overwrite the padding of `prepared`.

        norms: moments of the norms, for blocks that are tiled; by default each has its own
        """
        lengths, x = prepared.lengths, _channels_last(prepared.features)
        harmonics = prepared.harmonics.to(x.dtype)
        samples, spectra = self._rates(lengths)
        shared = (norms,) if norms else ()
        for i, (up, rate) in enumerate(zip(self.ups, self.rates, strict=True)):
            x = up(lengths.trimmed_(F.leaky_relu_(x, 0.1)))
            lengths = lengths.times(rate)
            if i == len(self.ups) - 1:
                x, lengths = _reflected(x), spectra
            x = x.add_(self.noise_res[i](self.noise_convs[i](harmonics), style, lengths, *shared))
            blocks = self.resblocks[i * self.kernels : (i + 1) * self.kernels]
            x = _mean(block(x, style, lengths, *shared) for block in blocks)
        x = self.conv_post(spectra.trimmed_(F.leaky_relu_(x, 0.01)))
        return self._synthesised(x.to(prepared.harmonics.dtype), samples, spectra)

    def _rates(self, lengths: Lengths) -> tuple[Lengths, Lengths]:
        """Return the lengths in samples and in frames of the STFT."""
        each = self.m_source.upsampling
        return lengths.times(each), lengths.times(each // self.hop, plus=1)

    def _analysed(self, x: Tensor, samples: Lengths, spectra: Lengths) -> Tensor:
        """[batch, samples] -> [batch, n_fft + 2, frames]: magnitude and phase of the STFT.

        Each text is reflected at its own ends. This, and `_synthesised`, replace torch.stft and torch.istft, which have
        one end for the whole batch and make the CPU wait for the GPU.
        """
        last = samples.counts[:, None] - 1
        around = torch.arange(-self.n_fft // 2, samples.width + self.n_fft // 2, device=x.device)
        mirrored = last - (last - around.abs()).abs()
        frames = x.gather(1, mirrored.clamp_(min=0)).unfold(1, self.n_fft, self.hop)
        spectrum = torch.fft.rfft(frames * self._window(x))
        phase = spectrum.angle()
        # The first frame is symmetric, so its spectrum is real; the sign of a phase of pi would be rounding noise.
        phase[:, 0].abs_()
        return spectra.trimmed_(torch.cat([spectrum.abs(), phase], 2).transpose(1, 2))

    def _synthesised(self, x: Tensor, samples: Lengths, spectra: Lengths) -> Tensor:
        """[batch, n_fft + 2, frames] -> [batch, samples]: inverse STFT.

        The input is the log magnitude and a value whose sine is the phase.
        """
        magnitude, phase = x.transpose(1, 2).chunk(2, 2)
        window = self._window(x)
        frames = torch.fft.irfft(torch.polar(magnitude.exp(), phase.sin()), self.n_fft) * window
        spectra.trimmed_(frames.transpose(1, 2))
        weights = (~spectra.padding).to(x.dtype).transpose(1, 2) * window.square()
        inside = slice(self.n_fft // 2, self.n_fft // 2 + samples.width)
        summed, weight = self._overlapped(frames)[:, inside], self._overlapped(weights)[:, inside]
        return samples.trimmed_((summed / weight)[:, None])[:, 0]

    def _overlapped(self, frames: Tensor) -> Tensor:
        """[batch, frames, n_fft] -> [batch, samples]: overlap-add with `hop` samples between frames."""
        count = self.n_fft // self.hop
        pieces = frames.reshape(len(frames), -1, count, self.hop)
        summed = frames.new_zeros(len(frames), frames.shape[1] + count - 1, self.hop)
        for i in range(count):
            summed[:, i : i + frames.shape[1]] += pieces[:, :, i]
        return summed.flatten(1)

    def _window(self, like: Tensor) -> Tensor:
        """Return the Hann window of the STFT, on the device and with the type of `like`."""
        return torch.hann_window(self.n_fft, device=like.device, dtype=like.dtype)


class SnakeBlock(nn.Module):
    """AdaINResBlock1 of the original: one residual step per dilation.

    Each step is norm, snake, convolution, norm, snake, convolution, and the sum with its input.
    """

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int], style_dim: int) -> None:
        super().__init__()
        once, n = [1] * len(dilations), len(dilations)
        self.convs1 = nn.ModuleList(_same(channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_same(channels, kernel, dilation) for dilation in once)
        self.adain1 = nn.ModuleList(AdaIN(style_dim, channels) for _ in range(n))
        self.adain2 = nn.ModuleList(AdaIN(style_dim, channels) for _ in range(n))
        self.alpha1 = nn.ParameterList(torch.empty(1, channels, 1) for _ in range(n))
        self.alpha2 = nn.ParameterList(torch.empty(1, channels, 1) for _ in range(n))

    def forward(self, x: Tensor, style: Tensor, lengths: Lengths) -> Tensor:
        """[batch, channels, frames] -> the same shape. May overwrite the padding of `x`."""
        if kernels.works(x.device):
            return self._fused(x, style, lengths)
        for norm1, alpha1, conv1, norm2, alpha2, conv2 in self.parts():
            y = conv1(lengths.trimmed_(_snaked(_normed(x, style, norm1, lengths), alpha1)))
            x = conv2(lengths.trimmed_(_snaked(_normed(y, style, norm2, lengths), alpha2))).add_(x)
        return x

    def _fused(self, x: Tensor, style: Tensor, lengths: Lengths) -> Tensor:
        """Like `forward`, with GPU kernels. Output at padded positions is undefined."""
        counts = lengths.counts
        found = kernels.moments(x, counts)
        for norm1, alpha1, conv1, norm2, alpha2, conv2 in self.parts():
            # No bias, because the following norm would remove it.
            y = conv1.without_bias(kernels.snaked(x, found, norm1.bend(style), alpha1, counts, EPS))
            found = kernels.moments(y, counts)
            y = conv2.without_bias(kernels.snaked(y, found, norm2.bend(style), alpha2, counts, EPS))
            x, found = kernels.added(x, y, conv2.bias, counts)
        return x

    def parts(self) -> Iterator[tuple[Any, ...]]:
        """Yield the modules and parameters of each step."""
        parts = (self.adain1, self.alpha1, self.convs1, self.adain2, self.alpha2, self.convs2)
        return zip(*parts, strict=True)


def _normed(x: Tensor, style: Tensor, norm: AdaIN, lengths: Lengths) -> Tensor:
    """Apply `norm` in channels-last memory."""
    return lengths.normed(x, *norm.bend(style))


def _snaked(x: Tensor, alpha: Tensor) -> Tensor:
    """Apply snake in place: x + sin(alpha x)^2 / alpha (Ziyin et al. 2020, arXiv:2006.08195)."""
    return x.addcmul_((x * alpha).sin_().square_(), 1 / alpha)


class HarmonicSource(nn.Module):
    """F0 -> the sum of its harmonics with noise: SourceModuleHnNSF of the original."""

    def __init__(self, upsampling: int) -> None:
        """Create the source.

        upsampling: samples per value of F0
        """
        super().__init__()
        self.upsampling = upsampling
        self.l_linear = nn.Linear(HARMONICS, 1)

    def forward(self, f0: Tensor, lengths: Lengths, noise: Sequence[torch.Generator]) -> Tensor:
        """[batch, 2 T] F0 in hertz, zero in the padding -> [batch, 600 T] samples in [-1, 1].

        `lengths` are each text's own length out of 2 T. `noise` has one generator per text.
        """
        orders = torch.arange(1, HARMONICS + 1, device=f0.device, dtype=f0.dtype)
        cycles = (f0[:, None] * orders[:, None] / SAMPLE_RATE) % 1
        phase = cycles.cumsum(2) * (2 * torch.pi * self.upsampling)
        waves = F.interpolate(phase, scale_factor=self.upsampling, mode="linear").sin_().mul_(SINE)
        voiced = (f0 > VOICED).to(f0.dtype).repeat_interleave(self.upsampling, 1)[:, None]
        loudness = voiced * HISS + (1 - voiced) * (SINE / 3)
        waves = waves.mul_(voiced).addcmul_(loudness, self._hiss(waves, lengths, noise))
        return torch.tanh(self.l_linear(waves.transpose(1, 2)))[..., 0]

    def _hiss(self, waves: Tensor, lengths: Lengths, noise: Sequence[torch.Generator]) -> Tensor:
        """Return noise for each text, independent of its padding."""
        hiss = torch.zeros_like(waves)
        for out, n, generator in zip(hiss, lengths.times(self.upsampling).own, noise, strict=True):
            out[:, :n] = out.new_empty(HARMONICS, n).normal_(generator=generator)
        return hiss


class Conv(nn.Conv1d):
    """Conv1d over [batch, channels, frames] in channels-last memory."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name
        """See the class."""
        return self._convolved(input, self.bias)

    def without_bias(self, x: Tensor) -> Tensor:
        """Return what `forward` would return with a bias of zero."""
        return self._convolved(x, None)

    def _convolved(self, x: Tensor, bias: Tensor | None) -> Tensor:
        stride, padding, dilation = (1, self.stride[0]), (0, int(self.padding[0])), (1, self.dilation[0])
        return F.conv2d(x[:, :, None], self.weight[:, :, None], bias, stride, padding, dilation)[:, :, 0]


class ConvTranspose(nn.ConvTranspose1d):
    """ConvTranspose1d over [batch, channels, frames] in channels-last memory."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002, ARG002  torch's
        """See the class."""
        stride, padding = (1, self.stride[0]), (0, int(self.padding[0]))
        return F.conv_transpose2d(input[:, :, None], self.weight[:, :, None], self.bias, stride, padding)[:, :, 0]


def arrange(decoder: Decoder, dtype: torch.dtype) -> None:
    """Convert the decoder's weights to `dtype`, in the memory layout in which its convolutions are fastest.

    The weights to which speech is too sensitive keep their type: those of the norms' scales, of F0's own convolution
        and of the harmonic source.
    """
    convolving = [decoder.encode, decoder.decode, decoder.asr_res, decoder.generator]
    for part in convolving:
        arrange_block(part, dtype)


def arrange_block(block: nn.Module, dtype: torch.dtype) -> None:
    """`arrange` for a part of the decoder."""
    for module in block.modules():
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            module.to(dtype)
        if isinstance(module, SnakeBlock):
            module.alpha1.to(dtype)
            module.alpha2.to(dtype)
        if isinstance(module, Conv | ConvTranspose):
            module.weight.data = module.weight.data.transpose(1, 2).contiguous().transpose(1, 2)


def _same(channels: int, kernel: int, dilation: int) -> Conv:
    """Return a convolution that keeps the number of frames."""
    return Conv(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)


def _channels_last(x: Tensor) -> Tensor:
    """Return `x`, [batch, channels, frames], with the channels of each frame adjacent in memory."""
    return x.transpose(1, 2).contiguous().transpose(1, 2)


def _reflected(x: Tensor) -> Tensor:
    """Return `x`, [batch, channels, frames] in channels-last memory, with its second frame also before the first."""
    frames = x.transpose(1, 2)
    return torch.cat([frames[:, 1:2], frames], 1).transpose(1, 2)


def _mean(tensors: Iterable[Tensor]) -> Tensor:
    """Return the mean of tensors, summed into the first one, so that only two are in memory at a time."""
    remaining = iter(tensors)
    total = next(remaining)
    count = 1
    for tensor in remaining:
        total.add_(tensor)
        count += 1
    return total.div_(count)
