"""Measure the alignment of a known text by Whisper's attention, on Kokoro's speech in languages other than English.

    python benchmarks/coarse_alignment.py [CLIPS [LANGUAGE...]]     # 20 clips each of es, fr-fr, ja and zh by default

Each clip is three sentences of tests/data/spoken_LANGUAGE.tsv, spoken by the voices of the language in turn. Prints,
against the durations of Kokoro, the median and the 95th percentile of the absolute difference of word starts, the
median of the difference, and the share of words with a probability of 0.5 or more, for the text that is said and for
the text of another clip. In Japanese and Mandarin a word is a token of the phonemizer.
"""

import sys
from itertools import islice
from pathlib import Path

import numpy as np

from speakkit import config
from speakkit.engines import locations, registry
from speakkit.engines.base import SpokenText
from speakkit.speech.synthesize import speaker
from speakkit.speech.timestamps import TimedWord, words
from speakkit.speech_request import SpeechRequest
from speakkit.voices import ISO_639_1, profiles

DATA = Path(__file__).parent.parent / "tests" / "data"


def texts(language: str) -> list[str]:
    """Texts of three sentences each, as they are spoken."""
    rows = (DATA / f"spoken_{language}.tsv").read_text().splitlines()
    said = iter(row.split("\t")[1].split(" | ")[0] for row in rows if not row.startswith("#"))
    gap = "" if language in ("ja", "zh") else " "
    found = []
    while group := list(islice(said, 3)):
        found.append(gap.join(group))
    return found


def spoken(language: str, count: int) -> list[tuple[SpokenText, list[TimedWord]]]:
    """Clips with their words, and the words with their times."""
    names = sorted(name for name, profile in profiles().items() if profile.language == language)
    found = []
    for i, text in enumerate(texts(language)[:count]):
        request = SpeechRequest(text, names[i % len(names)], lang=language, device="cpu", threads=1)
        with speaker(request) as speaking:
            utterance = speaking.utterance(request)
        timed = list(words(text, utterance.segments))
        found.append((SpokenText(utterance.audio, tuple(word.text for word in timed)), timed))
    return found


def main() -> None:
    """Run the benchmark."""
    locations.use(config.locations)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for language in sys.argv[2:] or ["es", "fr-fr", "ja", "zh"]:
        clips = spoken(language, count)
        right = [clip for clip, _ in clips]
        wrong = [SpokenText(clip.audio, other.words) for clip, other in zip(right, right[1:] + right[:1], strict=True)]
        with registry.text_aligner("whisper-base", "cpu") as aligner:
            found = [outcome.result() for outcome in aligner.align(right, ISO_639_1[language])]
            others = [outcome.result() for outcome in aligner.align(wrong, ISO_639_1[language])]
        pairs = [
            (mine.start, word.start)
            for (_, timed), one in zip(clips, found, strict=True)
            for word, mine in zip(timed, one.words, strict=True)
        ]
        off = np.array([mine - true for mine, true in pairs])
        sure, unsure = (
            np.mean([word.probability >= 0.5 for one in some for word in one.words]) for some in (found, others)
        )
        print(
            f"{language}: n = {len(off)} words of {len(clips)} clips, "
            f"starts median {1000 * np.median(np.abs(off)):.0f} ms, "
            f"95 % {1000 * np.percentile(np.abs(off), 95):.0f} ms, "
            f"signed {1000 * np.median(off):+.0f} ms; "
            f"probable {100 * sure:.0f} % (text of another clip: {100 * unsure:.0f} %)",
            flush=True,
        )


if __name__ == "__main__":
    main()
