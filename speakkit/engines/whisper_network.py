"""Whisper's network through CTranslate2: audio -> text tokens, and the times of text tokens in the audio."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from speakkit.engines.ctranslate import Tokenizer, WhisperModel, ctranslate2, get_suppressed_tokens, pad_or_trim

SAMPLE_RATE = 16_000
"""Sample rate of Whisper's input, in hertz."""

LONGEST = 30.0
"""Maximum length of a window, in seconds."""

FRAMES_PER_SECOND = 100
"""Frames of the features per second."""

FRAME = 0.02
"""Seconds per frame of the encoder, the unit of token times."""

BEAM = 5
"""Beam size: the one that Whisper was evaluated with."""

SEED = 0
"""Seed of CTranslate2's random numbers. Beam search draws none."""

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Encoded:
    """Encoded windows.

    features: encoder output [windows, frames / 2, width], on the device
    frames: feature frames of each window, without padding
    """

    features: Any
    frames: tuple[int, ...]


@dataclass(frozen=True)
class Written:
    """The text that the network wrote for one window.

    tokens: without special tokens
    average_log_probability: natural logarithm, mean over the tokens and the end token
    no_speech_probability: in [0, 1]
    """

    tokens: tuple[int, ...]
    average_log_probability: float
    no_speech_probability: float


@dataclass(frozen=True)
class TokenTimes:
    """The times and probabilities of the text tokens of one window.

    starts: seconds from the start of the window, one more than tokens; a token ends where the next one starts
    probabilities: of each token, if the tokens before it are right
    """

    starts: tuple[float, ...]
    probabilities: tuple[float, ...]


class Network:
    """A loaded network.

    languages: codes of the languages that it has tokens for
    """

    def __init__(self, folder: Path, device: str, compute_type: str, threads: int = 0) -> None:
        """Load the weights in `folder`. threads: of the CPU; 0 for CTranslate2's own count."""
        ctranslate2.set_random_seed(SEED)
        self._model = WhisperModel(str(folder), device=device, compute_type=compute_type, cpu_threads=threads)
        self.languages: tuple[str, ...] = tuple(filter(self._knows, self._model.supported_languages))
        self.tokenizer = cache(self._tokenizer)

    def encode(self, windows: Sequence[Samples], seconds: float = LONGEST) -> Encoded:
        """Return the encoding of windows at SAMPLE_RATE, padded to `seconds`, which none may exceed.

        A shorter padding than LONGEST is faster, but not what the network has learned.
        """
        features = [self._model.feature_extractor(window)[..., :-1] for window in windows]
        frames = round(seconds * FRAMES_PER_SECOND)
        padded = np.stack([pad_or_trim(each, frames) for each in features])
        return Encoded(self._model.encode(padded), tuple(min(each.shape[-1], frames) for each in features))

    def detect(self, encoded: Encoded) -> list[tuple[str, float]]:
        """Return the most probable language of each window, and its probability."""
        if len(self.languages) == 1:
            return [(self.languages[0], 1.0)] * len(encoded.frames)
        found = self._model.model.detect_language(encoded.features)
        return [(token.strip("<|>"), probability) for (token, probability), *_ in found]

    def write(self, encoded: Encoded, languages: Sequence[str]) -> list[Written]:
        """Return the text of each window, in its language. Beam search, without timestamp tokens."""
        tokenizers = [self.tokenizer(language) for language in languages]
        results = self._model.model.generate(
            encoded.features,
            [[*tokenizer.sot_sequence, tokenizer.no_timestamps] for tokenizer in tokenizers],
            beam_size=BEAM,
            max_length=self._model.max_length,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizers[0], [-1]),
        )
        return [self._written(result, tokenizers[0].eot) for result in results]

    def align(self, encoded: Encoded, texts: Sequence[Sequence[int]], language: str) -> list[TokenTimes]:
        """Return the times of one text per window, from the cross-attention (dynamic time warping).

        See `find_alignment` of faster-whisper, and "Timestamps" in Radford et al. 2022, arXiv:2212.04356.
        """
        tokenizer = self.tokenizer(language)
        results = self._model.model.align(
            encoded.features, tokenizer.sot_sequence, [list(text) for text in texts], list(encoded.frames)
        )
        return [_times(result, len(text)) for result, text in zip(results, texts, strict=True)]

    def _knows(self, language: str) -> bool:
        """Return whether there is a token for a language; "yue" is in the newest sizes only."""
        model = self._model
        return not model.model.is_multilingual or model.hf_tokenizer.token_to_id(f"<|{language}|>") is not None

    def _tokenizer(self, language: str) -> Tokenizer:
        model = self._model
        return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)

    @staticmethod
    def _written(result: Any, end: int) -> Written:
        tokens = tuple(token for token in result.sequences_ids[0] if token < end)
        length = len(result.sequences_ids[0])
        return Written(tokens, result.scores[0] * length / (length + 1), result.no_speech_prob)


def _times(result: Any, count: int) -> TokenTimes:
    """Convert an alignment of CTranslate2, which has the frames of each token and of the end token."""
    if not count:
        return TokenTimes((0.0,), ())
    tokens, frames = np.array(result.alignments).T
    begins = np.flatnonzero(np.diff(tokens, prepend=-1))
    return TokenTimes(tuple((frames[begins] * FRAME).tolist()), tuple(result.text_token_probs[:count]))
