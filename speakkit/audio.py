"""In-memory audio: one channel of float32 samples, with the operations that the whole package shares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

FADE = 0.005
"""Default fade length in seconds: long enough to hide a step between two chunks, too short to be audible."""

QUIET = 0.001
"""Silence threshold as a part of full scale, -60 dB. Anything below it is inaudible beside speech, whose loudest
samples are near 0.5."""


@dataclass(frozen=True, eq=False)
class Audio:
    """One channel of audio.

    samples: float32 [n_samples], nominally in [-1, 1]
    sample_rate: hertz
    """

    samples: npt.NDArray[np.float32]
    sample_rate: int

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def sounding(self) -> tuple[float, float]:
        """Start and end in seconds of the part that is louder than QUIET.

        If no sample is louder than QUIET, this is the whole audio.
        """
        loud = np.flatnonzero(np.abs(self.samples) > QUIET)
        first, last = (loud[0], loud[-1] + 1) if len(loud) else (0, len(self.samples))
        return first / self.sample_rate, last / self.sample_rate

    def part(self, start: float, end: float) -> "Audio":
        """Return the part from `start` to `end` in seconds, clamped to the audio."""
        first, last = (max(0, round(seconds * self.sample_rate)) for seconds in (start, end))
        return Audio(self.samples[first:last], self.sample_rate)

    def clipped(self) -> "Audio":
        """Return the audio with every sample clipped to [-1, 1], so that integer formats do not wrap around."""
        return Audio(np.clip(self.samples, -1.0, 1.0), self.sample_rate)

    def faded(self, seconds: float = FADE, *, starts: bool = True, ends: bool = True) -> "Audio":
        """Return the audio with a linear fade-in if it `starts`, and a fade-out if it `ends`, of `seconds` each."""
        n = min(round(seconds * self.sample_rate), len(self.samples) // 2)
        samples = self.samples.copy()
        ramp = np.linspace(0.0, 1.0, n, endpoint=False, dtype=np.float32)
        if starts:
            samples[:n] *= ramp
        if ends:
            samples[len(samples) - n :] *= ramp[::-1]
        return Audio(samples, self.sample_rate)

    def resampled(self, sample_rate: int) -> "Audio":
        """Return the audio at another sample rate in hertz (SoX's resampler, high quality)."""
        if sample_rate == self.sample_rate:
            return self
        return Audio(soxr.resample(self.samples, self.sample_rate, sample_rate), sample_rate)

    def pcm16(self) -> bytes:
        """Return the samples as signed 16-bit little-endian bytes."""
        scaled = np.rint(self.clipped().samples * 32767.0)
        pcm: bytes = scaled.astype("<i2").tobytes()
        return pcm


class Resampler:
    """Resamples audio that arrives in parts, so that parts that continue one another have no seam."""

    def __init__(self, sample_rate: int) -> None:
        """sample_rate: of the results, in hertz."""
        self._rate = sample_rate
        self._stream: soxr.ResampleStream | None = None

    def resampled(self, part: Audio, *, is_continued: bool = False) -> Audio:
        """Return the next part at the other rate. If it is continued, its last milliseconds come with the next part."""
        if part.sample_rate == self._rate:
            return part
        stream = self._stream or soxr.ResampleStream(part.sample_rate, self._rate, 1, dtype="float32")
        self._stream = stream if is_continued else None
        return Audio(stream.resample_chunk(part.samples, last=not is_continued), self._rate)


def silence(seconds: float, sample_rate: int) -> Audio:
    """Return `seconds` of silence at `sample_rate` hertz."""
    return Audio(np.zeros(round(seconds * sample_rate), np.float32), sample_rate)


def joined(parts: Sequence[Audio]) -> Audio:
    """Concatenate the parts. Raises ValueError if there are none, or if their sample rates differ."""
    rates = {part.sample_rate for part in parts}
    if len(rates) != 1:
        raise ValueError(f"cannot join {len(parts)} parts of audio at rates {sorted(rates)}")
    return Audio(np.concatenate([part.samples for part in parts]), rates.pop())
