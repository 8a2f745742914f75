"""Whisper through faster-whisper: speech -> text with word times."""

from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any

from faster_whisper import WhisperModel

from speakkit.audio import Audio
from speakkit.engines import hub
from speakkit.engines.attempt import Held, each
from speakkit.engines.base import Footprint
from speakkit.engines.device import pick
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.transcript import Transcript, TranscriptSegment, Word

SAMPLE_RATE = 16_000
"""Sample rate of Whisper's input, in hertz."""

BESIDE = 250 << 20
"""Bytes that decoding 30 s of audio needs in addition to the weights, which are float16 on disk and float32 in
memory."""


class Whisper:
    """Recognizer: beam size 5, without fallback to higher temperatures, so that transcripts are reproducible."""

    def __init__(self, name: str, weights: hub.Installed, device: str, compute_type: str = "float32") -> None:
        self.device = device
        self.identity = Identity(
            name,
            version=version("faster-whisper"),
            weights=weights.source,
            weights_sha256=weights.sha256,
            licence="MIT",
            commercial=True,
            sample_rate=SAMPLE_RATE,
        )
        self._model = Held(name, WhisperModel(str(weights.folder), device=device, compute_type=compute_type))

    @classmethod
    def load(cls, name: str, device: str = "auto") -> "Whisper":
        """Load one of the Whisper models of `hub.MODELS`."""
        return cls(name, hub.ensure(name), _device(device))

    @classmethod
    def footprint(cls, name: str, device: str = "auto") -> Footprint:
        """See `base.Engine`."""
        return Footprint(_device(device), 2 * hub.MODELS[name].size_mb * 10**6 + BESIDE)

    def close(self) -> None:
        """See `base.Engine`."""
        self._model.close()

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """See `base.Recognizer`."""
        return each(clips, partial(self._heard, language), self.identity.name)

    def _heard(self, language: str | None, clip: Audio) -> Transcript:
        """Return the transcript of one clip."""
        found, info = self._model().transcribe(
            clip.resampled(SAMPLE_RATE).samples,
            language=language,
            beam_size=5,
            temperature=0.0,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        segments = list(found)
        raw = "".join(segment.text for segment in segments)
        words = tuple(
            Word(word.word.strip(), word.start, word.end, word.probability)
            for segment in segments
            for word in segment.words or ()
        )
        return Transcript(raw.strip(), info.language, words, tuple(map(_segment, segments)), raw)


def _segment(heard: Any) -> TranscriptSegment:
    """Convert a segment of faster-whisper."""
    return TranscriptSegment(
        heard.text.strip(),
        heard.start,
        heard.end,
        average_log_probability=heard.avg_logprob,
        no_speech_probability=heard.no_speech_prob,
        compression_ratio=heard.compression_ratio,
    )


def _device(name: str) -> str:
    """Return "cuda" or "cpu", the only devices that CTranslate2 supports."""
    return "cuda" if pick(name).type == "cuda" else "cpu"
