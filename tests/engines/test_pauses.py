"""Tests of cutting long audio into parts."""

import numpy as np
import pytest

from speakkit.audio import Audio, joined, silence
from speakkit.audiofile import read
from speakkit.engines import pauses

RATE = pauses.SAMPLE_RATE


@pytest.fixture(scope="module")
def speech(request):
    """Over 70 s of speech with pauses of 0.8 s, and the span of each pause in seconds."""
    folder = request.path.parent.parent / "data"
    clips = [read(folder / f"librivox-0{number}.wav").resampled(RATE) for number in (880, 890)]
    parts, spans, at = [], [], 0.0
    while at < 70.0:
        for clip in clips:
            parts += [clip, silence(0.8, RATE)]
            spans.append((at + clip.duration, at + clip.duration + 0.8))
            at = spans[-1][1]
    return joined(parts), spans


def test_parts_are_cut_at_pauses(speech):
    """Parts follow one another, are 30 s at most, have all samples, and end within a pause."""
    audio, spans = speech
    parts = list(pauses.cut([audio]))
    assert len(parts) >= 3
    assert np.array_equal(np.concatenate([part.audio.samples for part in parts]), audio.samples)
    at = 0.0
    for part in parts:
        assert part.start == pytest.approx(at)
        assert part.audio.duration <= pauses.LONGEST
        at += part.audio.duration
    for part in parts[1:]:
        assert any(first - 0.2 < part.start < last + 0.2 for first, last in spans)


def test_blocks_of_a_file_are_cut_alike(speech):
    """A recording in blocks of another rate has the same parts, to within a sample or so, as in one piece."""
    audio, _ = speech
    high = audio.resampled(48_000)
    blocks = [Audio(high.samples[first : first + 100_000], 48_000) for first in range(0, len(high.samples), 100_000)]
    one, several = list(pauses.cut([high])), list(pauses.cut(blocks))
    assert [part.start for part in one] == pytest.approx([part.start for part in several])
    assert sum(len(part.audio.samples) for part in several) == pytest.approx(len(audio.samples), abs=2)


def test_short_and_empty_recordings():
    """A short recording is one part; an empty one has none."""
    assert list(pauses.cut([])) == []
    assert list(pauses.cut([silence(0.0, RATE)])) == []
    (part,) = pauses.cut([silence(1.0, 8_000)])
    assert (part.start, len(part.audio.samples)) == (0.0, RATE)


def test_sound_without_a_pause_is_cut():
    """Loud noise without any pause is cut as well."""
    noise = Audio(np.random.default_rng(0).standard_normal(65 * RATE).astype(np.float32) * 0.2, RATE)
    assert [part.audio.duration for part in pauses.cut([noise])][:2] == pytest.approx([25.0, 25.0], abs=5.01)
