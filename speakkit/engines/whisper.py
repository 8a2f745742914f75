"""Whisper through faster-whisper: speech -> text with word times."""

from collections.abc import Iterable, Iterator

from faster_whisper import WhisperModel

from speakkit.audio import Audio
from speakkit.engines import hub
from speakkit.engines.device import pick
from speakkit.transcript import Transcript, Word

SAMPLE_RATE = 16_000


class Whisper:
    """Recognizer: a beam of five, no fallback to higher temperatures, so that one clip has one transcript."""

    def __init__(self, weights: hub.Installed, device: str, compute_type: str = "float32") -> None:
        self.weights = weights.source
        self.device = device
        self._model = WhisperModel(str(weights.folder), device=device, compute_type=compute_type)

    @classmethod
    def load(cls, name: str, device: str = "auto") -> "Whisper":
        """One of the Whisper models of `hub.MODELS`. CTranslate2 knows CUDA and CPU only."""
        picked = pick(device).type
        return cls(hub.ensure(name), "cuda" if picked == "cuda" else "cpu")

    def transcribe(self, clips: Iterable[Audio], language: str = "en") -> Iterator[Transcript]:
        """What was heard in each clip, in order."""
        for clip in clips:
            samples = clip.resampled(SAMPLE_RATE).samples
            segments, info = self._model.transcribe(
                samples,
                language=language,
                beam_size=5,
                temperature=0.0,
                word_timestamps=True,
                condition_on_previous_text=False,
            )
            heard = list(segments)
            words = tuple(
                Word(word.word.strip(), word.start, word.end, word.probability)
                for segment in heard
                for word in segment.words or ()
            )
            yield Transcript("".join(segment.text for segment in heard).strip(), info.language, words)
