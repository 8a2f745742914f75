"""Tests of lines that are synthesized in two parts."""

import numpy as np
import pytest
import torch

from speakkit.engines import voice_packs
from speakkit.engines.kokoro_config import settings
from speakkit.engines.styletts2.split import SplitLine

LINE = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˈOvəɹ ðə lˈAzi dˈɔɡ."


def split(network, at, speed=1.0):
    """The line, split before its word number `at`."""
    tokens = torch.tensor([[0, *(settings()["vocab"][symbol] for symbol in LINE), 0]])
    space = len(" ".join(LINE.split(" ")[:at])) + 1
    style = torch.from_numpy(voice_packs.pack("af_heart")[len(LINE) - 1])
    return SplitLine(network, tokens, space, style, torch.tensor([speed]), [torch.Generator().manual_seed(7)])


@pytest.fixture(scope="module")
def tiled(exact):
    """The network with tiled blocks."""
    return exact._network()


@torch.inference_mode()
@pytest.mark.parametrize(("at", "speed"), [(5, 1.0), (4, 2.0), (7, 0.5)])
def test_parts_have_no_seam(tiled, at, speed):
    """Both parts together are what the whole line gives with the norms of the first part.

    They are as long as their durations, which are those of the whole line.
    """
    line = split(tiled, at, speed)
    parts = [line.part(0), line.part(1)]
    line._norms.repeat()
    frames = line._prepared.lengths.own[0] // 2
    whole = line._generated(0, frames)
    assert [part.shape[1] for part in parts] == [600 * sum(durations) for durations in line.durations]
    assert whole.shape[1] == 600 * sum(map(sum, line.durations))
    assert (torch.cat(parts, 1) - whole).abs().max() < 6e-4 * whole.abs().max()
    words = LINE.split(" ")
    assert [len(durations) - 2 for durations in line.durations] == [
        len(" ".join(part)) for part in (words[:at], words[at:])
    ]


@torch.inference_mode()
def test_the_second_part_needs_no_first(tiled):
    """The second part has the same samples if the first was not asked for before."""
    line = split(tiled, 5)
    line.part(0)
    assert torch.equal(line.part(1), split(tiled, 5).part(1))


@torch.inference_mode()
def test_parts_sound_as_the_whole_line(exact, tiled):
    """Both parts together are as loud as the line that is not split, within 3 dB, and correlate with it over 0.7."""
    line = split(tiled, 5)
    ours = torch.cat([line.part(0), line.part(1)], 1)[0].numpy()
    style = torch.from_numpy(voice_packs.pack("af_heart")[len(LINE) - 1])
    whole = tiled.decoder.generator.generated(line._prepared, style[:, :128])[0, : len(ours)].numpy()
    assert abs(20 * np.log10(np.std(ours) / np.std(whole))) < 3
    assert np.corrcoef(ours, whole)[0, 1] > 0.7
