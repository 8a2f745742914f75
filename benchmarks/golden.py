"""Synthesize lines of the golden file and transcribe them by Whisper base: `python benchmarks/golden.py [LINES]`.

Whisper writes "$5" for "five dollars", and "API" for spelled letters. Its transcript is therefore put into words by the
same rules as the text, and both are compared without case, punctuation and the spaces between single letters.
"""

import re
import sys
from contextlib import ExitStack
from pathlib import Path

import jiwer

from speakkit import config
from speakkit.engines import locations, registry
from speakkit.speech.explain import explain
from speakkit.speech.synthesize import Speaker, speaker
from speakkit.speech_request import SpeechRequest
from speakkit.text.chunks import Delivery
from speakkit.text.markup import guessed

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


FILE = Path(__file__).parents[1] / "tests" / "data" / "golden.tsv"


def comparable(spoken: str) -> str:
    """`spoken` in lower case, with only letters, digits and spaces; consecutive single letters become one word."""
    plain = re.sub(r"[^\w]|_", " ", spoken.lower().replace("’", "").replace("'", ""))
    return re.sub(r"\b(\w) (?=\w\b)", r"\1", " ".join(plain.split()))


def main(count: int) -> None:
    """Print each line whose transcript differs from its text, and the error rates of all lines."""
    lines = [line.split("\t")[1] for line in FILE.read_text("utf-8").splitlines() if line and not line.startswith("##")]
    talker = lent.enter_context(speaker(SpeechRequest(voice="f1", device="cpu")))
    ear = lent.enter_context(registry.recognizer("whisper-base", "cpu"))
    said, heard = [], []
    for line in lines[:: len(lines) // count][:count]:
        (outcome,) = ear.transcribe([talker.utterance(SpeechRequest(line)).audio], "en")
        reference, hypothesis = (
            comparable(in_words(talker, text)) for text in (line, outcome.result().text or "nothing.")
        )
        said.append(reference)
        heard.append(hypothesis)
        if reference != hypothesis:
            print(f"{line}\n  said  {reference}\n  heard {hypothesis}")
    measured = jiwer.process_words(said, heard)
    exact = sum(a == b for a, b in zip(said, heard, strict=True))
    print(f"{len(said)} lines, {sum(len(line.split()) for line in said)} words, {exact} lines word for word")
    print(f"word error rate {100 * measured.wer:.1f} %, character error rate {100 * jiwer.cer(said, heard):.1f} %")


def in_words(talker: Speaker, text: str) -> str:
    """`text` in words, as it is spoken."""
    plan = talker.reader.plan(text, Delivery(talker.voice), guessed(text), talker.synthesizer.limits)
    return explain(text, plan).spoken


if __name__ == "__main__":
    locations.use(config.locations)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
