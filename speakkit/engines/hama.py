"""hama's phoneme network (CTC, frames of 20 ms): where and how well the words of a known text are spoken."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from speakkit.alignment import Alignment, KnownWord
from speakkit.audio import Audio, silence
from speakkit.engines import ctc
from speakkit.engines.attempt import Held, each, usable
from speakkit.engines.base import Footprint, Posteriors
from speakkit.engines.hama_phonemes import Observed, Phonemes, alternatives, table
from speakkit.engines.hama_times import AROUND, FRAME, Times
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome

NAME = "hama"

SAMPLE_RATE = 16_000
"""Sample rate of hama's input, in hertz."""

PART, CONTEXT = 20.0, 1.5
"""Seconds of audio that hama is given at once, and seconds before and after them that it also hears. hama hears nothing
after 30 s, and is the slower per second the more it hears."""

FOREIGN = -6.0
"""See `base.Aligner.foreign`. The lowest agreement of 62 clips of benchmarks/known_times.FITTED with their own texts is
-2.6, and the highest with other texts -7.6."""


class Hama:
    """Aligner for English. For other languages it is coarse, because hama lacks their phonemes."""

    foreign = FOREIGN

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        """rows: see `hama_phonemes.table`."""
        import hama  # noqa: PLC0415  Windows has no build of it

        model = hama.ASRModel()
        self._session = Held(NAME, model.session)
        self.tokens: Sequence[str] = model.decoder_tokens
        self._phonemes = Phonemes(self.tokens, rows)
        self.symbols = frozenset(self._phonemes.symbols)
        weights = resources.files("hama.assets").joinpath("asr_waveform.hama").read_bytes()
        self.identity = Identity(
            NAME,
            version=version("hama"),
            weights="official",
            weights_sha256=sha256(weights).hexdigest(),
            licence="Apache-2.0",
            commercial=True,
            sample_rate=SAMPLE_RATE,
        )

    @classmethod
    def load(cls) -> "Hama":
        """Load the network that is installed with hama.

        Raises EngineError if hama is not installed.
        """
        if find_spec("hama") is None:
            raise EngineError("aligning a text needs the package hama, for Linux and macOS: pip install hama==1.7.0")
        return cls(table())

    @classmethod
    def footprint(cls) -> Footprint:
        """See `base.Engine`."""
        return Footprint("cpu", 200 << 20)

    def close(self) -> None:
        """See `base.Engine`."""
        self._session.close()

    def observe(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Posteriors]]:
        """See `base.Aligner`. A clip that is empty, or has NaN or infinite samples, fails with EngineError."""
        return each(clips, self._observed, NAME)

    def _observed(self, clip: Audio) -> Posteriors:
        logs = self.logs(usable(clip))
        return HamaPosteriors(Observed.joined(map(self._phonemes.observed, logs)), self._phonemes, clip.duration)

    def logs(self, clip: Audio) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the natural logarithms of the probabilities of hama's tokens, [frames, tokens], part by part.

        The first frame is AROUND before the clip, and the last one AROUND after it.
        """
        session = self._session()
        begins = np.arange(0.0, max(clip.duration - CONTEXT, FRAME), PART)
        around = silence(AROUND, SAMPLE_RATE).samples
        for begin in begins:
            is_first, is_last = begin == begins[0], begin == begins[-1]
            part = clip.part(begin - CONTEXT, clip.duration if is_last else begin + PART + CONTEXT)
            heard = part.clipped().resampled(SAMPLE_RATE).samples
            samples = np.concatenate([around[: len(around) * is_first], heard, around[: len(around) * is_last]])
            outputs = session.run(["log_probs"], {"waveform": samples, "waveform_lengths": [len(samples)]})
            first = 0 if is_first else round(CONTEXT / FRAME)
            count = len(outputs[0][0]) if is_last else round((PART + AROUND * is_first) / FRAME)
            yield outputs[0][0][first : first + count]


@dataclass(frozen=True, eq=False)
class HamaPosteriors:
    """See `base.Posteriors`.

    duration: of the clip, in seconds
    """

    observed: Observed
    phonemes: Phonemes
    duration: float

    def align(self, words: Sequence[KnownWord]) -> Alignment:
        """See `base.Posteriors`."""
        ways = [[self.phonemes.columns(way) for way, _ in alternatives(word.pronunciations)] for word in words]
        path = ctc.align(self.observed.scores, ways)
        return Times(path, self.observed, self.phonemes, self.duration).alignment(words, ways)
