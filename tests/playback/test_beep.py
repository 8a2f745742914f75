"""Tests of the beep before speech."""

import struct
import wave

import numpy as np
import pytest

from speakkit.errors import ConfigError, StorageError
from speakkit.playback import beep, pcm


def samples(sound):
    return np.frombuffer(sound, "<f4")


def wav(file, values, rate=24_000, width=2, channels=1):
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(values)
    return file


def test_ours_is_short_and_does_not_click():
    """The built-in beep is at most 150 ms long, has the requested volume, and is silent at both ends."""
    found = samples(beep.tone(0.5))
    assert len(found) / pcm.RATE <= 0.15
    assert 0.45 < np.abs(found).max() <= 0.5
    assert np.abs(found[[0, -1]]).max() < 0.01


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_of_ones_own(tmp_path, rate, channels):
    """A beep file of any sample rate keeps its length and its loudness."""
    tone = [round(20_000 * np.sin(2 * np.pi * 440 * i / rate)) for i in range(rate // 4) for _ in range(channels)]
    found = samples(
        beep.from_file(wav(tmp_path / "x.wav", struct.pack(f"<{len(tone)}h", *tone), rate, 2, channels), 1.0)
    )
    assert len(found) == pytest.approx(pcm.RATE / 4, abs=2)
    assert np.abs(found).max() == pytest.approx(20_000 / 32_768, abs=0.02)


def test_a_long_file_is_cut(tmp_path):
    """A long beep file is cut to one second, so that speech is not delayed."""
    assert len(samples(beep.from_file(wav(tmp_path / "x.wav", bytes(24_000 * 2 * 9)), 1.0))) == pcm.RATE


@pytest.mark.parametrize("held", [b"", b"RIFF", b"\0" * 5000, b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_audio_is_refused(tmp_path, held):
    """A file that is no audio raises a ConfigError that names it."""
    (tmp_path / "x.wav").write_bytes(held)
    with pytest.raises(ConfigError, match=r"x\.wav"):
        beep.from_file(tmp_path / "x.wav", 1.0)


def test_what_is_not_there_is_named(tmp_path):
    """A missing file raises a StorageError that names it."""
    with pytest.raises(StorageError, match=r"cannot read the beep .*x\.wav"):
        beep.from_file(tmp_path / "x.wav", 1.0)
