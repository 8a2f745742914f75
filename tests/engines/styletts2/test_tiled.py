"""Tests of the generator's blocks for processors against the plain ones."""

import subprocess
import sys

import pytest
import torch

from speakkit.engines.styletts2.istftnet import SnakeBlock, arrange_block
from speakkit.engines.styletts2.padding import Lengths
from speakkit.engines.styletts2.tiled import TiledBlock

CPU = torch.device("cpu")
KERNELS = pytest.mark.parametrize("kernel", [3, 7, 11])
FULL = 128 * 50
"""Frames of a full block with the kernel 11 and the dilation 5, by one thread."""


def block(kernel, dtype, channels=8):
    """A block with random weights."""
    torch.manual_seed(kernel)
    made = SnakeBlock(channels, kernel, (1, 3, 5), 16).requires_grad_(False)
    for alpha in (*made.alpha1, *made.alpha2):
        alpha.data.uniform_(0.3, 3.0)
    made = made.to(dtype)
    arrange_block(made, dtype)
    return made


def inputs(own, dtype, channels=8):
    """Frames, a style and the lengths for a batch; frames beyond a text's own are NaN."""
    lengths = Lengths(own, CPU, max(own) + 7)
    x = torch.randn(len(own), lengths.width, channels, dtype=dtype)
    for row, n in zip(x, own, strict=True):
        row[n:] = torch.nan
    return x.transpose(1, 2), torch.randn(len(own), 16, dtype=dtype), lengths


def distance(kernel, dtype, own):
    """The largest difference of any text's own frames, relative to the largest output of the plain block."""
    x, style, lengths = inputs(own, dtype)
    given = x.clone()
    with torch.inference_mode():
        plain = block(kernel, dtype)
        tiled = TiledBlock(plain)
        tiled.take(plain)
        ours = tiled(x, style, lengths)
        assert torch.equal(x.nan_to_num(), given.nan_to_num())
        theirs = [
            block(kernel, dtype)(x[i : i + 1, :, :n], style[i : i + 1], Lengths([n], CPU)) for i, n in enumerate(own)
        ]
    assert ours.shape == x.shape
    largest = max(one.abs().max() for one in theirs)
    differences = [(row[:, :n] - one[0]).abs().max() for row, one, n in zip(ours, theirs, own, strict=True)]
    return max(differences) / largest


@KERNELS
@pytest.mark.parametrize("own", [2, 49, 50, 51, 1280, FULL, FULL + 1, 2 * FULL + 333])
def test_a_text_is_convolved(kernel, own):
    """In float64 a text of any length gives what the plain block gives, but for rounding."""
    assert distance(kernel, torch.float64, [own]) < 1e-10


@KERNELS
def test_texts_of_a_batch_do_not_differ(kernel):
    """Each text of a batch gives what it gives alone, whatever stands in the padding."""
    assert distance(kernel, torch.float64, [300, 2, 2000]) < 1e-10


@KERNELS
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_float32_is_close_with_any_number_of_threads(kernel, threads):
    """In float32 the difference is less than 3e-4 of the largest output."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert 0 < distance(kernel, torch.float32, [FULL + 100]) < 3e-4
    finally:
        torch.set_num_threads(before)


def test_speech_on_a_processor_uses_them(exact):
    """In float32 all blocks are tiled and no weight of a plain one is kept; the bfloat16 of a processor keeps those."""
    modules = list(exact._network().modules())
    assert sum(isinstance(module, TiledBlock) for module in modules) == 8
    assert not any(isinstance(module, SnakeBlock) for module in modules)


SHORT = """
import resource, sys
import psutil, torch
from speakkit.engines import kokoro
from speakkit.engines.kokoro_config import settings
from speakkit.engines.styletts2.istftnet import SnakeBlock, arrange
from speakkit.engines.styletts2.network import StyleTTS2
from speakkit.engines.styletts2.padding import Lengths
from speakkit.engines.styletts2.tiled import TiledBlock

network = StyleTTS2(settings()).requires_grad_(False)
arrange(network.decoder, torch.float32)
resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + (60 << 20), resource.RLIM_INFINITY))
assert not kokoro._accelerated(network)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
generator = network.decoder.generator
for kind in (TiledBlock, SnakeBlock):
    print(sum(isinstance(module, kind) for module in generator.modules()))
with torch.inference_mode():
    x, noise = torch.randn(1, 512, 8), torch.Generator().manual_seed(1)
    print(*generator(x, torch.randn(1, 128), torch.full((1, 8), 200.0), Lengths([8], x.device), [noise]).shape)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_too_little_memory_is_no_failure():
    """If memory does not suffice for all blocks, the others stay as they are, the log says so, and speech goes on."""
    run = subprocess.run([sys.executable, "-c", SHORT], capture_output=True, text=True, check=True)
    tiled_blocks, plain_blocks, shape = run.stdout.splitlines()
    assert int(tiled_blocks) + int(plain_blocks) == 8
    assert int(plain_blocks) > 0
    assert shape == "1 2400"
    assert "too little memory for the fastest convolutions" in run.stderr
