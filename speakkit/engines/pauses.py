"""Cuts long audio into parts at pauses, so that a recognizer with a short window can read it in bounded memory.

The parts follow one another without a gap or an overlap: no sound is left out, and no word is read twice.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakkit.audio import Audio, Resampler
from speakkit.engines.base import Recognizer
from speakkit.engines.ctranslate import get_vad_model
from speakkit.transcript import Transcript

SAMPLE_RATE = 16_000
"""Sample rate of the parts, in hertz."""

LONGEST = 30.0
"""Maximum length of a part, in seconds: the window of Whisper and of Parakeet."""

SHORTEST = 20.0
"""Minimum length of a part but the last, in seconds."""

FRAME = 512
"""Samples of which the voice activity detector (Silero) tells the probability of speech."""

SPEECH = 0.3
"""Probability below which no frame of a part has speech. In silence, noise and tones it is below 0.16."""

PAUSE = 16
"""Frames over which that probability is averaged (0.5 s), so that a long pause is preferred to a short one."""

BLOCK = 10.0
"""Seconds that are resampled at once."""


@dataclass(frozen=True)
class Part:
    """A part of a recording.

    audio: LONGEST seconds at most, at SAMPLE_RATE
    start: seconds from the start of the recording
    """

    audio: Audio
    start: float


def cut(recording: Iterable[Audio]) -> Iterator[Part]:
    """Yield the parts of a recording. Each part but the last ends where speech is least likely.

    recording: consecutive audio of any length and one sample rate, such as the blocks of a file; one block is held in
        memory at a time
    """
    held = np.zeros(0, np.float32)
    start, longest = 0, round(LONGEST * SAMPLE_RATE)
    for samples in _resampled(recording):
        held = np.concatenate([held, samples])
        while len(held) > longest:
            end = _pause(held[:longest])
            yield Part(Audio(held[:end], SAMPLE_RATE), start / SAMPLE_RATE)
            start, held = start + end, held[end:]
    if len(held):
        yield Part(Audio(held, SAMPLE_RATE), start / SAMPLE_RATE)


def transcribe(recording: Iterable[Audio], recognizer: Recognizer, language: str | None) -> Iterator[Transcript]:
    """Yield the transcript of each part of a recording as it becomes known, with times from the start of the recording.

    language: ISO 639-1 code; None to use the language of the first part with words for the parts after it
    Raises the error of a part that cannot be recognized.
    """
    parts = cut(recording)
    while language is None and (part := next(parts, None)):
        (outcome,) = recognizer.transcribe([part.audio], None)
        transcript = outcome.result()
        language = transcript.language if transcript.words else None
        yield transcript.shifted(part.start)
    starts: deque[float] = deque()
    for outcome in recognizer.transcribe(_sounds(parts, starts), language):
        yield outcome.result().shifted(starts.popleft())


def has_speech(samples: npt.NDArray[np.float32]) -> bool:
    """Return whether there may be speech in the samples of a part."""
    return bool(_speech(np.pad(samples, (0, -len(samples) % FRAME))).max(initial=0.0) >= SPEECH)


def _sounds(parts: Iterable[Part], starts: deque[float]) -> Iterator[Audio]:
    """Yield the audio of the parts, and append their starts to `starts`."""
    for part in parts:
        starts.append(part.start)
        yield part.audio


def _resampled(recording: Iterable[Audio]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the samples of a recording at SAMPLE_RATE, in blocks of BLOCK seconds at most."""
    resampler = Resampler(SAMPLE_RATE)
    before: Audio | None = None
    for block in _blocks(recording):
        if before is not None:
            yield resampler.resampled(before, is_continued=True).samples
        before = block
    if before is not None:
        yield resampler.resampled(before).samples


def _blocks(recording: Iterable[Audio]) -> Iterator[Audio]:
    for audio in recording:
        step = max(1, round(BLOCK * audio.sample_rate))
        for first in range(0, len(audio.samples), step):
            yield Audio(audio.samples[first : first + step], audio.sample_rate)


def _pause(samples: npt.NDArray[np.float32]) -> int:
    """Return the sample, SHORTEST seconds from the start or later, at which speech is least likely."""
    speech = np.convolve(_speech(samples[: len(samples) // FRAME * FRAME]), np.full(PAUSE, 1 / PAUSE), "valid")
    first = round(SHORTEST * SAMPLE_RATE / FRAME)
    return (first + int(speech[first:].argmin()) + PAUSE // 2) * FRAME


def _speech(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the probability of speech in each FRAME of the samples."""
    found: npt.NDArray[np.float32] = get_vad_model()(samples.copy()).ravel()  # it overwrites the last samples
    return found
