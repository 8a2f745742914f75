"""How well Kokoro is understood, and how good it sounds, in float32 and in bfloat16.

    python benchmarks/quality.py [SENTENCES]      # 60 by default, of tests/data/alice29.txt, with the voice f1

Prints the word error rate by Whisper base and tiny.en (after Whisper's own normaliser), the words without phonemes, and
DNSMOS, as a Markdown table.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import jiwer
import torch
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

from speakkit.audio import Audio
from speakkit.engines import hub, registry
from speakkit.engines.kokoro import Kokoro
from speakkit.speech.synthesize import Speaker, Utterance, reader
from speakkit.text.sentences import sentences
from speakkit.voices import find

BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"


def references(count: int) -> list[str]:
    """The first `count` sentences of the book of 40 to 250 characters that end as sentences do."""
    text = BOOK.read_text()
    plain = (" ".join(sentence.text.split()) for sentence in sentences(text) if sentence.start > 500)
    return [sentence for sentence in plain if 40 <= len(sentence) <= 250 and sentence[-1] in ".!?'"][:count]


def comparable(text: str) -> str:
    """Whisper's normal form; its normaliser drops what stands in parentheses, which is spoken here."""
    return str(EnglishTextNormalizer({})(text.replace("(", ", ").replace(")", ", ")))


def word_error_rate(name: str, texts: Sequence[str], clips: Sequence[Audio]) -> float:
    """Percent, over all words of all clips together."""
    heard = [comparable(transcript.text) for transcript in registry.recognizer(name, "cpu").transcribe(clips)]
    return 100 * float(jiwer.wer([comparable(text) for text in texts], heard))


def spoken(texts: Sequence[str], dtype: torch.dtype) -> Iterator[Utterance]:
    """Each text as one utterance, with convolutions in `dtype`."""
    kokoro = Kokoro(hub.ensure("kokoro"), torch.device("cpu"), dtype)
    speaker = Speaker(find("f1"), reader("en-us"), kokoro)
    return (speaker.utterance(text) for text in texts)


def main(count: int) -> None:
    """Print the table."""
    texts = references(count)
    words = sum(len(text.split()) for text in texts)
    print(f"{len(texts)} sentences, {words} words, voice f1, weights {hub.ensure('kokoro').source}\n")
    print(
        "| decoder | audio s | lost words | WER base % | WER tiny.en % | DNSMOS overall | signal | background | p808 |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for dtype in (torch.float32, torch.bfloat16):
        utterances = list(spoken(texts, dtype))
        clips = [utterance.audio for utterance in utterances]
        lost = sum(len(utterance.lost) for utterance in utterances)
        errors = [word_error_rate(name, texts, clips) for name in ("whisper-base", "whisper-tiny.en")]
        scores = [score.values for score in registry.judge("dnsmos").score(clips)]
        means = [sum(s[name] for s in scores) / len(scores) for name in ("overall", "signal", "background", "p808")]
        cells = [f"{sum(clip.duration for clip in clips):.1f}", str(lost)]
        cells += [f"{error:.2f}" for error in errors] + [f"{mean:.3f}" for mean in means]
        print(f"| {str(dtype).removeprefix('torch.')} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
