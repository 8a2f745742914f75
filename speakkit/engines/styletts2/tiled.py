"""The generator's blocks on processors in float32, with Toom-Cook convolutions (see `toom_cook`).

A convolution of 11 weights takes 2.1 multiplications for each output instead of 11, one of 7 weights 1.6, one of 3
weights 1.25. It works on tiles of some outputs each. So that everything that is done to a tile is done while it is in
the processor's cache, a block of some tiles goes through all steps before the next one does: norm and snake, the
inward transform, the products, the outward transform, and the moments that the next norm needs.

Only a text's own frames are computed, so widths need not be `padding.roomy` here.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from speakkit.engines.styletts2.adain import AdaIN
from speakkit.engines.styletts2.istftnet import Conv, Generator, SnakeBlock
from speakkit.engines.styletts2.moments import Moments, Norms
from speakkit.engines.styletts2.padding import EPS, Lengths
from speakkit.engines.styletts2.products import THREADS, Products, rows
from speakkit.engines.styletts2.toom_cook import transforms

TILES = 128
"""Tiles in a block, for each thread: with 128 channels, 1.4 MB of products."""

PIECE = 1 << 15
"""Numbers of which snake is computed at once, for each thread. torch splits no smaller tensors."""


def is_tiled(generator: Generator) -> bool:
    """Return whether `tile` has replaced all blocks of a generator."""
    return all(isinstance(block, TiledBlock) for block in (*generator.resblocks, *generator.noise_res))


def tile(generator: Generator) -> None:
    """Replace each `SnakeBlock` by a `TiledBlock`, one by one. Its weights take 1.9 to 3.3 times as much memory.

    On torch's meta device, the new blocks have no weights either.
    Raises torch's RuntimeError, or MemoryError, if memory runs out; the blocks up to there are replaced then.
    """
    for blocks in (generator.resblocks, generator.noise_res):
        for i, block in enumerate(blocks):
            assert isinstance(block, SnakeBlock)
            tiled = TiledBlock(block)
            if not tiled.bias.is_meta:
                tiled.take(block)
            blocks[i] = tiled


class TiledBlock(nn.Module):
    """`SnakeBlock` with Toom-Cook convolutions."""

    bias: Tensor

    def __init__(self, block: SnakeBlock) -> None:
        """Create a block that has the norms of `block`, and no weights yet."""
        super().__init__()
        parts = list(block.parts())
        self.firsts = nn.ModuleList(TiledConv(norm, conv) for norm, _, conv, _, _, _ in parts)
        self.seconds = nn.ModuleList(TiledConv(norm, conv) for _, _, _, norm, _, conv in parts)
        weight = parts[0][2].weight
        # `empty_like` would import 500 modules for the meta device.
        self.register_buffer("bias", torch.empty(len(weight), dtype=weight.dtype, device=weight.device))
        self._room = max(conv.period for conv in self.modules() if isinstance(conv, TiledConv))

    def take(self, block: SnakeBlock) -> None:
        """Take over the weights of `block`."""
        biases = []
        for first, second, (_, alpha1, conv1, _, alpha2, conv2) in zip(
            self.firsts, self.seconds, block.parts(), strict=True
        ):
            cast("TiledConv", first).take(alpha1, conv1)
            cast("TiledConv", second).take(alpha2, conv2)
            biases.append(conv2.bias.data)
        # The norm behind each first convolution would remove its bias; those of the second ones are added at the end.
        self.bias.copy_(torch.stack(biases).sum(0))

    def forward(self, x: Tensor, style: Tensor, lengths: Lengths, norms: Norms | None = None) -> Tensor:
        """[batch, channels, frames] -> the same shape. Output at padded positions is undefined.

        norms: moments to use instead of the text's own; by default its own
        """
        batch, channels, frames = x.shape
        summed = x.new_empty(batch, frames + self._room, channels)
        between = x.new_empty(frames + self._room, channels)
        for out, row, own, bent in zip(summed, x, lengths.own, style, strict=True):
            out[:own] = row.t()[:own]
            self._add(out, between, own, bent[None], norms or Norms())
        return summed[:, :frames].transpose(1, 2)

    def _add(self, x: Tensor, between: Tensor, own: int, style: Tensor, norms: Norms) -> None:
        """Add the residuals to the first `own` frames of `x`, [frames, channels]. `between` has the same shape."""
        moments = norms.settled(Moments.of(x[:own]))
        for first, second in zip(self.firsts, self.seconds, strict=True):
            moments = norms.settled(first(x, moments, style, own, between))
            moments = norms.settled(second(between, moments, style, own, x, adds=True))
        x[:own].add_(self.bias)


class TiledConv(nn.Module):
    """Norm, snake and convolution: [frames, channels] -> the same shape.

    period: the output has that many frames of room, beyond those that are asked for
    """

    inward: Tensor
    outward: Tensor
    alpha: Tensor

    def __init__(self, norm: AdaIN, conv: Conv) -> None:
        super().__init__()
        outputs, inputs, self.kernel = conv.weight.shape
        self.dilation = conv.dilation[0]
        self.halo = self.dilation * (self.kernel - 1) // 2
        self.norm = norm
        matrices, weight = transforms(self.kernel), conv.weight.data
        self.period = len(matrices.outward) * self.dilation
        for name, matrix in (("inward", matrices.inward), ("outward", matrices.outward)):
            # With adjacent columns, products with it are faster.
            columns = torch.from_numpy(matrix).to(weight.dtype).t().contiguous()
            self.register_buffer(name, columns.t(), persistent=False)
        self.products = Products(len(matrices.weights), inputs, outputs, weight)
        self.register_buffer("alpha", torch.empty(inputs, dtype=torch.float64, device=weight.device))

    def take(self, alpha: Tensor, conv: Conv) -> None:
        """Take over the weights of a convolution and of the snake before it."""
        # `_snake` computes alpha times snake.
        kernels = (conv.weight.data / alpha.data).permute(2, 0, 1).reshape(self.kernel, -1)
        matrix = torch.from_numpy(transforms(self.kernel).weights).to(kernels.dtype)
        torch.mm(matrix, kernels, out=self.products.weights.view(len(matrix), -1))
        self.alpha.copy_(alpha.data.reshape(-1))

    def forward(
        self, x: Tensor, moments: Moments, style: Tensor, own: int, out: Tensor, *, adds: bool = False
    ) -> Moments:
        """Convolve the first `own` frames of `x`, and return the moments of the result.

        moments: of these frames, for the norm
        out: where the result is written, or added if `adds`; undefined from `own` on
        """
        bend = self._bend(moments, style)
        work = _Work.of(self, x, max(1, TILES * _threads() // self.dilation))
        found = []
        for start in range(0, own, work.groups * self.period):
            groups = min(work.groups, -(-(own - start) // self.period))
            end = start + groups * self.period
            self._snake(x[:own], start - self.halo, *bend, work)
            self._convolve(work, groups, out[start:end], adds=adds)
            found.append(Moments.of(out[start : min(end, own)]))
        return Moments.merged(found)

    def _bend(self, moments: Moments, style: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gain and the shift that are the norm, its style and the factor alpha: [channels] each."""
        scale, shift = (value[0].double() for value in self.norm.bend(style))
        gain = scale * torch.rsqrt(moments.variance + EPS)
        both = self.alpha * gain, self.alpha * (shift - moments.mean * gain)
        return both[0].to(style.dtype), both[1].to(style.dtype)

    def _snake(self, x: Tensor, first: int, gain: Tensor, shift: Tensor, work: "_Work") -> None:
        """Fill `work.snaked` with the frames from `first` on, normed and snaked, times alpha; zeros where `x` has none.

        With y = alpha x, alpha (x + sin(alpha x)^2 / alpha) is y + sin(y)^2.
        """
        start, end = max(first, 0), min(first + len(work.snaked), len(x))
        work.snaked[: start - first] = 0
        work.snaked[end - first :] = 0
        step = len(work.sines)
        for i in range(start, end, step):
            j = min(i + step, end)
            y, sines = work.snaked[i - first : j - first], work.sines[: j - i]
            torch.addcmul(shift, x[i:j], gain, out=y)
            torch.sin(y, out=sines)
            y.addcmul_(sines, sines)

    def _convolve(self, work: "_Work", groups: int, out: Tensor, *, adds: bool) -> None:
        """Convolve the first `groups` groups of `work.snaked`.

        A group is as many interleaved tiles as the dilation: one for each phase.
        """
        phases, outputs, channels = self.dilation, len(self.outward), out.shape[1]
        seen, made = work.seen[: groups * phases], work.made[: groups * phases]
        rows = work.snaked.view(-1, phases, channels)
        for phase, part in enumerate(seen.chunk(phases)):
            tiles = rows[:, phase].unfold(0, outputs + self.kernel - 1, outputs)[:groups].transpose(1, 2)
            torch.bmm(self.inward.expand(groups, -1, -1), tiles, out=part)
        full = _full(len(seen))
        self.products(work.seen[:full], work.made[:full])
        outward = self.outward.expand(len(made), -1, -1)
        if adds:
            out.view(groups, outputs, channels).baddbmm_(outward, made)
        elif phases == 1:
            torch.bmm(outward, made, out=out.view(groups, outputs, channels))
        else:
            convolved = torch.bmm(outward, made, out=work.convolved[: len(made)])
            out.view(-1, phases, channels).copy_(convolved.view(phases, -1, channels).transpose(0, 1))


class _Work(NamedTuple):
    """Memory for one block of groups, reused for the next.

    groups: maximum number of groups
    snaked: [frames and those around them, channels]
    sines: [frames of a piece, channels]
    seen: [tiles, products, channels], inputs of the products
    made: the same of their outputs
    convolved: [tiles, outputs, channels]
    """

    groups: int
    snaked: Tensor
    sines: Tensor
    seen: Tensor
    made: Tensor
    convolved: Tensor

    @classmethod
    def of(cls, conv: TiledConv, like: Tensor, groups: int) -> "_Work":
        """Allocate the memory for a convolution of `like`, [frames, channels]."""
        channels, tiles = like.shape[1], _full(groups * conv.dilation)
        outputs, products = conv.outward.shape
        return cls(
            groups,
            snaked=like.new_empty(groups * conv.period + 2 * conv.halo, channels),
            sines=like.new_empty(PIECE * _threads() // channels, channels),
            seen=like.new_empty(tiles, products, channels),
            made=like.new_empty(tiles, products, channels),
            convolved=like.new_empty(tiles, outputs, channels),
        )


def _full(tiles: int) -> int:
    """Return the tiles with those that fill the last call of `Products`."""
    return -(-tiles // rows()) * rows()


def _threads() -> int:
    """Return the factor of the sizes that grow with the number of threads."""
    return min(torch.get_num_threads(), THREADS)
