"""NVIDIA's Parakeet through transformers: speech -> text, with word times and confidences from its own outputs.

`parakeet-ctc` knows English only, and also aligns a known text (`parakeet_alignment`). `parakeet-tdt` knows 25 European
languages, and detects which one it hears, but does not tell. Neither was ever run with its real weights here: the tests
load small random ones of the same classes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import groupby, pairwise
from math import log
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessorList, ParakeetForCTC, ParakeetForTDT, ParakeetProcessor

from speakkit.alignment import CoarseAlignment
from speakkit.audio import Audio
from speakkit.engines import checkpoint, hub, windows
from speakkit.engines.attempt import Held, each
from speakkit.engines.base import Footprint, SpokenText
from speakkit.engines.device import pick
from speakkit.engines.parakeet_alignment import Output, aligned
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.transcript import Transcript, Word

CTC, TDT = "parakeet-ctc", "parakeet-tdt"

NETWORKS = {CTC: ParakeetForCTC, TDT: ParakeetForTDT}
"""Recognizer -> the class of its network."""

LANGUAGES = {
    CTC: ("en",),
    TDT: (
        *("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "it", "lt", "lv", "mt", "nl", "pl"),
        *("pt", "ro", "ru", "sk", "sl", "sv", "uk"),
    ),
}
"""Recognizer -> the languages that it knows (the model cards of nvidia/parakeet-ctc-1.1b and parakeet-tdt-0.6b-v3)."""

BATCH = 16
"""Maximum windows in a batch on a GPU. On a CPU each window is read alone, because padding would cost time."""

ACTIVATIONS = 1 << 30
"""Estimated bytes that reading one window needs in addition to the weights."""

START = "▁"
"""Beginning of a piece of the vocabulary that starts a word (SentencePiece)."""


@dataclass(frozen=True)
class Token:
    """One piece of the vocabulary, as the network emitted it.

    start, end: half-open span of encoder frames (80 ms)
    probability: of the piece, in [0, 1]
    """

    piece: int
    start: int
    end: int
    probability: float


class Parakeet:
    """Recognizer by greedy decoding, without a language model.

    The confidence of a word is the smallest probability of its pieces. In CTC, the probability of a piece is the mean
    over its frames; in TDT, that of the step that emitted it. A word ends where its last piece ends.
    """

    def __init__(self, name: str, weights: hub.Installed, device: torch.device) -> None:
        """Load the weights. Raises ModelError if they cannot be used."""
        self.device = device.type
        self.identity = Identity(
            name,
            version=version("transformers"),
            weights=weights.source,
            weights_sha256=weights.sha256,
            licence="Apache-2.0 AND CC-BY-4.0",
            commercial=True,
            sample_rate=windows.SAMPLE_RATE,
        )
        self._held = Held(
            name, checkpoint.load(name, weights, NETWORKS[name], ParakeetProcessor, device, torch.float32)
        )
        self._turn = Lock()  # transformers keeps the state of TDT's decoding in the network

    @classmethod
    def load(cls, name: str, device: str = "auto") -> "Parakeet":
        """Load one of the models of NETWORKS."""
        return cls(name, hub.ensure(name), pick(device))

    @classmethod
    def footprint(cls, name: str, device: str = "auto") -> Footprint:
        """See `base.Engine`."""
        found = pick(device).type
        return Footprint(found, checkpoint.size(name) + ACTIVATIONS * _batch(found))

    def close(self) -> None:
        """See `base.Engine`."""
        self._held.close()

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """See `base.Recognizer`. The language of a transcript is "" if `parakeet-tdt` was not told it."""
        name = self.identity.name
        return windows.transcribe(clips, partial(self._read, language), name, _batch(self.device))

    def align(self, clips: Iterable[SpokenText], language: str) -> Iterator[Outcome[SpokenText, CoarseAlignment]]:
        """See `base.TextAligner`. Only `parakeet-ctc` aligns. Clips fail as in `transcribe`."""
        return each(clips, partial(self._aligned, language), self.identity.name)

    def _read(self, language: str | None, parts: Sequence[Audio]) -> list[windows.Heard]:
        """Read some windows in one batch."""
        self._require(language)
        network, processor = self._held()
        inputs = _inputs(parts, network, processor)
        with torch.inference_mode(), self._turn:
            emitted = _ctc(network, inputs) if self.identity.name == CTC else _tdt(network, inputs)
        told = language or ("en" if self.identity.name == CTC else "")
        return [_heard(tokens, processor, network.config, told) for tokens in emitted]

    def _aligned(self, language: str, clip: SpokenText) -> CoarseAlignment:
        """Return the alignment of one clip."""
        self._require(language)
        _, processor = self._held()
        pieces = [_pieces(word, processor.tokenizer) for word in clip.words]
        return CoarseAlignment(tuple(aligned(self._output(clip.audio), clip.words, pieces)))

    def _output(self, clip: Audio) -> Output:
        """Return the output of CTC for a clip. Two windows are joined in the middle of their overlap."""
        network, processor = self._held()
        frame = _frame(network.config, processor)
        spans, parts = windows.cut(clip)
        logs: list[npt.NDArray[np.float32]] = []
        for k in range(0, len(parts), _batch(self.device)):
            inputs = _inputs(parts[k : k + _batch(self.device)], network, processor)
            with torch.inference_mode(), self._turn:
                found = network(**inputs).logits.float().log_softmax(-1)
            frames = network.encoder._get_subsampling_output_length(inputs["attention_mask"].sum(-1)).tolist()  # noqa: SLF001
            logs += [one[:count].cpu().numpy() for one, count in zip(found, frames, strict=True)]
        seams = [0.0, *((after[0] + before[1]) / 2 for before, after in pairwise(spans)), np.inf]
        times = [start + frame * np.arange(len(one)) for (start, _), one in zip(spans, logs, strict=True)]
        kept = [(seams[k] <= one) & (one < seams[k + 1]) for k, one in enumerate(times)]
        return Output(
            np.concatenate([one[own] for one, own in zip(logs, kept, strict=True)]),
            np.concatenate([one[own] for one, own in zip(times, kept, strict=True)]),
            network.config.pad_token_id,
            frame,
        )

    def _require(self, language: str | None) -> None:
        """Raises EngineError for a language that this network does not know."""
        name = self.identity.name
        if language not in (None, *LANGUAGES[name]):
            raise EngineError(f"{name} does not know the language {language!r}; it knows {', '.join(LANGUAGES[name])}")


def _batch(device: str) -> int:
    """Return the maximum number of windows in a batch on a device."""
    return 1 if device == "cpu" else BATCH


def _inputs(parts: Sequence[Audio], network: Any, processor: Any) -> Any:
    """Return what the network reads of some windows, as one batch on its device."""
    samples = [part.samples for part in parts]
    return processor(samples, sampling_rate=windows.SAMPLE_RATE).to(network.device)


def _frame(config: Any, processor: Any) -> float:
    """Return the seconds of a frame of the encoder."""
    extractor = processor.feature_extractor
    return float(config.encoder_config.subsampling_factor * extractor.hop_length / extractor.sampling_rate)


def _pieces(word: str, tokenizer: Any) -> list[int]:
    """Return the pieces of a word as `parakeet-ctc` spells it: in small letters, without punctuation and numbers."""
    plain = "".join(letter for letter in word.casefold().replace("’", "'") if letter.isalpha() or letter == "'")
    found: list[int] = tokenizer(plain.strip("'"), add_special_tokens=False).input_ids if plain else []
    return [piece for piece in found if piece != tokenizer.unk_token_id]


def _ctc(network: Any, inputs: Any) -> list[list[Token]]:
    """Return the tokens of each window: the runs of the most probable piece of each frame, without those of blank."""
    output = network.generate(**inputs, return_dict_in_generate=True)
    pieces = output.sequences
    probabilities = output.logits.float().softmax(-1).gather(-1, pieces[..., None])[..., 0]
    blank = network.config.pad_token_id
    return [_runs(*found, blank) for found in zip(pieces.tolist(), probabilities.tolist(), strict=True)]


def _runs(pieces: Sequence[int], probabilities: Sequence[float], blank: int) -> list[Token]:
    """Return the runs of equal pieces. pieces, probabilities: one for each frame."""
    tokens = []
    for piece, run in groupby(range(len(pieces)), key=pieces.__getitem__):
        frames = list(run)
        if piece != blank:
            mean = sum(probabilities[frame] for frame in frames) / len(frames)
            tokens.append(Token(piece, frames[0], frames[-1] + 1, mean))
    return tokens


def _tdt(network: Any, inputs: Any) -> list[list[Token]]:
    """Return the tokens of each window: each step emits a piece, or blank, and moves on by its duration in frames."""
    greedy = checkpoint.Greedy(network.config.vocab_size)
    frames = network.encoder._get_subsampling_output_length(inputs["attention_mask"].sum(-1)).tolist()  # noqa: SLF001
    output = network.generate(
        **inputs,
        max_new_tokens=network.max_symbols_per_step * max(frames),
        do_sample=False,
        num_beams=1,
        logits_processor=LogitsProcessorList([greedy]),
    )
    pieces = output.sequences[:, 1:].tolist()  # without the token that decoding starts with
    durations = output.durations[:, 1:].tolist()
    skipped = {network.config.blank_token_id, network.config.pad_token_id}
    found = zip(pieces, durations, greedy.log_probabilities().exp().tolist(), frames, strict=True)
    return [_steps(*one, skipped) for one in found]


def _steps(
    pieces: Sequence[int], durations: Sequence[int], probabilities: Sequence[float], frames: int, skipped: set[int]
) -> list[Token]:
    """Return the tokens of one window's steps, until the frames end. A token has one frame at least."""
    tokens, at = [], 0
    for piece, duration, probability in zip(pieces, durations, probabilities, strict=False):
        if at >= frames:  # the steps of a longer window in the same batch follow
            break
        if piece not in skipped:
            tokens.append(Token(piece, at, at + max(1, duration), probability))
        at += duration
    return tokens


def _heard(tokens: Sequence[Token], processor: Any, config: Any, language: str) -> windows.Heard:
    """Return what the tokens say."""
    tokenizer = processor.tokenizer
    decode = partial(tokenizer.decode, skip_special_tokens=True, group_tokens=False)  # repeats are grouped already
    frame = _frame(config, processor)
    pieces = tokenizer.convert_ids_to_tokens([token.piece for token in tokens])
    raw = decode([token.piece for token in tokens])
    found = (_word(group, decode, frame) for group in _grouped(tokens, pieces))
    mean = sum(log(max(token.probability, 1e-30)) for token in tokens) / len(tokens) if tokens else None
    return windows.Heard(raw.strip(), tuple(filter(None, found)), language, raw, mean)


def _grouped(tokens: Sequence[Token], pieces: Sequence[str]) -> list[list[Token]]:
    """Return the tokens of each word. pieces: one for each token."""
    words: list[list[Token]] = []
    for token, piece in zip(tokens, pieces, strict=True):
        if piece.startswith(START) or not words:
            words.append([])
        words[-1].append(token)
    return words


def _word(tokens: Sequence[Token], decode: Callable[[list[int]], str], frame: float) -> Word | None:
    """Return the word of some tokens; None if they have no text. frame: its length in seconds.

    Punctuation, which TDT emits at some later frame, counts neither for the times nor for the confidence.
    """
    text = decode([token.piece for token in tokens]).strip()
    spoken = [token for token in tokens if any(map(str.isalnum, decode([token.piece])))] or tokens
    confidence = min(token.probability for token in spoken)
    return Word(text, spoken[0].start * frame, spoken[-1].end * frame, confidence) if text else None
