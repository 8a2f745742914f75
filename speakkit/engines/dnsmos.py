"""DNSMOS (Reddy et al. 2022, arXiv:2110.01763): speech quality scores from the two ONNX models in speechmos.

The code of the package speechmos is not used, because it imports librosa, which it does not declare.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from speakkit.audio import Audio
from speakkit.clip_results import Scores
from speakkit.engines import hub
from speakkit.engines.attempt import Held, each
from speakkit.engines.base import Footprint
from speakkit.engines.quietly import no_warnings
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome

NAME = "dnsmos"

FILES = P835, P808 = "sig_bak_ovr.onnx", "model_v8.onnx"
"""Model files in the package speechmos."""

SAMPLE_RATE = 16_000
"""Sample rate of the models' input, in hertz."""

WINDOW = round(9.01 * SAMPLE_RATE)
"""Window length of the models, in samples (9.01 s). A shorter clip is repeated; a longer one is scored in windows
one second apart."""

POLYNOMIALS = {
    "signal": (-0.08397278, 1.22083953, 0.0052439),
    "background": (-0.13166888, 1.60915514, -0.39604546),
    "overall": (-0.06766283, 1.11546468, 0.04602535),
}
"""Question -> polynomial from the network's output to a mean opinion score, highest power first
(speechmos/dnsmos.py, get_polyfit_val)."""

N_FFT, HOP, N_MELS = 321, 160, 120
"""Mel spectrogram: FFT size and hop in samples, and number of mel bands."""


class Dnsmos:
    """Judge with four questions: signal, background and overall quality (ITU-T P.835), and p808 (ITU-T P.808)."""

    def __init__(self, folder: Path) -> None:
        self._p835 = Held(NAME, onnxruntime.InferenceSession(folder / P835))
        self._p808 = Held(NAME, onnxruntime.InferenceSession(folder / P808))
        self.identity = Identity(
            NAME,
            version=version("speechmos"),
            weights="official",
            weights_sha256=hub.one_hash({name: sha256((folder / name).read_bytes()).hexdigest() for name in FILES}),
            licence="MIT",
            commercial=True,
            sample_rate=SAMPLE_RATE,
        )

    @classmethod
    def load(cls) -> "Dnsmos":
        """Load the models that are installed with speechmos.

        Raises EngineError if speechmos is not installed.
        """
        spec = find_spec("speechmos")
        if spec is None or not spec.submodule_search_locations:
            raise EngineError("DNSMOS needs the package speechmos; install it: pip install speechmos")
        return cls(Path(spec.submodule_search_locations[0]) / "dnsmos_models")

    @classmethod
    def footprint(cls) -> Footprint:
        """See `base.Engine`."""
        return Footprint("cpu", 300 << 20)

    def close(self) -> None:
        """See `base.Engine`."""
        self._p835.close()
        self._p808.close()

    def score(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Scores]]:
        """See `base.Judge`. Each score is the mean over the clip's windows."""
        return each(clips, self._scored, NAME)

    def _scored(self, clip: Audio) -> Scores:
        samples = clip.clipped().resampled(SAMPLE_RATE).samples
        if not len(samples):
            raise EngineError("DNSMOS cannot judge an empty clip")
        if not np.isfinite(samples).all():
            raise EngineError("DNSMOS cannot judge a clip with NaN or infinite samples")
        scores = [self._window(window) for window in _windows(samples)]
        means = ((name, float(np.mean([score[name] for score in scores]))) for name in scores[0])
        return Scores(tuple(means), self.identity)

    def _window(self, samples: npt.NDArray[np.float32]) -> dict[str, float]:
        """Return the scores of one window of WINDOW samples."""
        raw = self._p835().run(None, {"input_1": samples[None]})[0][0]
        scores = {name: float(np.polyval(curve, x)) for (name, curve), x in zip(POLYNOMIALS.items(), raw, strict=True)}
        features = _log_mel(samples[:-HOP])[None]
        return scores | {"p808": float(self._p808().run(None, {"input_1": features})[0][0][0])}


def _windows(samples: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the windows of a clip, float32 [WINDOW]. A clip shorter than WINDOW is repeated first."""
    repeats = -(-WINDOW // len(samples))
    whole = np.tile(samples, 1 << (repeats - 1).bit_length()) if repeats > 1 else samples
    count = len(whole) // SAMPLE_RATE - WINDOW // SAMPLE_RATE
    for i in range(max(count, 1)):
        window = whole[i * SAMPLE_RATE : i * SAMPLE_RATE + WINDOW]
        if len(window) == WINDOW:
            yield window.astype(np.float32)


def _log_mel(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return float32 [frames, 120]: decibels below the loudest bin, scaled to about [-1, 1] (librosa's power_to_db)."""
    mel: npt.NDArray[np.float64] = spectrogram(
        samples,
        window_function(N_FFT, "hann"),
        frame_length=N_FFT,
        hop_length=HOP,
        fft_length=N_FFT,
        power=2.0,
        pad_mode="constant",
        mel_filters=_mel_filters(),
        dtype=np.float64,
    )
    decibels = 10.0 * np.log10(np.maximum(mel, 1e-10) / max(mel.max(), 1e-10))
    scaled: npt.NDArray[np.float32] = ((np.maximum(decibels, -80.0) + 40.0) / 40.0).T.astype(np.float32)
    return scaled


@cache
def _mel_filters() -> npt.NDArray[np.float64]:
    with no_warnings():  # 120 bands over 161 bins leave some empty, as in the models' training
        filters: npt.NDArray[np.float64] = mel_filter_bank(
            N_FFT // 2 + 1, N_MELS, 0.0, SAMPLE_RATE / 2, SAMPLE_RATE, norm="slaney", mel_scale="slaney"
        )
    return filters
