"""Check the audio and the intelligibility of every voice, on a sentence of its language.

    python benchmarks/voices.py [LANGUAGE...]      # all by default

Prints for each language the character error rate by Whisper base (letters and digits only, in lower case), and faults
of any clip: silence, NaN, a peak of 1.0 or more. For languages in which a sound has many spellings, the rate is also
computed over readings. For Japanese these are kana by Open JTalk. For Mandarin, which Whisper writes in traditional
characters, they are pinyin without tones. For Hindi, which Whisper base writes in the script of Urdu, they are the
consonants as espeak-ng reads them.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import jiwer
import numpy as np

from speakkit.engines import registry
from speakkit.engines.espeak import Espeak
from speakkit.speech import synthesize
from speakkit.speech_request import SpeechRequest
from speakkit.voices import ISO_639_1, LANGUAGES, SAMPLES, profiles

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


CONSONANTS = frozenset("bcdfhjklmnpstvwzŋɖɟɡɲɳɾʃʂʈʋʰ")
"""Phonemes of espeak-ng that are compared for Hindi."""

SPELLINGS = str.maketrans("ɣrq", "ɡɾk")
"""Phonemes that Urdu distinguishes and Hindi does not -> those of Hindi."""


@dataclass(frozen=True)
class Heard:
    """The clip of one voice, as measured.

    voice: name of the voice
    text: Whisper's transcript
    peak: highest absolute sample, where 1.0 is full scale
    fault: faults of the audio, or ""
    """

    voice: str
    text: str
    peak: float
    fault: str


def comparable(text: str) -> str:
    """The letters and digits of `text`, and the vowel signs of Hindi, in lower case."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(letter for letter in folded if unicodedata.category(letter)[0] in "LNM")


def reading(language: str, text: str) -> str | None:
    """The reading of `text`, for languages in which a sound has many spellings; None for other languages."""
    if language == "ja":
        import pyopenjtalk  # noqa: PLC0415  an optional package

        return str(pyopenjtalk.g2p(comparable(text), kana=True))
    if language == "zh":
        import pypinyin  # noqa: PLC0415  an optional package

        return "".join(pypinyin.lazy_pinyin(comparable(text)))
    if language == "hi":
        script = "ur" if any("ARABIC" in unicodedata.name(letter, "") for letter in text) else "hi"
        said = "".join(Espeak(script).say(text)).translate(SPELLINGS)
        return re.sub(r"(.ʰ?)\1+", r"\1", "".join(letter for letter in said if letter in CONSONANTS))
    return None


def error_rate(references: list[str], hypotheses: list[str]) -> float:
    """Character error rate in percent, over all characters of all clips together."""
    return 100 * float(jiwer.cer(references, hypotheses))


def heard(language: str) -> Iterator[Heard]:
    """The measured clip of each voice of a language, on the language's sentence."""
    whisper = lent.enter_context(registry.recognizer("whisper-base", "cpu"))
    for name in (name for name, profile in profiles().items() if profile.language == language):
        speaker = lent.enter_context(synthesize.speaker(SpeechRequest(voice=name, device="cpu")))
        audio = speaker.utterance(SpeechRequest(SAMPLES[language])).audio
        peak = float(np.abs(audio.samples).max())
        faults = {"NaN": not np.isfinite(audio.samples).all(), "silent": peak < 0.05, "clips": peak >= 1.0}
        (outcome,) = whisper.transcribe([audio], ISO_639_1[language])
        yield Heard(name, outcome.result().text, peak, ", ".join(what for what, found in faults.items() if found))


def main(languages: list[str]) -> None:
    """Print the table, then the worst clip of each language."""
    print("| language | voices | CER % | CER % of readings | peak | faults |\n|---|---|---|---|---|---|")
    worst = []
    for language in languages:
        clips = list(heard(language))
        expected = comparable(SAMPLES[language])
        rate = error_rate([expected] * len(clips), [comparable(clip.text) for clip in clips])
        said = [reading(language, clip.text) for clip in clips]
        readings = (
            error_rate([str(reading(language, expected))] * len(clips), [str(r) for r in said]) if said[0] else None
        )
        faults = "; ".join(f"{clip.voice}: {clip.fault}" for clip in clips if clip.fault) or "none"
        peak = max(clip.peak for clip in clips)
        shown = "" if readings is None else f"{readings:.1f}"
        print(f"| {language} | {len(clips)} | {rate:.1f} | {shown} | {peak:.2f} | {faults} |", flush=True)
        worst.append(max(clips, key=lambda clip: jiwer.cer(expected, comparable(clip.text))))
    print()
    for clip in worst:
        print(f"{clip.voice}: {clip.text}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(LANGUAGES.values()))
