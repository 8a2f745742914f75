"""Tests of DNSMOS: ranges and order of the scores, and invalid clips."""

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


@pytest.fixture(scope="module")
def judge():
    with registry.judge("dnsmos") as lent:
        yield lent


def test_noise_costs_points(judge, clip):
    """The more noise, the lower the overall score."""
    noise = np.random.default_rng(0).standard_normal(len(clip.samples)).astype(np.float32)
    noisy = [Audio(clip.samples + level * noise, clip.sample_rate) for level in (0.0, 0.01, 0.1)]
    overall = [outcome.result()["overall"] for outcome in judge.score(noisy)]
    assert overall == sorted(overall, reverse=True)
    assert overall[0] - overall[2] > 0.5


def test_scores_are_opinions(judge, clip):
    """Each of the four scores is from 1 to 5."""
    (outcome,) = judge.score([clip])
    scores = outcome.result()
    assert outcome.item is clip
    assert set(scores) == {"signal", "background", "overall", "p808"}
    assert all(1 <= value <= 5 for _, value in scores.values)
    assert (scores.evaluator.name, len(scores.evaluator.weights_sha256)) == ("dnsmos", 64)


def test_what_cannot_be_judged_fails_alone(judge, clip):
    """An empty clip and a clip of NaN fail, and the clips between and after them are scored."""
    broken = (Audio(np.zeros(0, np.float32), 24_000), Audio(np.full(16_000, np.nan, np.float32), 16_000))
    outcomes = list(judge.score([clip, broken[0], clip, broken[1], clip]))
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False, True, False]
    assert "empty" in str(outcomes[1].error)
    assert "NaN or infinite samples" in str(outcomes[3].error)
    assert all(isinstance(outcomes[i].error, EngineError) for i in (1, 3))
    assert outcomes[0].result() == outcomes[4].result()
