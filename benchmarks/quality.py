"""Measure the intelligibility and quality of Kokoro, and its difference from float32, on each numeric path.

    python benchmarks/quality.py [SENTENCES [DEVICE]]      # 60 of tests/data/alice29.txt and cpu by default, voice f1

Prints a Markdown table: the word error rate by Whisper base and tiny.en (after Whisper's own normaliser), the lost
words, DNSMOS, and the mean absolute difference of log-mel spectra from the first path. A path that is worse than the
first in one of these must not be the default. The row of another seed shows the difference of two runs of one path.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import jiwer
import numpy as np
import torch
from book import plain_kokoro
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

from speakkit import config
from speakkit.audio import Audio
from speakkit.engines import hub, locations, registry
from speakkit.engines.device import convolution_dtype, pick
from speakkit.engines.kokoro import SAMPLE_RATE, Kokoro
from speakkit.engines.kokoro_config import limits
from speakkit.speech.synthesize import Speaker, reader
from speakkit.speech_request import Markup, SpeechRequest
from speakkit.text.chunks import Chunk, Delivery
from speakkit.text.sentences import sentences
from speakkit.transcript import Transcript
from speakkit.voices import find

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"
MELS = mel_filter_bank(513, 80, 0.0, 12_000.0, SAMPLE_RATE, norm="slaney", mel_scale="slaney")
PATHS = {
    "cpu": (
        ("float32, plain convolutions", 1, 0),
        ("float32", 1, 0),
        ("float32, another seed", 1, 1),
        ("bfloat16", 1, 0),
        ("float32, batches of 8", 8, 0),
    ),
    "cuda": (
        ("float32", 1, 0),
        ("float32, another seed", 1, 1),
        ("bfloat16", 1, 0),
        ("bfloat16, batches of 32", 32, 0),
        ("float16", 1, 0),
    ),
    "mps": (("float32", 1, 0), ("float32, another seed", 1, 1), ("bfloat16", 1, 0)),
}
"""Device -> name, which begins with the type of the convolutions; chunks per batch; seed."""


def references(count: int) -> list[str]:
    """The first `count` sentences of the book that have 40 to 250 characters and end with a sentence mark."""
    text = BOOK.read_text()
    plain = (" ".join(sentence.text.split()) for sentence in sentences(text) if sentence.start > 500)
    return [sentence for sentence in plain if 40 <= len(sentence) <= 250 and sentence[-1] in ".!?'"][:count]


def comparable(text: str) -> str:
    """Whisper's normal form of `text`. Parentheses become commas, because the normaliser would drop their content."""
    return str(EnglishTextNormalizer({})(text.replace("(", ", ").replace(")", ", ")))


def heard_by(name: str, clips: Sequence[Audio]) -> list[Transcript]:
    """The transcript of each clip by recognizer `name`."""
    recognizer = lent.enter_context(registry.recognizer(name, "cpu"))
    return [outcome.result() for outcome in recognizer.transcribe(clips, "en")]


def word_error_rate(name: str, texts: Sequence[str], clips: Sequence[Audio]) -> float:
    """Word error rate in percent, over all words of all clips together."""
    heard = [comparable(transcript.text) for transcript in heard_by(name, clips)]
    return 100 * float(jiwer.wer([comparable(text) for text in texts], heard))


def kokoro(path: str, batch: int, device: torch.device) -> Kokoro:
    """The engine of a path."""
    if path.endswith("plain convolutions"):
        return plain_kokoro()
    return Kokoro(hub.ensure("kokoro"), device, getattr(torch, path.split(",", 1)[0]), batch)


def _is_native(path: str) -> bool:
    """Whether a CPU computes in the type of a path. Without AMX, bfloat16 is emulated, and far too slow to be used."""
    return path.startswith("float32") or convolution_dtype(torch.device("cpu")) == torch.bfloat16


def planned(texts: Sequence[str], seed: int) -> Iterator[Chunk]:
    """The chunks of all texts in order."""
    english = lent.enter_context(reader("en-us"))
    for text in texts:
        yield from english.plan(text, Delivery(find("f1"), seed=seed), Markup.PLAIN, limits()).chunks


def log_mels(chunks: Sequence[Chunk], engine: Kokoro) -> list[np.ndarray]:
    """Log-mel spectra in decibels, [80 mel bands, frames of 10 ms], of the network's output for each chunk."""
    spoken = [one.result() for one in engine.synthesize(chunks)]
    window = window_function(1024)
    return [
        spectrogram(
            one.audio.samples, window, 1024, 240, 1024, power=2.0, mel_filters=MELS, log_mel="dB", db_range=80.0
        )
        for one in spoken
    ]


def main(count: int, name: str) -> None:
    """Print the table."""
    device, paths = pick(name), [path for path in PATHS[name] if name != "cpu" or _is_native(path[0])]
    texts = references(count)
    words = sum(len(text.split()) for text in texts)
    print(f"{len(texts)} sentences, {words} words, voice f1, weights {hub.ensure('kokoro').source}\n")
    print("| path | audio s | lost | WER base % | WER tiny.en % | DNSMOS overall | signal | background | p808 | dB |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    exact = log_mels(list(planned(texts, 0)), kokoro(*paths[0][:2], device))
    for path, batch, seed in paths:
        engine = kokoro(path, batch, device)
        speaker = Speaker(find("f1"), lent.enter_context(reader("en-us")), engine)
        with ThreadPoolExecutor(2 * batch) as threads:  # batches are made of the chunks of concurrent callers
            requests = [SpeechRequest(text, seed=seed, markup=Markup.PLAIN) for text in texts]
            utterances = list(threads.map(speaker.utterance, requests))
        clips = [utterance.audio for utterance in utterances]
        lost = sum(len(utterance.lost) for utterance in utterances)
        errors = [word_error_rate(name, texts, clips) for name in ("whisper-base", "whisper-tiny.en")]
        scores = [outcome.result() for outcome in lent.enter_context(registry.judge("dnsmos")).score(clips)]
        means = [sum(s[name] for s in scores) / len(scores) for name in ("overall", "signal", "background", "p808")]
        own = log_mels(list(planned(texts, seed)), engine)
        away = np.mean([np.abs(one - other).mean() for one, other in zip(own, exact, strict=True)])
        cells = [f"{sum(clip.duration for clip in clips):.1f}", str(lost), *(f"{error:.2f}" for error in errors)]
        print(f"| {path} | {' | '.join([*cells, *(f'{mean:.3f}' for mean in means)])} | {away:.2f} |", flush=True)


if __name__ == "__main__":
    locations.use(config.locations)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2] if len(sys.argv) > 2 else "cpu")
