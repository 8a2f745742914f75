"""Audio in memory: one channel of float32 samples, and the few operations that every room needs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

FADE = 0.005
"""Seconds; long enough to hide a step between two chunks, too short to be heard as a fade."""

QUIET = 0.001
"""Of full scale, -60 dB: nothing below it is heard beside speech, whose loudest samples are near 0.5."""


@dataclass(frozen=True, eq=False)
class Audio:
    """One channel of sound.

    samples: float32 [n_samples], nominally in [-1, 1]
    sample_rate: hertz
    """

    samples: npt.NDArray[np.float32]
    sample_rate: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def sounding(self) -> tuple[float, float]:
        """Seconds from which and until which there is more than QUIET in it; all of it where there is nothing."""
        loud = np.flatnonzero(np.abs(self.samples) > QUIET)
        first, last = (loud[0], loud[-1] + 1) if len(loud) else (0, len(self.samples))
        return first / self.sample_rate, last / self.sample_rate

    def part(self, start: float, end: float) -> "Audio":
        """From `start` to `end` seconds, or to where the audio begins and ends."""
        first, last = (max(0, round(seconds * self.sample_rate)) for seconds in (start, end))
        return Audio(self.samples[first:last], self.sample_rate)

    def clipped(self) -> "Audio":
        """The same audio with every sample in [-1, 1], so that no integer format wraps around."""
        return Audio(np.clip(self.samples, -1.0, 1.0), self.sample_rate)

    def faded(self, seconds: float = FADE) -> "Audio":
        """The same audio, rising from silence and falling to it over `seconds` at each end."""
        n = min(round(seconds * self.sample_rate), len(self.samples) // 2)
        samples = self.samples.copy()
        ramp = np.linspace(0.0, 1.0, n, endpoint=False, dtype=np.float32)
        samples[:n] *= ramp
        samples[len(samples) - n :] *= ramp[::-1]
        return Audio(samples, self.sample_rate)

    def resampled(self, sample_rate: int) -> "Audio":
        """The same audio at another rate in hertz (SoX's resampler, high quality)."""
        if sample_rate == self.sample_rate:
            return self
        return Audio(soxr.resample(self.samples, self.sample_rate, sample_rate), sample_rate)

    def pcm16(self) -> bytes:
        """Signed 16-bit little-endian samples."""
        scaled = np.rint(self.clipped().samples * 32767.0)
        pcm: bytes = scaled.astype("<i2").tobytes()
        return pcm


def silence(seconds: float, sample_rate: int) -> Audio:
    """`seconds` of nothing at `sample_rate` hertz."""
    return Audio(np.zeros(round(seconds * sample_rate), np.float32), sample_rate)


def joined(parts: Sequence[Audio]) -> Audio:
    """The parts one after another. Raises ValueError where there are none, or their rates differ."""
    rates = {part.sample_rate for part in parts}
    if len(rates) != 1:
        raise ValueError(f"cannot join {len(parts)} parts of audio at rates {sorted(rates)}")
    return Audio(np.concatenate([part.samples for part in parts]), rates.pop())
