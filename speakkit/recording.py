"""Read recordings: audio files, and the sound of videos, in all formats that libsndfile or FFmpeg reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from speakkit import ffmpeg
from speakkit.audio import Audio
from speakkit.errors import StorageError, storage_error

SUFFIXES = frozenset(
    {".aac", ".aif", ".aiff", ".amr", ".au", ".avi", ".caf", ".flac", ".flv", ".m4a", ".m4b", ".m4v", ".mka", ".mkv"}
    | {".mov", ".mp2", ".mp3", ".mp4", ".mpeg", ".mpg", ".oga", ".ogg", ".opus", ".ts", ".w64", ".wav", ".webm"}
    | {".wma", ".wmv"}
)
"""Suffixes of the files that a search of a folder finds."""

RATE = 16_000
"""Sample rate in hertz of what is read: that of all recognizers and aligners."""

LONGEST = 6 * 3600
"""Maximum seconds of a recording, 1.4 GB of samples."""

BLOCK = 1 << 18
"""Frames that are read at once."""

Samples = npt.NDArray[np.float32]


def found(folder: Path) -> Iterator[Path]:
    """Yield the recordings in a folder and the folders below it, in order. Raises StorageError if there are none."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise storage_error(error, f"read {folder}") from error
    if not files:
        raise StorageError(f"there is no audio in {folder}")
    yield from files


def read(path: Path) -> Audio:
    """Return a recording as one channel, the mean of its channels, at RATE.

    What counts is what can be decoded, not the length that the header gives. If the sound of a video begins after its
    pictures, silence is put before it, so that times are those of the video.
    Raises StorageError if the file cannot be read, has no sound, or is longer than LONGEST.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path)
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, f"read {path}") from error


def _read(file: BinaryIO, path: Path) -> Audio:
    try:
        with soundfile.SoundFile(file) as opened:
            return _gathered(_by_libsndfile(opened), opened.samplerate, path)
    except (soundfile.LibsndfileError, TypeError):  # a TypeError if the name ends in .raw, for samples of no header
        pass
    return _gathered(ffmpeg.decoded(path, RATE), RATE, path)


def _by_libsndfile(opened: soundfile.SoundFile) -> Iterator[Samples]:
    """Yield blocks of the mean of all channels."""
    while len(block := opened.read(BLOCK, dtype="float32", always_2d=True)):
        yield block.mean(axis=1, dtype=np.float32)


def _gathered(blocks: Iterator[Samples], rate: int, path: Path) -> Audio:
    """Return the blocks as one recording at RATE."""
    stream = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    samples, size = np.empty(BLOCK, np.float32), 0
    for block in blocks:
        part = block if stream is None else stream.resample_chunk(block)
        samples, size = _appended(samples, size, part)
        if size > LONGEST * RATE:
            raise StorageError(f"{path} is longer than {LONGEST // 3600} hours; split it")
    if stream is not None:
        samples, size = _appended(samples, size, stream.resample_chunk(np.empty(0, np.float32), last=True))
    if not size:
        raise StorageError(f"{path} has no sound")
    samples.resize(size, refcheck=False)
    return Audio(samples, RATE)


def _appended(samples: Samples, size: int, part: Samples) -> tuple[Samples, int]:
    """Return `samples`, of which `size` are filled, with `part` behind them. It grows in place, without a copy."""
    end = size + len(part)
    if end > len(samples):
        samples.resize(max(end, len(samples) * 3 // 2), refcheck=False)
    samples[size:end] = part
    return samples, end
