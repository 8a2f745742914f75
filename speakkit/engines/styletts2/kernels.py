"""GPU kernels for what is slow in torch: the operations between the convolutions of a `SnakeBlock`, and the LSTMs.

- Between two convolutions, torch reads and writes the frames about twenty times: for norm, style, snake, padding, bias
  and residual sum. That takes longer than the convolutions. These kernels read the frames twice and write them once.
- cuDNN launches three kernels per step of an LSTM, and a line of speech has a thousand steps, so that the CPU launches
  kernels more slowly than the GPU runs them. Here one kernel runs all steps. A few programs share a direction; each
  keeps its part of the weights in registers, and they synchronize after each step.

The kernels use Triton, which is installed with torch for CUDA and needs a C compiler on first use. If either is
missing, `works` returns False, and torch is used instead.

Frames are [batch, channels, frames] in channels-last memory. counts: [batch] int64, each row's own number of frames.
"""

import logging
import subprocess
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

try:
    import triton
    import triton.language as tl
except ImportError:  # not installed with torch for CPUs
    triton = None

HELD, STEPS, WARPS = 4096, 8, 4
"""Values (frames times channels) that a program of the norm kernels holds at a time; number of such steps per
program; and warps per program. The fastest of those tried on an H100."""

GROUP = 16
"""Channels per program that merges block moments."""

UNITS = 32
"""Units of an LSTM's state per program. More do not fit into its registers with their weights."""

ROWS = 128
"""Rows from which cuDNN's LSTM is faster: it computes all rows of a step at once, the kernel here a few at a time
(benchmarks/gpu.py shows both)."""

log = logging.getLogger(__name__)


@cache
def works(device: torch.device) -> bool:
    """Return whether the kernels can be compiled and run on `device`.

    Logs a warning with the reason if they cannot be compiled.
    """
    if triton is None or device.type != "cuda":
        return False
    frames, one = torch.ones(1, 16, 16, device=device).transpose(1, 2), torch.ones(1, 16, device=device)
    counts = torch.full((1,), 16, device=device)
    try:
        snaked(frames, moments(frames, counts), (one, one), one, counts, eps=1e-5)
        lstm = nn.LSTM(16, UNITS, batch_first=True, bidirectional=True, device=device).requires_grad_(False)
        recurrent(lstm, frames, counts, 16)
    except (RuntimeError, OSError, subprocess.SubprocessError, triton.TritonError) as error:
        log.warning("Triton cannot compile kernels here, so speech is slower: %s", error)
        return False
    return True


def moments(x: Tensor, counts: Tensor) -> Tensor:
    """Return the mean, and the sum of squares around it, per block of a row's own frames and per channel.

    Returns float32 [batch, blocks, 2, channels].
    """
    found = _blank(x)
    _moments[_grid(x)](x, x, x, x, found, counts, x.shape[2], adds=False, **_shape(x))
    return found


def added(x: Tensor, y: Tensor, bias: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return x + y + bias and its `moments`. The padding of the sum is undefined.

    bias: [channels]
    """
    summed, found = torch.empty_like(x), _blank(x)
    _moments[_grid(x)](x, y, bias, summed, found, counts, x.shape[2], adds=True, **_shape(x))
    return summed, found


def snaked(x: Tensor, found: Tensor, bend: tuple[Tensor, Tensor], alpha: Tensor, counts: Tensor, eps: float) -> Tensor:
    """Apply instance norm and then snake to `x`, whose moments are `found`; zeros in the padding.

    bend: the norm's scale and shift, each float32 [batch, channels]
    alpha: parameter of snake, one per channel
    """
    scale, shift = bend
    batch, channels, width = x.shape
    bent = torch.empty(batch, 2, channels, device=x.device)
    _merged[channels // GROUP, batch](
        found,
        scale.contiguous(),
        bent,
        counts,
        found.shape[1],
        channels,
        eps,
        block_frames=_block(x),
        group_channels=GROUP,
    )
    made = torch.empty_like(x)
    _snaked[_grid(x)](x, bent, shift.contiguous(), alpha, made, counts, width, **_shape(x))
    return made


def recurrent(lstm: nn.LSTM, x: Tensor, counts: Tensor, longest: int) -> Tensor:
    """Run a bidirectional LSTM: [batch, width, inputs] -> [batch, width, outputs], zeros in the padding.

    All tensors are float32. The backward direction starts at each row's own end.

    longest: the largest of `counts`
    """
    batch, width, _ = x.shape
    size = lstm.hidden_size
    weights, states, bias = (_both(lstm, name) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"))
    given = F.linear(x, weights, bias + _both(lstm, "bias_hh_l0"))
    made, cells = x.new_zeros(batch, width, 2 * size), x.new_zeros(batch, 2, size)
    parts = size // UNITS
    # All programs must run at the same time, because they synchronize with each other.
    groups = min(batch, torch.cuda.get_device_properties(x.device).multi_processor_count // (2 * parts))
    arrived = torch.zeros(2, groups, dtype=torch.int32, device=x.device)
    sizes = (width, longest, -(-batch // groups), batch)
    settings = {"size": size, "units": UNITS, "num_warps": 8, "launch_cooperative_grid": True}
    _recurrent[parts, 2, groups](given, states, made, cells, arrived, counts, *sizes, **settings)
    return made


def _blank(x: Tensor) -> Tensor:
    """Return an uninitialized tensor for `moments`."""
    return torch.empty(len(x), _grid(x)[0], 2, x.shape[1], device=x.device)


def _grid(x: Tensor) -> tuple[int, int]:
    """Return the launch grid: one program per block of frames and per row."""
    return -(-x.shape[2] // _block(x)), len(x)


def _block(x: Tensor) -> int:
    """Return the number of frames per program."""
    return HELD // x.shape[1] * STEPS


def _shape(x: Tensor) -> dict[str, Any]:
    """Return the compile-time arguments of the norm kernels."""
    return {"channels": x.shape[1], "step_frames": HELD // x.shape[1], "steps": STEPS, "num_warps": WARPS}


def _both(lstm: nn.LSTM, name: str) -> Tensor:
    """Return a parameter of both directions, concatenated."""
    return torch.cat([getattr(lstm, name), getattr(lstm, f"{name}_reverse")])


if triton is not None:

    @triton.jit(do_not_specialize=["width"])
    def _moments(
        x: Any,
        y: Any,
        bias: Any,
        summed: Any,
        found: Any,
        counts: Any,
        width: Any,
        channels: tl.constexpr,
        step_frames: tl.constexpr,
        steps: tl.constexpr,
        adds: tl.constexpr,
    ) -> None:
        block, row = tl.program_id(0), tl.program_id(1).to(tl.int64)
        channel, own = tl.arange(0, channels), tl.load(counts + row)
        first = block * step_frames * steps
        # Values are taken relative to one frame of the block, so that the sum of squares loses no precision. Partial
        # sums are reduced only at the end.
        start = (row * width + tl.minimum(first, own - 1)) * channels + channel
        pivot = tl.load(x + start).to(tl.float32)
        if adds:
            pivot += tl.load(y + start).to(tl.float32)
            offset = tl.load(bias + channel).to(tl.float32)[None, :]
            pivot = (pivot + tl.load(bias + channel).to(tl.float32)).to(summed.dtype.element_ty).to(tl.float32)
        sums = tl.zeros([step_frames, channels], tl.float32)
        squares = tl.zeros([step_frames, channels], tl.float32)
        for step in range(steps):
            frame = first + step * step_frames + tl.arange(0, step_frames)[:, None]
            at = (row * width + frame) * channels + channel[None, :]
            inside = frame < own
            here = tl.load(x + at, inside, 0.0).to(tl.float32)
            if adds:
                rounded = (here + tl.load(y + at, inside, 0.0).to(tl.float32) + offset).to(summed.dtype.element_ty)
                tl.store(summed + at, rounded, inside)
                here = rounded.to(tl.float32)
            off = tl.where(inside, here - pivot[None, :], 0.0)
            sums += off
            squares += off * off
        count = tl.maximum(tl.minimum(own - first, step_frames * steps), 1).to(tl.float32)
        mean = tl.sum(sums, 0) / count
        to = (row * tl.num_programs(0) + block) * 2 * channels + channel
        tl.store(found + to, mean + pivot)
        tl.store(found + to + channels, tl.sum(squares, 0) - mean * mean * count)

    @triton.jit(do_not_specialize=["blocks"])
    def _merged(
        found: Any,
        scale: Any,
        bent: Any,
        counts: Any,
        blocks: Any,
        channels: Any,
        eps: Any,
        block_frames: tl.constexpr,
        group_channels: tl.constexpr,
    ) -> None:
        row = tl.program_id(1).to(tl.int64)
        channel, own = tl.program_id(0) * group_channels + tl.arange(0, group_channels), tl.load(counts + row)
        mean = tl.zeros([group_channels], tl.float32)
        for first in range(0, blocks, 64):
            block = first + tl.arange(0, 64)[:, None]
            count = tl.maximum(tl.minimum(own - block * block_frames, block_frames), 0).to(tl.float32)
            at = (row * blocks + block) * 2 * channels + channel[None, :]
            mean += tl.sum(tl.load(found + at, block < blocks, 0.0) * count, 0)
        mean /= own
        squares = tl.zeros([group_channels], tl.float32)
        for first in range(0, blocks, 64):
            block = first + tl.arange(0, 64)[:, None]
            count = tl.maximum(tl.minimum(own - block * block_frames, block_frames), 0).to(tl.float32)
            at = (row * blocks + block) * 2 * channels + channel[None, :]
            off = tl.load(found + at, block < blocks, 0.0) - mean[None, :]
            squares += tl.sum(tl.load(found + at + channels, block < blocks, 0.0) + off * off * count, 0)
        gain = tl.load(scale + row * channels + channel) * tl.rsqrt(squares / own + eps)
        tl.store(bent + row * 2 * channels + channel, mean)
        tl.store(bent + (row * 2 + 1) * channels + channel, gain)

    @triton.jit(do_not_specialize=["width"])
    def _snaked(
        x: Any,
        bent: Any,
        shift: Any,
        alpha: Any,
        made: Any,
        counts: Any,
        width: Any,
        channels: tl.constexpr,
        step_frames: tl.constexpr,
        steps: tl.constexpr,
    ) -> None:
        block, row = tl.program_id(0), tl.program_id(1).to(tl.int64)
        channel, own = tl.arange(0, channels), tl.load(counts + row)
        mean = tl.load(bent + row * 2 * channels + channel)[None, :]
        gain = tl.load(bent + (row * 2 + 1) * channels + channel)[None, :]
        offset = tl.load(shift + row * channels + channel)[None, :]
        turns = tl.load(alpha + channel).to(tl.float32)[None, :]
        for step in range(steps):
            frame = (block * steps + step) * step_frames + tl.arange(0, step_frames)[:, None]
            at = (row * width + frame) * channels + channel[None, :]
            here = (tl.load(x + at, frame < own, 0.0).to(tl.float32) - mean) * gain + offset
            wave = tl.sin(turns * here)
            here = tl.where(frame < own, here + wave * wave / turns, 0.0)
            tl.store(made + at, here.to(made.dtype.element_ty), frame < width)

    @triton.jit(do_not_specialize=["width", "longest", "rows", "batch"])
    def _recurrent(
        given: Any,
        states: Any,
        made: Any,
        cells: Any,
        arrived: Any,
        counts: Any,
        width: Any,
        longest: Any,
        rows: Any,
        batch: Any,
        size: tl.constexpr,
        units: tl.constexpr,
    ) -> None:
        direction, group = tl.program_id(1), tl.program_id(2)
        unit, state = tl.program_id(0) * units + tl.arange(0, units), tl.arange(0, size)
        at = (direction * 4 * size + unit[:, None]) * size + state[None, :]
        # torch.nn.LSTM stores the gates in the order input, forget, cell, output.
        w_input = tl.load(states + at)
        w_forget = tl.load(states + at + size * size)
        w_cell = tl.load(states + at + 2 * size * size)
        w_output = tl.load(states + at + 3 * size * size)
        mine = arrived + direction * tl.num_programs(2) + group
        for step in range(longest):
            for i in range(rows):
                row = group * rows + i
                own = tl.load(counts + row, row < batch, 0)
                if step < own:
                    now = row.to(tl.int64) * width + tl.where(direction == 0, step, own - 1 - step)
                    before = now - 1 + 2 * direction
                    # ".cg" bypasses the L1 cache, which is not coherent with the writes of other programs.
                    h = tl.load(made + (before * 2 + direction) * size + state, step > 0, 0.0, cache_modifier=".cg")[
                        None, :
                    ]
                    gates = given + (now * 2 + direction) * 4 * size + unit
                    cell = cells + (row * 2 + direction) * size + unit
                    entering = tl.sigmoid(tl.load(gates) + tl.sum(w_input * h, 1))
                    kept = tl.sigmoid(tl.load(gates + size) + tl.sum(w_forget * h, 1))
                    new = 2 * tl.sigmoid(2 * (tl.load(gates + 2 * size) + tl.sum(w_cell * h, 1))) - 1
                    shown = tl.sigmoid(tl.load(gates + 3 * size) + tl.sum(w_output * h, 1))
                    c = kept * tl.load(cell) + entering * new
                    tl.store(cell, c)
                    tl.store(made + (now * 2 + direction) * size + unit, shown * (2 * tl.sigmoid(2 * c) - 1))
            tl.debug_barrier()
            tl.atomic_add(mine, 1, sem="release")
            while tl.atomic_add(mine, 0, sem="acquire") < (step + 1) * tl.num_programs(0):
                pass
