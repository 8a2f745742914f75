"""Measure the aligner: word starts against known times, right texts against wrong ones, and its cost.

    python benchmarks/alignment.py FOLDER [COUNT]   # FOLDER keeps the speech; COUNT: utterances of Kokoro, 300

The speech shares neither a voice nor a text with that which the aligner was fitted to (known_times.FITTED). Prints, for
the starts of words, the median and the 95th percentile of the absolute difference to the known times, and the median of
the difference. Rows of other synthesizers need the packages of other_synthesizers.py.
"""

import io
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from known_times import CHECKED, SPEEDS, Timed, corpus, texts, use_home
from other_synthesizers import by_espeak, by_piper
from timestamps import after_pauses, by_pocketsphinx, heard_as, row

from speakkit.alignment import Alignment, KnownWord
from speakkit.audio import Audio
from speakkit.engines import registry
from speakkit.engines.base import Aligner, Recognizer
from speakkit.speech.known_words import known_words
from speakkit.speech.synthesize import reader
from speakkit.speech.timestamps import TimedWord

MP3_LEVEL = (160 - 64) / (160 - 8)
"""libsndfile's compression level for 64 kbit/s, of 160 to 8 kbit/s at 24 kHz."""

NOISE_DB = 20.0


def mp3(audio: Audio) -> Audio:
    """Return the audio after MP3 at 64 kbit/s."""
    file = io.BytesIO()
    options = {"format": "MP3", "compression_level": MP3_LEVEL, "bitrate_mode": "CONSTANT"}
    soundfile.write(file, audio.samples, audio.sample_rate, **options)
    file.seek(0)
    samples, rate = soundfile.read(file, dtype="float32")
    return Audio(samples, rate)


def noisy(audio: Audio) -> Audio:
    """Return the audio with white noise NOISE_DB below it."""
    noise = np.random.default_rng(0).standard_normal(len(audio.samples)).astype(np.float32)
    level = np.sqrt(np.mean(audio.samples**2)) * 10 ** (-NOISE_DB / 20)
    return Audio(audio.samples + level * noise, audio.sample_rate)


def aligned(aligner: Aligner, audio: Audio, known: Sequence[KnownWord]) -> Alignment:
    """Return the alignment of one clip."""
    (outcome,) = aligner.observe([audio])
    return outcome.result().align(known)


def differences(known: Sequence[KnownWord], found: Alignment, words: Iterable[TimedWord]) -> Iterator[float]:
    """Yield the seconds from the known start of each word to the found one."""
    starts = {word.start: at.start for word, at in zip(known, found.words, strict=True) if not at.is_skipped}
    yield from (starts[word.offset] - word.start for word in words if word.offset in starts)


def by_whisper(recognizer: Recognizer, audio: Audio, words: Sequence[TimedWord]) -> Iterator[float]:
    """Yield the seconds from the known start of each word to that which Whisper reports, if it hears the word."""
    (outcome,) = recognizer.transcribe([audio], "en")
    heard = outcome.result().words
    for i, j in heard_as([word.text for word in words], [word.text for word in heard]):
        start = heard[j].start
        assert start is not None  # Whisper gives timestamps for all words
        yield start - words[i].start


def others(count: int) -> Iterator[tuple[str, Audio, tuple[KnownWord, ...], tuple[TimedWord, ...]]]:
    """Yield the speech of other synthesizers, with its name, its words and their times."""
    with reader("en-us") as reads:
        for number, written in enumerate(texts(is_fit=False)[:count]):
            text = re.sub(r"(?<!\w)[`'\"]|[`'\"](?!\w)", "", written)
            known = known_words(text, reads)
            speed = SPEEDS[number % len(SPEEDS)]
            for voice in ("en-us", "en-gb"):
                yield f"espeak-ng {voice}", *_told(by_espeak(text, voice, speed), known)
            yield "Piper en_US-joe", *_told(by_piper(text, speed), known)


def _told(
    speech: tuple[Audio, tuple[TimedWord, ...]], known: tuple[KnownWord, ...]
) -> tuple[Audio, tuple[KnownWord, ...], tuple[TimedWord, ...]]:
    return speech[0], known, speech[1]


class Measured:
    """Differences by the name of their row, in seconds.

    early: those of hama, by voice and by speed
    right, wrong: agreement of each clip with its own text, and with the text of the clip before it
    audio, cost: seconds of audio that were aligned, and seconds of processor time
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[float]] = defaultdict(list)
        self.early: dict[str, list[float]] = defaultdict(list)
        self.right: list[float] = []
        self.wrong: list[float] = []
        self.audio = self.cost = 0.0

    def take(self, aligner: Aligner, recognizer: Recognizer, one: Timed, before: Sequence[KnownWord]) -> None:
        """Measure one utterance of Kokoro. before: words of another one."""
        began = time.process_time()
        (outcome,) = aligner.observe([one.audio])
        posteriors = outcome.result()
        found = posteriors.align(one.known)
        self.cost += time.process_time() - began
        self.audio += one.audio.duration
        clean = list(differences(one.known, found, one.words))
        self.rows["hama, clean"] += clean
        for name in (one.voice, f"speed {one.speed:g}"):
            self.early[name] += clean
        self.right.append(found.agreement)
        self.wrong.append(posteriors.align(before).agreement)
        for name, changed in (("mp3 64 kbit/s", mp3(one.audio)), ("noise 20 dB", noisy(one.audio))):
            self.rows[f"hama, {name}"] += differences(one.known, aligned(aligner, changed, one.known), one.words)
        self.rows["Whisper base, clean"] += by_whisper(recognizer, one.audio, one.words)
        self.rows["pocketsphinx, clean"] += [
            start - word.start
            for word, start in zip(one.words, by_pocketsphinx(one.audio, one.words) or (), strict=False)
        ]
        self.rows["first sound after a pause"] += [at - word.start for word, at in after_pauses(one.audio, one.words)]


def table(rows: dict[str, list[float]], heading: str) -> None:
    """Print a table of differences."""
    print(f"\n| {heading} | words | median absolute ms | 95 % ms | median ms |\n|---|---|---|---|---|")
    for name, some in rows.items():
        row(name, some)


def main(folder: Path, count: int) -> None:
    """Print the tables."""
    with registry.aligner("hama") as aligner, registry.recognizer("whisper-base", "cpu") as recognizer:
        measured = Measured()
        before: tuple[KnownWord, ...] = ()
        for one in corpus(folder, CHECKED, count, is_fit=False):
            measured.take(aligner, recognizer, one, before or one.known[::-1])
            before = one.known
        table(measured.rows, f"Kokoro, {count} utterances of {len(CHECKED)} voices")
        table(dict(sorted(measured.early.items())), "hama, clean")
        rows: dict[str, list[float]] = defaultdict(list)
        for name, audio, known, words in others(count):
            rows[name] += differences(known, aligned(aligner, audio, known), words)
        table(rows, "hama, other synthesizers")
    print(f"\nagreement: right texts at least {min(measured.right):.2f}, 1 % {np.percentile(measured.right, 1):.2f};")
    print(f"wrong texts at most {max(measured.wrong):.2f}, 99 % {np.percentile(measured.wrong, 99):.2f}")
    print(f"{measured.cost / measured.audio:.3f} s of processor time per second of audio ({measured.audio:.0f} s)")


if __name__ == "__main__":
    use_home()
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300)
