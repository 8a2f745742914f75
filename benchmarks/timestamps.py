"""Measure how word timestamps from Kokoro's durations differ from those of other methods on the same audio.

    python benchmarks/timestamps.py [SENTENCES [VOICE [SPEED]]]   # 40 of tests/data/alice29.txt, f1, 1.0 by default

The other methods: forced alignment by hama, a phoneme recogniser (CTC by Viterbi, frames of 20 ms); the first sound
after a pause, for words after 0.1 s of silence, which needs no recogniser; the word timestamps of Whisper base; and, if
it is installed, the alignment of pocketsphinx (HMM, frames of 10 ms). Prints, for the starts of words, the median and
the 95th percentile of the absolute difference, and the median of the difference.

hama's phonemes are spikes inside the sound, not at its beginning: compared with the first sounds after pauses, which
do not depend on Kokoro's durations, they are about 0.08 s late. That lag is printed, and subtracted in one row.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import hama
import numpy as np
import numpy.typing as npt

from speakkit import config, transcript
from speakkit.audio import Audio
from speakkit.engines import hub, locations, registry
from speakkit.speech.synthesize import Utterance, speaker
from speakkit.speech.timestamps import TimedWord, words
from speakkit.speech_request import SpeechRequest
from speakkit.text.sentences import sentences

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"
PHONES = {
    "A": "eɪ",
    "I": "aɪ",
    "W": "aʊ",
    "O": "oʊ",
    "Q": "oʊ",
    "Y": "ɔɪ",
    "ʤ": "d͡ʒ",
    "ʧ": "t͡ʃ",
    "T": "t",
    "ᵊ": "ə",
    "ᵻ": "ɪ",
    "ɐ": "ə",
    "ɡ": "g",
    "ɜ": "ɝ",
}
"""Kokoro's phoneme -> hama's symbol for it, if they differ."""

HAMA_RATE, HAMA_FRAME = 16_000, 0.02
"""Sample rate of hama in Hz, and seconds per frame."""

QUIET = 0.003
"""Of full scale: the amplitude that Kokoro's silences stay below."""


def references(count: int) -> list[str]:
    """The first `count` sentences of the book that have 40 to 250 characters and end with a sentence mark."""
    plain = (" ".join(sentence.text.split()) for sentence in sentences(BOOK.read_text()) if sentence.start > 500)
    return [sentence for sentence in plain if 40 <= len(sentence) <= 250 and sentence[-1] in ".!?'"][:count]


def phones(utterance: Utterance, spoken: Sequence[TimedWord]) -> list[list[str]]:
    """For each word, its phonemes in hama's symbols."""
    found: list[list[str]] = [[] for _ in spoken]
    offsets = [word.offset for word in spoken]
    for segment in utterance.segments:
        for token, (first, last) in zip(segment.chunk.tokens, segment.chunk.spans, strict=True):
            said = segment.chunk.phonemes[first:last].replace("ɜɹ", "ɜ").replace("əɹ", "ɜ")
            found[bisect_right(offsets, token.start) - 1] += [PHONES.get(p, p) for p in said if p.isalpha()]
    return found


class Aligner:
    """Forced alignment of given phonemes by hama."""

    def __init__(self) -> None:
        self._model = hama.ASRModel()
        self._ids = {token: i for i, token in enumerate(self._model.decoder_tokens)}

    def starts(self, audio: Audio, said: Sequence[Sequence[str]]) -> list[float]:
        """Time of the first phoneme of each word, in seconds. said: phonemes by word."""
        labels: list[int] = []
        firsts: list[int] = []
        for word in said:
            firsts.append(len(labels))
            labels += [self._ids[phone] for phone in word if phone in self._ids] + [self._ids["<wb>"]]
        frames = _viterbi(self._posteriors(audio), labels[:-1], self._model.blank_id)
        return [frames[first] * HAMA_FRAME for first in firsts]

    def _posteriors(self, audio: Audio) -> npt.NDArray[np.float32]:
        """Log probabilities, [frames, symbols]."""
        model, samples = self._model, audio.resampled(HAMA_RATE).samples[None]
        feeds = {model._waveform_input_name: samples, model._waveform_lengths_input_name: np.array([samples.shape[1]])}  # noqa: SLF001
        outputs = [model._log_probs_output_name, model._out_lengths_output_name]  # noqa: SLF001
        scores, lengths = model.session.run(outputs, feeds)
        found: npt.NDArray[np.float32] = scores[0][: int(np.ravel(lengths)[0])]
        return found


def _viterbi(scores: npt.NDArray[np.float32], labels: Sequence[int], blank: int) -> list[int]:
    """The frame at which each label begins, on the best CTC path through all labels.

    scores: log probabilities, [frames, symbols]
    blank: id of the blank symbol
    """
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    best = np.full(len(states), -np.inf)
    best[:2] = scores[0, states[:2]]
    back = np.zeros((len(scores), len(states)), int)
    for t in range(1, len(scores)):
        ways = np.full((3, len(states)), -np.inf)
        ways[0], ways[1, 1:] = best, best[:-1]
        ways[2, 2:] = np.where(skips[2:], best[:-2], -np.inf)
        back[t] = ways.argmax(0)
        best = ways.max(0) + scores[t, states]
    state = len(states) - (1 if best[-1] > best[-2] else 2)
    begins = [0] * len(labels)
    for t in range(len(scores) - 1, -1, -1):
        if state % 2:
            begins[state // 2] = t
        state -= back[t, state]
    return begins


def after_pauses(audio: Audio, spoken: Sequence[TimedWord]) -> Iterator[tuple[TimedWord, float]]:
    """The words that follow 0.1 s of silence, each with the time of its first sound in seconds."""
    step = audio.sample_rate // 200
    loud = np.abs(audio.samples[: len(audio.samples) // step * step]).reshape(-1, step).max(1) > QUIET
    for word in spoken:
        at = min(int(word.start * 200), len(loud) - 1)
        near = np.flatnonzero(loud[max(0, at - 30) : at + 30]) + max(0, at - 30)
        for onset in near:
            if onset >= 20 and not loud[onset - 20 : onset].any():
                yield word, onset / 200
                break


def comparable(text: str) -> str:
    """The letters and digits of `text`, in lower case."""
    return "".join(filter(str.isalnum, text.lower()))


def heard_as(said: Sequence[str], heard: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of indices of the words that are equal in two lists."""
    for block in SequenceMatcher(
        None, list(map(comparable, said)), list(map(comparable, heard)), autojunk=False
    ).get_matching_blocks():
        yield from zip(range(block.a, block.a + block.size), range(block.b, block.b + block.size), strict=True)


def row(name: str, differences: Sequence[float]) -> None:
    """Print a row of the table. differences: in seconds."""
    ms = 1000 * np.array(differences)
    print(
        f"| {name} | {len(ms)} | {np.median(abs(ms)):.0f} | {np.percentile(abs(ms), 95):.0f} | {np.median(ms):+.0f} |"
    )


def by_pocketsphinx(audio: Audio, spoken: Sequence[TimedWord]) -> list[float] | None:
    """Start of each word in seconds; None if pocketsphinx is not installed, lacks a word, or finds no path."""
    try:
        from pocketsphinx import Decoder  # noqa: PLC0415  29 MB that only this row needs
    except ImportError:
        return None
    decoder = Decoder(lm=None, loglevel="FATAL")
    said = [re.sub("[^a-z']", "", word.text.lower().replace("’", "'")).strip("'") for word in spoken]
    if any(decoder.lookup_word(word) is None for word in said):
        return None
    decoder.set_align_text(" ".join(said))
    decoder.start_utt()
    decoder.process_raw(audio.resampled(HAMA_RATE).pcm16(), full_utt=True)
    decoder.end_utt()
    found = [part.start_frame / 100 for part in decoder.seg() or () if part.word[0] not in "<["]
    return found if len(found) == len(spoken) else None


@dataclass
class Differences:
    """Differences of word starts in seconds, one per word, by pair of methods.

    hama, first_sound, pocketsphinx, whisper: Kokoro's durations minus that method
    hama_lag: hama minus the first sound
    whisper_hama: Whisper minus hama
    """

    hama: list[float] = field(default_factory=list)
    first_sound: list[float] = field(default_factory=list)
    pocketsphinx: list[float] = field(default_factory=list)
    whisper: list[float] = field(default_factory=list)
    hama_lag: list[float] = field(default_factory=list)
    whisper_hama: list[float] = field(default_factory=list)

    def take(self, utterance: Utterance, aligner: Aligner, heard: Sequence[transcript.Word]) -> None:
        """Add the differences of one utterance's words. heard: Whisper's words."""
        spoken = list(words(utterance.text, utterance.segments))
        aligned = aligner.starts(utterance.audio, phones(utterance, spoken))
        self.hama += [word.start - start for word, start in zip(spoken, aligned, strict=True)]
        for word, onset in after_pauses(utterance.audio, spoken):
            self.first_sound.append(word.start - onset)
            self.hama_lag.append(aligned[spoken.index(word)] - onset)
        found = by_pocketsphinx(utterance.audio, spoken)
        self.pocketsphinx += [word.start - start for word, start in zip(spoken, found or (), strict=False)]
        for i, j in heard_as([word.text for word in spoken], [word.text for word in heard]):
            start = heard[j].start
            assert start is not None  # Whisper gives timestamps for all words
            self.whisper.append(spoken[i].start - start)
            self.whisper_hama.append(start - aligned[i])


def main(count: int, voice: str, speed: float) -> None:
    """Print the table."""
    talker, aligner = lent.enter_context(speaker(SpeechRequest(voice=voice, device="cpu"))), Aligner()
    recognizer = lent.enter_context(registry.recognizer("whisper-base", "cpu"))
    differences = Differences()
    for text in references(count):
        utterance = talker.utterance(SpeechRequest(text, speed=speed))
        (heard,) = recognizer.transcribe([utterance.audio], "en")
        differences.take(utterance, aligner, heard.result().words)
    lag = float(np.median(differences.hama_lag))
    print(f"{count} sentences, voice {voice}, speed {speed:g}, weights {hub.ensure('kokoro').source}\n")
    print("| difference of word starts | words | median absolute ms | 95 % ms | median ms |\n|---|---|---|---|---|")
    row("durations - hama", differences.hama)
    row(f"durations - hama, less its lag of {1000 * lag:.0f} ms", [d + lag for d in differences.hama])
    row("durations - first sound after a pause", differences.first_sound)
    if differences.pocketsphinx:
        row("durations - pocketsphinx", differences.pocketsphinx)
    row("durations - Whisper base", differences.whisper)
    row("Whisper base - hama, less its lag", [d + lag for d in differences.whisper_hama])


if __name__ == "__main__":
    locations.use(config.locations)
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 40,
        sys.argv[2] if len(sys.argv) > 2 else "f1",
        float(sys.argv[3]) if len(sys.argv) > 3 else 1.0,
    )
