"""Tests of the operations on samples."""

import numpy as np
import pytest

from speakkit.audio import Audio, Resampler, joined, silence


def tone(hertz, seconds, rate):
    return Audio(np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32), rate)


def test_pcm_does_not_wrap_around():
    """A sample beyond full scale is clipped and does not wrap around."""
    loud = Audio(np.array([0.0, 1.0, 1.5, -1.0, -7.0], np.float32), 24_000)
    assert np.frombuffer(loud.pcm16(), "<i2").tolist() == [0, 32767, 32767, -32767, -32767]


def test_fades_touch_five_milliseconds():
    """A fade changes only the first and last 5 ms, from and to zero."""
    faded = Audio(np.ones(2400, np.float32), 24_000).faded()
    assert faded.samples[0] == 0
    assert faded.samples[-1] == 0
    assert (faded.samples[120:-120] == 1).all()
    assert (np.diff(faded.samples[:120]) > 0).all()


@pytest.mark.parametrize("length", [0, 1, 2, 3, 100])
def test_fade_of_the_shortest_audio(length):
    """Audio that is shorter than two fades can be faded, and keeps its length."""
    assert len(Audio(np.ones(length, np.float32), 24_000).faded().samples) == length


def test_resampling_keeps_the_tone():
    """Resampling keeps the duration in seconds and the pitch in hertz."""
    resampled = tone(440, 1.0, 24_000).resampled(16_000)
    spectrum = np.abs(np.fft.rfft(resampled.samples))
    assert resampled.duration == pytest.approx(1.0)
    assert np.argmax(spectrum) == 440


def test_a_fade_is_left_out_where_audio_goes_on():
    """Audio that does not start, or not end, is not faded there."""
    whole = Audio(np.ones(2400, np.float32), 24_000)
    assert whole.faded(starts=False).samples[0] == 1
    assert whole.faded(starts=False).samples[-1] == 0
    assert whole.faded(ends=False).samples[-1] == 1


def test_parts_that_continue_one_another_are_resampled_without_a_seam():
    """They give the samples that they give as a whole; a part that is not continued gives those that it gives alone."""
    whole, resampler = tone(440, 1.0, 24_000), Resampler(48_000)
    parts = [Audio(whole.samples[:9000], 24_000), Audio(whole.samples[9000:], 24_000)]
    made = [resampler.resampled(parts[0], is_continued=True), resampler.resampled(parts[1])]
    assert np.abs(joined(made).samples - whole.resampled(48_000).samples).max() < 1e-6
    for part in parts:
        assert np.array_equal(resampler.resampled(part).samples, part.resampled(48_000).samples)
    assert resampler.resampled(silence(0.1, 48_000)).duration == 0.1


def test_parts_are_joined_in_order():
    """Parts are joined in order. Different sample rates, or no parts at all, raise ValueError."""
    whole = joined([Audio(np.ones(3, np.float32), 8000), silence(0.001, 8000)])
    assert whole.samples.tolist() == [1.0] * 3 + [0.0] * 8
    with pytest.raises(ValueError, match="16000"):
        joined([silence(1, 8000), silence(1, 16_000)])
    with pytest.raises(ValueError, match="0 parts"):
        joined([])
