"""Tests of the GPU kernels against torch."""

import pytest
import torch

from speakkit.engines.styletts2 import kernels
from speakkit.engines.styletts2.istftnet import SnakeBlock, arrange_block
from speakkit.engines.styletts2.padding import Lengths

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def gpu():
    """The CUDA device; the test is skipped if there is none, and fails if the kernels do not work on it."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    device = torch.device("cuda")
    assert kernels.works(device)
    return device


def block(channels, dtype, device):
    """A snake block with random weights."""
    torch.manual_seed(0)
    made = SnakeBlock(channels, 7, (1, 3, 5), 128)
    for alpha in (*made.alpha1, *made.alpha2):
        torch.nn.init.uniform_(alpha, 0.3, 2.0)
    arrange_block(made, dtype)
    return made.to(device).requires_grad_(False)


@pytest.mark.parametrize("own", [(1000,), (1000, 333, 1, 128, 129), (257, 257)], ids=str)
@pytest.mark.parametrize("channels", [128, 256])
def test_a_block_is_as_torch_makes_it(gpu, channels, own, monkeypatch):
    """In float32 a block equals torch's for any lengths; in bfloat16 its error is at most 1.1 times that of torch."""
    exact = block(channels, torch.float32, gpu)
    x = torch.randn(len(own), max(own), channels, device=gpu).mul_(3).add_(5).transpose(1, 2)
    style, lengths = torch.randn(len(own), 128, device=gpu), Lengths(own, gpu)

    def made(network, dtype):
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            found = network(x.to(dtype, copy=True, memory_format=torch.preserve_format), style, lengths)
        return lengths.trimmed_(found.float())

    ours = made(exact, torch.float32)
    rough = made(block(channels, torch.bfloat16, gpu), torch.bfloat16)
    monkeypatch.setattr(kernels, "works", lambda _: False)
    torchs = made(exact, torch.float32)
    rough_torchs = made(block(channels, torch.bfloat16, gpu), torch.bfloat16)
    size = torchs.abs().max()
    assert (ours - torchs).abs().max() < 1e-4 * size
    assert (rough - torchs).norm() < 1.1 * (rough_torchs - torchs).norm()


def test_without_a_compiler_speech_goes_on(gpu, monkeypatch, caplog):
    """Without a C compiler the kernels are disabled, and the log names the missing compiler."""

    def fails(*_):
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(kernels, "snaked", fails)
    kernels.works.cache_clear()
    try:
        assert not kernels.works(gpu)
    finally:
        kernels.works.cache_clear()
    assert "C compiler" in caplog.text


@pytest.mark.parametrize("own", [(170,), (1,), (40, 9, 1, 40, 33), tuple(range(1, 130))], ids=lambda own: str(len(own)))
def test_an_lstm_is_as_torch_makes_it(gpu, own):
    """An LSTM equals torch's for one step or many, and for one row or more rows than programs."""
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(640, 256, batch_first=True, bidirectional=True, device=gpu).requires_grad_(False)
    x, lengths = torch.randn(len(own), max(own) + 3, 640, device=gpu), Lengths(own, gpu, max(own) + 3)
    ours = kernels.recurrent(lstm, x, lengths.counts, max(own))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(own), batch_first=True, enforce_sorted=False)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        theirs = torch.nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=max(own) + 3)[0]
    assert (ours - theirs).abs().max() < 1e-5
