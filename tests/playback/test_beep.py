"""Tests of the beep before speech."""

import os
import struct
import tracemalloc
import wave
from pathlib import Path

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


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda file: file.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_refused(tmp_path, make):
    """A pipe, which could block, a folder and a device raise a ConfigError that names them."""
    make(tmp_path / "x.wav")
    with pytest.raises(ConfigError, match=r"x\.wav is no regular file"):
        beep.from_file(tmp_path / "x.wav", 1.0)


def test_a_huge_file_is_not_read_whole(tmp_path):
    """Of a file of 2 GB with 4 billion samples per second, a few megabytes are read."""
    file = wav(tmp_path / "x.wav", bytes(24_000))
    with file.open("r+b") as header:
        header.seek(24)
        header.write(struct.pack("<I", 2**32 - 1))
        header.seek(40)
        header.write(struct.pack("<I", 2**31))
        header.truncate(44 + 2**31)
    tracemalloc.start()
    try:
        beep.from_file(file, 1.0)
        assert tracemalloc.get_traced_memory()[1] < 5 * beep.LARGEST
    finally:
        tracemalloc.stop()


def test_a_file_without_a_sample_rate_is_refused(tmp_path):
    """A WAV file with a sample rate of 0 raises a ConfigError that names it."""
    file = wav(tmp_path / "x.wav", bytes(24_000))
    with file.open("r+b") as header:
        header.seek(24)
        header.write(bytes(4))
    with pytest.raises(ConfigError, match=r"x\.wav .* at 0 Hz"):
        beep.from_file(file, 1.0)
