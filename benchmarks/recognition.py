"""Measure recognizers on Kokoro's speech: word error rate, speed, and the time of one short clip.

    python benchmarks/recognition.py [COUNT [RECOGNIZER...]]   # 100 clips, whisper-base and whisper-tiny.en by default

The clips are sentences of tests/data/alice29.txt, one after another in the 28 English voices, at speed 1, with one
thread and seed 0: the same at every run. With SPEAKKIT_CLIPS=FOLDER they are kept there for the next run.

Prints for each recognizer, on one and on two threads: the number of clips and words, the word error rate over all words
together (by the normalizer of openai/whisper in transformers, without its table of British spellings), with its 95 %
interval by bootstrap over clips, the share of clips with an error, seconds of processing per second of speech, the
median time of ten calls with a clip of 3 s after a first one, and how often each guard fired.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import jiwer
import numpy as np
import soundfile
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

from speakkit import config
from speakkit.audio import Audio
from speakkit.audiofile import read
from speakkit.engines import locations, registry
from speakkit.engines.base import Recognizer
from speakkit.speech.synthesize import speaker
from speakkit.speech_request import SpeechRequest
from speakkit.text.sentences import sentences
from speakkit.voices import profiles

BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"
THREADS = (1, 2)
ALONE = "SPEAKKIT_RECOGNITION_ALONE"
"""Variable that is set in a process that measures one recognizer on one thread count."""

normalized = EnglishTextNormalizer({})


def texts(count: int) -> list[str]:
    """The first `count` sentences of the book that have 40 to 250 characters and end with a sentence mark."""
    plain = (" ".join(sentence.text.split()) for sentence in sentences(BOOK.read_text()) if sentence.start > 500)
    return [sentence for sentence in plain if 40 <= len(sentence) <= 250 and sentence[-1] in ".!?'"][:count]


def english_voices() -> list[str]:
    """The names of the English voices."""
    return sorted(name for name, profile in profiles().items() if profile.language in ("en-us", "en-gb"))


def clips(count: int) -> list[Audio]:
    """The speech of the texts."""
    folder = Path(os.environ["SPEAKKIT_CLIPS"])
    folder.mkdir(parents=True, exist_ok=True)
    names = english_voices()
    for i, text in enumerate(texts(count)):
        file = folder / f"{i:04}.wav"
        if not file.exists():
            request = SpeechRequest(text, names[i % len(names)], device="cpu", threads=1)
            with speaker(request) as speaking:
                audio = speaking.utterance(request).audio
            soundfile.write(file, audio.samples, audio.sample_rate, subtype="FLOAT")
    return [read(folder / f"{i:04}.wav") for i in range(count)]


def interval(references: Sequence[str], heard: Sequence[str]) -> tuple[float, float]:
    """The 95 % interval of the word error rate in percent, by bootstrap over clips."""
    errors, lengths = [], []
    for reference, hypothesis in zip(references, heard, strict=True):
        found = jiwer.process_words(reference, hypothesis or " ")
        errors.append(found.substitutions + found.deletions + found.insertions)
        lengths.append(len(reference.split()))
    drawn = np.random.default_rng(0).integers(len(errors), size=(2000, len(errors)))
    rates = 100 * np.array(errors)[drawn].sum(1) / np.array(lengths)[drawn].sum(1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def short_call(recognizer: Recognizer, audio: Audio) -> float:
    """Median seconds of ten calls with the first 3 s of a clip."""
    times = []
    for _ in range(11):
        start = time.perf_counter()
        (outcome,) = recognizer.transcribe([audio.part(0.0, 3.0)], "en")
        outcome.result()
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


def measure(name: str, count: int) -> None:
    """Measure one recognizer in this process, and print a line."""
    said, audio = texts(count), clips(count)
    with registry.recognizer(name, "cpu") as recognizer:
        short = short_call(recognizer, max(audio, key=lambda clip: clip.duration))
        start = time.perf_counter()
        found = [outcome.result() for outcome in recognizer.transcribe(audio, "en")]
        took = time.perf_counter() - start
        identity = recognizer.identity
    references = [normalized(text) for text in said]
    heard = [normalized(transcript.text) for transcript in found]
    wrong = sum(reference != hypothesis for reference, hypothesis in zip(references, heard, strict=True))
    low, high = interval(references, heard)
    guards = Counter(guard.value for one in found for segment in one.segments for guard in segment.guards)
    print(
        f"{identity.name} {identity.version}, {identity.weights}, {os.environ['OMP_NUM_THREADS']} thread(s): "
        f"n = {count} clips, {sum(len(one.split()) for one in references)} words, "
        f"WER {100 * jiwer.wer(references, heard):.2f} % [{low:.2f}-{high:.2f}], "
        f"clips with an error {100 * wrong / count:.0f} %, "
        f"RTF {took / sum(clip.duration for clip in audio):.3f}, 3 s clip {short:.2f} s, guards {dict(guards)}",
        flush=True,
    )


def main() -> None:
    """Run the benchmark."""
    locations.use(config.locations)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    names = sys.argv[2:] or ["whisper-base", "whisper-tiny.en"]
    if os.environ.get(ALONE):
        measure(names[0], count)
        return
    clips(count)
    for name in names:
        for threads in THREADS:
            environment = {**os.environ, "OMP_NUM_THREADS": str(threads), ALONE: "1"}
            subprocess.run([sys.executable, __file__, str(count), name], env=environment, check=True)


if __name__ == "__main__":
    main()
