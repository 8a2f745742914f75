"""Qwen3-ASR through transformers: speech -> text, with word times by Qwen3's forced aligner.

It is a language model, which may write what should have been said instead of what was. transformers shortens what
repeats 20 times or more; here every repetition is kept, because it may have been spoken. Neither network was ever run
with its real weights here: the tests load small random ones of the same classes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from math import exp
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
    Qwen3ASRProcessor,
)
from transformers.models.qwen3_asr.processing_qwen3_asr import FORCED_ALIGNER_LANGUAGES, LANGUAGE_CODE_TO_NAME

from speakkit.audio import Audio
from speakkit.engines import checkpoint, hub, windows
from speakkit.engines.attempt import Held
from speakkit.engines.base import Footprint
from speakkit.engines.device import pick
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.transcript import Transcript, Word

RECOGNIZER, ALIGNER = "qwen3-asr", "qwen3-aligner"

MARK = "<asr_text>"
"""Token between the language, as in "language English", and the text."""

TOKENS = 512
"""Maximum number of tokens of one window, four times those of fast speech. Only a loop reaches it."""

ALIGNED = {code for code, name in LANGUAGE_CODE_TO_NAME.items() if name in FORCED_ALIGNER_LANGUAGES} - {"ja", "ko"}
"""Languages in which words get times. Japanese and Korean would need packages that speakkit does not have."""

BATCH = 8
"""Maximum windows in a batch on a GPU. On a CPU each window is read alone, because padding would cost time."""

ACTIVATIONS = 1 << 30
"""Estimated bytes that reading one window needs in addition to the weights."""


class Qwen:
    """Recognizer by greedy decoding.

    The confidence of a word is the smallest probability of its tokens. Words have times if the model `qwen3-aligner` is
    installed when this engine is loaded.
    """

    def __init__(self, weights: hub.Installed, device: torch.device, aligner: hub.Installed | None = None) -> None:
        """Load the weights. Raises ModelError if they cannot be used."""
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32  # of the published weights; slow on CPUs
        self.device = device.type
        self.identity = Identity(
            RECOGNIZER,
            version=version("transformers"),
            weights=weights.source,
            weights_sha256=_both(weights, aligner),
            licence="Apache-2.0",
            commercial=True,
            sample_rate=windows.SAMPLE_RATE,
        )
        load = partial(checkpoint.load, processor=Qwen3ASRProcessor, device=device, dtype=dtype)
        recognizing = load(RECOGNIZER, weights, Qwen3ASRForConditionalGeneration)
        aligning = load(ALIGNER, aligner, Qwen3ASRForTokenClassification) if aligner else None
        self._held = Held(RECOGNIZER, (recognizing, aligning))

    @classmethod
    def load(cls, _: str = RECOGNIZER, device: str = "auto") -> "Qwen":
        """Load the recognizer, and the aligner if it is installed. The aligner is never fetched."""
        return cls(hub.ensure(RECOGNIZER), pick(device), hub.state(ALIGNER).installed)

    @classmethod
    def footprint(cls, _: str = RECOGNIZER, device: str = "auto") -> Footprint:
        """See `base.Engine`."""
        found = pick(device).type
        names = (RECOGNIZER, ALIGNER) if hub.state(ALIGNER).installed else (RECOGNIZER,)
        bytes_each = 1 if found == "cuda" else 2  # for each byte on disk, which holds bfloat16
        weights = sum(hub.MODELS[name].size_mb for name in names) * 10**6
        return Footprint(found, bytes_each * weights + ACTIVATIONS * _batch(found))

    def close(self) -> None:
        """See `base.Engine`."""
        self._held.close()

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """See `base.Recognizer`."""
        return windows.transcribe(clips, partial(self._read, language), RECOGNIZER, _batch(self.device))

    def _read(self, language: str | None, parts: Sequence[Audio]) -> list[windows.Heard]:
        """Read some windows in one batch. Raises EngineError for a language that Qwen3-ASR does not know."""
        if language not in (None, *LANGUAGE_CODE_TO_NAME):
            raise EngineError(
                f"{RECOGNIZER} does not know the language {language!r}; it knows {', '.join(LANGUAGE_CODE_TO_NAME)}"
            )
        (network, processor), aligning = self._held()
        samples = [part.samples for part in parts]
        inputs = processor.apply_transcription_request(audio=samples, language=language)
        inputs = inputs.to(network.device, dtype=network.dtype)
        greedy = checkpoint.Greedy(network.config.text_config.vocab_size)
        with torch.inference_mode():
            output = network.generate(
                **inputs,
                max_new_tokens=TOKENS,
                do_sample=False,
                num_beams=1,
                logits_processor=LogitsProcessorList([greedy]),
            )
        written = output[:, inputs["input_ids"].shape[1] :].tolist()
        scores = greedy.log_probabilities().tolist()
        ends = _ends(network)
        heard = [_heard(*_ended(*one, ends), processor, language) for one in zip(written, scores, strict=True)]
        if aligning is None:
            return heard
        return [
            replace(one, words=_aligned(*aligning, audio, one)) if one.language in ALIGNED else one
            for audio, one in zip(samples, heard, strict=True)
        ]


def _both(weights: hub.Installed, aligner: hub.Installed | None) -> str:
    """Return the hash of the recognizer's weights, together with that of the aligner's if there are any."""
    if aligner is None or not weights.sha256 or not aligner.sha256:
        return weights.sha256
    return hub.one_hash({RECOGNIZER: weights.sha256, ALIGNER: aligner.sha256})


def _batch(device: str) -> int:
    """Return the maximum number of windows in a batch on a device."""
    return 1 if device == "cpu" else BATCH


def _ends(network: Any) -> set[int]:
    """Return the tokens that end a text."""
    found = network.generation_config.eos_token_id
    return set(found) if isinstance(found, list | tuple) else {found}


def _ended(tokens: Sequence[int], scores: Sequence[float], ends: set[int]) -> tuple[list[int], list[float]]:
    """Return the tokens of one window before its end, and their log-probabilities; those after it are padding."""
    count = next((k for k, token in enumerate(tokens) if token in ends), len(tokens))
    return list(tokens[:count]), list(scores[:count])


def _heard(tokens: Sequence[int], scores: Sequence[float], processor: Any, language: str | None) -> windows.Heard:
    """Return what the tokens of one window say. scores: log-probability of each token."""
    raw = processor.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    before, mark, text = raw.rpartition(MARK)
    bounds = _bounds(tokens, processor)
    words = []
    for first, last in windows.written(text):
        span = (len(before + mark) + first, len(before + mark) + last)
        inside = [
            score
            for (start, end), score in zip(bounds, scores, strict=True)
            if start < span[1] and end > span[0] and any(map(str.isalnum, raw[max(start, span[0]) : end]))
        ]
        words.append(Word(text[first:last], confidence=exp(min(inside)) if inside else None))
    mean = sum(scores) / len(scores) if scores else None
    return windows.Heard(text.strip(), tuple(words), language or _code(before), raw, mean)


def _bounds(tokens: Sequence[int], processor: Any) -> list[tuple[int, int]]:
    """Return the characters of the decoded text that each token adds, as half-open spans.

    A token with a part of a character adds that character when it is complete.
    """
    ends = [0]
    for count in range(1, len(tokens) + 1):
        text = processor.decode(tokens[:count], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        ends.append(max(ends[-1], len(text.rstrip("\ufffd"))))
    return list(pairwise(ends))


def _code(told: str) -> str:
    """Return the language code of what stands before MARK, such as "language English"; "" if it names no language."""
    name = told.strip().removeprefix("language ").strip()
    return next((code for code, known in LANGUAGE_CODE_TO_NAME.items() if known == name), "")


def _aligned(network: Any, processor: Any, samples: Any, heard: windows.Heard) -> tuple[Word, ...]:
    """Return the words with times from the aligner, in steps of 80 ms. Punctuation alone gets no time."""
    texts = [word.text for word in heard.words]
    counts = [len(processor.split_words_for_alignment(text)) for text in texts]
    if not sum(counts):
        return heard.words
    inputs, lists = processor.prepare_forced_aligner_inputs(samples, " ".join(texts), heard.language)
    inputs = inputs.to(network.device, dtype=network.dtype)
    with torch.inference_mode():
        logits = network(**inputs).logits
    marker = network.config.timestamp_token_id
    (found,) = processor.decode_forced_alignment(logits, inputs["input_ids"], lists, marker)
    step = processor.timestamp_segment_time / 1000
    items = iter(found)
    return tuple(
        _placed(word, [next(items) for _ in range(count)], step)
        for word, count in zip(heard.words, counts, strict=True)
    )


def _placed(word: Word, items: Sequence[Any], step: float) -> Word:
    """Return a word with the times of its items, of which there may be none. It lasts one step (seconds) at least."""
    if not items:
        return word
    start, end = items[0]["start_time"], items[-1]["end_time"]
    return Word(word.text, start, max(end, start + step), word.confidence)
