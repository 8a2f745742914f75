"""Measure how often the first sound of a line is damaged, by speed: `python benchmarks/onsets.py [SPEED...]`.

Speaks LINES with all 28 English voices at speed 1.0 and at each SPEED (1.1, 1.25 and 1.5 by default) as `speak` does,
trimmed and faded. hama, a phoneme recognizer, aligns the phonemes of each line with its audio (CTC by Viterbi, frames
of 20 ms). The goodness of a phoneme is the natural logarithm of the probability of the aligned symbols, relative to the
most probable symbols of the same frames: 0 is perfect.

The first sound of a word is damaged if the goodness of its first phoneme is below DAMAGED. It is damaged more than at
1.0 if the goodness is also lower by WORSE than at speed 1.0. Prints the counts of both by speed with exact 95 %
intervals, for the first words of the lines and, for comparison, for the second words, and lists the first words that
are damaged more, with what hama and Whisper tiny.en hear.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import hama
import numpy as np
import numpy.typing as npt

from speakkit import config
from speakkit.audio import Audio
from speakkit.engines import hub, locations, registry
from speakkit.engines.base import Recognizer
from speakkit.speech.synthesize import Speaker, speaker
from speakkit.speech_request import SpeechRequest
from speakkit.voices import profiles

LINES = (
    "Fixed the bug.",
    "A second run.",
    "This is clean.",
    "Six files changed.",
    "Shipping it now.",
    "Three tests failed.",
    "Half is done.",
    "Pushed to main.",
    "Two errors left.",
    "Code is reviewed.",
    "Backup complete.",
    "Done with that.",
    "Merged your branch.",
    "Waiting for you.",
    "Your server is down.",
    "Changes saved.",
    "Alice is here.",
    "It compiles.",
)
"""Short lines, as agents speak them, with different first sounds. DAMAGED and WORSE were chosen on other lines."""

SPEEDS = (1.1, 1.25, 1.5)

DAMAGED, WORSE = -4.0, 3.0
"""Limits of the goodness; see the module."""

RATE, PADDING = 16_000, 0.24
"""Sample rate of hama in hertz, and seconds of silence before and after the speech, without which it hears the first
and last sounds badly."""

BOUNDARY, UNMARKED = "<wb>", 2.0
"""hama's symbol between two words, and what it costs, as a logarithm, if it is missing."""

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
    "a": "æ",
    "ɒ": "ɑ",
}
"""Kokoro's phoneme -> hama's symbol for it, if they differ."""

ALIKE = {
    "ə": "əʌɪɛɚæ",
    "ɪ": "ɪiəɛ",
    "ɑ": "ɑɔɒʌ",
    "ɔ": "ɔɑɒ",
    "ʌ": "ʌəɑ",
    "ɝ": "ɝɚɹə",
    "i": "iɪ",
    "u": "uʊ",
    "ʊ": "ʊuə",
    "ɛ": "ɛəɪæ",
    "æ": "æɛə",
    "z": "zs",
    "d": "dtɾ",
    "t": "tdɾ",
    "ɹ": "ɹrɚɝ",
}
"""hama's symbol -> all symbols, of one character each, that it uses for the same sound."""


class Listener:
    """Measures the first sounds of words by hama."""

    def __init__(self) -> None:
        self._model = hama.ASRModel()
        self._symbols = list(self._model.decoder_tokens)
        self._ids = {symbol: i for i, symbol in enumerate(self._symbols)}

    def posteriors(self, audio: Audio) -> npt.NDArray[np.float32]:
        """Log probabilities, [frames, symbols]."""
        model, samples = self._model, np.pad(audio.resampled(RATE).samples, round(PADDING * RATE))[None]
        feeds = {model._waveform_input_name: samples, model._waveform_lengths_input_name: np.array([samples.shape[1]])}  # noqa: SLF001
        outputs = [model._log_probs_output_name, model._out_lengths_output_name]  # noqa: SLF001
        scores, lengths = model.session.run(outputs, feeds)
        found: npt.NDArray[np.float32] = scores[0][: int(np.ravel(lengths)[0])]
        return found

    def heard(self, scores: npt.NDArray[np.float32]) -> str:
        """The most probable phonemes, with a space between words."""
        best = scores.argmax(1)
        kept = best[np.flatnonzero(np.diff(best, prepend=-1))]
        return "".join(self._symbols[i] for i in kept if i != self._model.blank_id).replace(BOUNDARY, " ").strip()

    def goodness(self, scores: npt.NDArray[np.float32], words: Sequence[str]) -> tuple[float, float]:
        """Goodness of the first phonemes of the first two words. words: phonemes of Kokoro by word."""
        labels: list[str] = []
        firsts: list[int] = []
        for word in words:
            labels += [BOUNDARY] if labels else []
            firsts.append(len(labels))
            labels += phones(word)
        columns = self._columns(scores, labels)
        states = aligned(columns, [label == BOUNDARY for label in labels])
        ratios = np.minimum(0.0, columns[np.arange(len(scores)), states] - scores.max(1))
        found = []
        for first in firsts[:2]:
            before = first - 2 if first else -1  # the last phoneme of the word before, in front of the boundary
            begins = int(np.flatnonzero(states == 2 * before + 1)[-1]) + 1 if first else 0
            found.append(float(ratios[begins : int(np.flatnonzero(states == 2 * first + 1)[-1]) + 1].sum()))
        return found[0], found[1]

    def _columns(self, scores: npt.NDArray[np.float32], labels: Sequence[str]) -> npt.NDArray[np.float64]:
        """Log probabilities of the CTC states, [frames, 2 labels + 1]: a blank, the first label, a blank, and so on."""
        columns = np.empty((len(scores), 2 * len(labels) + 1))
        columns[:, 0::2] = scores[:, self._model.blank_id, None]
        for i, label in enumerate(labels):
            ids = [self._ids[symbol] for symbol in ALIKE.get(label, [label])]
            columns[:, 2 * i + 1] = np.log(np.exp(scores[:, ids]).sum(1) + 1e-6)
        return columns


def phones(word: str) -> list[str]:
    """The phonemes of a word in hama's symbols, without stress and length."""
    plain = word.replace("ː", "").replace("ɜɹ", "ɜ").replace("əɹ", "ɜ")
    return [PHONES.get(p, p) for p in plain if p.isalpha() and p not in "ˈˌ"]


def aligned(columns: npt.NDArray[np.float64], is_boundary: Sequence[bool]) -> npt.NDArray[np.int64]:
    """The state of each frame on the best CTC path through all labels, of which boundaries may be left out.

    columns: see `Listener._columns`
    """
    count = columns.shape[1]
    over_boundary = np.zeros(count, bool)
    over_boundary[5::2] = is_boundary[1:-1]
    best = np.full(count, -np.inf)
    best[:2] = columns[0, :2]
    back = np.zeros(columns.shape, np.int64)
    steps = np.array([0, 1, 2, 4])
    for t in range(1, len(columns)):
        ways = np.full((4, count), -np.inf)
        ways[0], ways[1, 1:] = best, best[:-1]
        ways[2, 3::2] = best[1:-2:2]
        ways[3, 4:] = np.where(over_boundary[4:], best[:-4] - UNMARKED, -np.inf)
        back[t] = steps[ways.argmax(0)]
        best = ways.max(0) + columns[t]
    states = np.empty(len(columns), np.int64)
    state = count - (1 if best[-1] > best[-2] else 2)
    for t in range(len(columns) - 1, -1, -1):
        states[t] = state
        state -= back[t, state]
    return states


@dataclass(frozen=True)
class Onset:
    """The beginning of one line as one voice speaks it.

    goodness: of the first phoneme of the first word, and of that of the second word
    heard: what hama hears
    """

    voice: str
    line: str
    speed: float
    goodness: tuple[float, float]
    heard: str
    audio: Audio


def onsets(talker: Speaker, listener: Listener, speeds: Sequence[float]) -> Iterator[Onset]:
    """The beginnings of all lines, as one voice speaks them at each speed."""
    for line in LINES:
        for speed in speeds:
            utterance = talker.utterance(SpeechRequest(line, speed=speed))
            (segment,) = utterance.segments
            words = [segment.chunk.phonemes[first:last] for first, last in segment.chunk.spans]
            scores = listener.posteriors(utterance.audio)
            goodness = listener.goodness(scores, [word for word in words if phones(word)])
            yield Onset(talker.voice.name, line, speed, goodness, listener.heard(scores), utterance.audio)


def interval(count: int, n: int) -> tuple[float, float]:
    """The exact (Clopper-Pearson) 95 % interval of a share, in percent."""

    def at_most(k: int, share: float) -> float:
        return sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1))

    def solved(falls: Callable[[float], float]) -> float:
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if falls(middle) > 0 else (low, middle)
        return 100 * low

    least = solved(lambda share: at_most(count - 1, share) - 0.975) if count else 0.0
    most = solved(lambda share: at_most(count, share) - 0.025) if count < n else 100.0
    return least, most


def is_worse(goodness: float, own: float) -> bool:
    """Whether a first sound is damaged more than at speed 1.0. own: its goodness there."""
    return goodness < DAMAGED and goodness < own - WORSE


def shown(goodness: Sequence[float], own: Sequence[float]) -> str:
    """The cells of a table for the goodness at one speed. own: that at speed 1.0."""
    damaged = sum(now < DAMAGED for now in goodness)
    more = sum(is_worse(now, at_own) for now, at_own in zip(goodness, own, strict=True))
    cells = []
    for count in (damaged, more):
        least, most = interval(count, len(goodness))
        cells.append(f"{count} | {100 * count / len(goodness):.1f} [{least:.1f}, {most:.1f}]")
    return " | ".join(cells)


def listed(found: Sequence[Onset], own: Sequence[Onset], recognizer: Recognizer) -> Iterator[str]:
    """A line for each first word that is damaged more than at 1.0."""
    for now, at_own in zip(found, own, strict=True):
        if is_worse(now.goodness[0], at_own.goodness[0]):
            heard = [outcome.result().text for outcome in recognizer.transcribe([now.audio, at_own.audio], "en")]
            yield f"{now.voice}: {now.line}"
            for one, text in zip((at_own, now), heard[::-1], strict=True):
                yield f"  at {one.speed:g} {one.goodness[0]:.1f}, hama hears {one.heard!r}, Whisper {text!r}"


def main(speeds: Sequence[float]) -> None:
    """Print the tables and the list."""
    listener = Listener()
    found: list[Onset] = []
    for name in (name for name, profile in profiles().items() if profile.language.startswith("en-")):
        with speaker(SpeechRequest(voice=name, device="cpu", threads=1)) as talker:
            found += onsets(talker, listener, (1.0, *speeds))
        print(f"{name}: {len(found)} lines", file=sys.stderr)
    by_speed = {speed: [onset for onset in found if onset.speed == speed] for speed in (1.0, *speeds)}
    own = by_speed[1.0]
    print(f"weights {hub.ensure('kokoro').source}\n")
    for place, word in enumerate(("first", "second")):
        print(f"| speed | {word} words | damaged | % | more than at 1.0 | % |\n|---|---|---|---|---|---|")
        for speed, there in by_speed.items():
            cells = shown([one.goodness[place] for one in there], [one.goodness[place] for one in own])
            print(f"| {speed:g} | {len(there)} | {cells} |")
        print()
    with ExitStack() as lent:
        recognizer = lent.enter_context(registry.recognizer("whisper-tiny.en", "cpu"))
        for speed in speeds:
            print(*listed(by_speed[speed], own, recognizer), sep="\n")


if __name__ == "__main__":
    locations.use(config.locations)
    main(tuple(map(float, sys.argv[1:])) or SPEEDS)
