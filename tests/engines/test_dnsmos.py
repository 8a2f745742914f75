"""DNSMOS: figures of the reference code, and the order that any judge must give."""

from pathlib import Path

import numpy as np
import pytest

from speakkit.audio import Audio
from speakkit.audiofile import read
from speakkit.engines import registry
from speakkit.errors import EngineError


@pytest.fixture(scope="module")
def clip():
    return read(Path(__file__).parent.parent / "data" / "librivox-0890.wav")


def test_noise_costs_points(clip):
    """The more noise, the lower each score."""
    noise = np.random.default_rng(0).standard_normal(len(clip.samples)).astype(np.float32)
    noisy = [Audio(clip.samples + level * noise, clip.sample_rate) for level in (0.0, 0.01, 0.1)]
    overall = [scores.values["overall"] for scores in registry.judge("dnsmos").score(noisy)]
    assert overall == sorted(overall, reverse=True)
    assert overall[0] - overall[2] > 0.5


def test_scores_are_opinions(clip):
    """Four questions, each answered from 1 to 5."""
    (scores,) = registry.judge("dnsmos").score([clip])
    assert set(scores.values) == {"signal", "background", "overall", "p808"}
    assert all(1 <= value <= 5 for value in scores.values.values())


def test_empty_clip_is_refused():
    """There is nothing to judge."""
    with pytest.raises(EngineError, match="empty"):
        list(registry.judge("dnsmos").score([Audio(np.zeros(0, np.float32), 24_000)]))
