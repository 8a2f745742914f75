"""From a CTC path to word and phoneme times. hama reports a phoneme inside its sound, and not where it begins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakkit.alignment import SKIPPED, AlignedPhoneme, AlignedWord, Alignment, Gap, KnownWord
from speakkit.engines import ctc
from speakkit.engines.hama_phonemes import Observed, Phonemes, alternatives

FRAME, AROUND = 0.02, 0.24
"""Seconds per frame, and seconds of the first frames that are before the clip."""

LAG, BETWEEN = 0.069, 0.022
"""Seconds from the beginning of a phoneme to hama's first frame of it, and seconds by which a word begins before its
first phoneme if no pause is before it: half of the transition between two words, as in speech.timestamps. Medians of
benchmarks/fit_aligner.py over 16 voices and 4 speeds. LAG depends little on the voice (65 to 74 ms), the speed (68 to
70 ms) or the phoneme (a lag of its own for each made the starts of words no better)."""

PAUSE, RINGS = 0.2, 0.12
"""Seconds from hama's last frame of a phoneme to the next phoneme, beyond which a pause is between them, and to its own
end in that case. With no pause, 99 of 100 words begin within 0.2 s, on the speech of benchmarks/fit_aligner.py."""

APART = 0.01
"""Least seconds between the beginnings of two phonemes."""

AS_GOOD = -0.7
"""Score of a phoneme in its best frame, from which on it is what is heard: half as probable as the best one."""

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spikes:
    """The phonemes of a path, in order. Each array has one entry per phoneme.

    word, pronunciation, place: see `ctc.Path`
    column: column of the scores
    first, last: its first and its last frame
    """

    word: ctc.Integers
    pronunciation: ctc.Integers
    place: ctc.Integers
    column: ctc.Integers
    first: ctc.Integers
    last: ctc.Integers

    @classmethod
    def of(cls, path: ctc.Path) -> "Spikes":
        """Return the phonemes of a path."""
        at = np.flatnonzero(path.place >= 0).astype(np.int32)
        begins = np.flatnonzero(np.diff([path.word[at], path.place[at]], prepend=-1).any(0))
        first, last = at[begins], at[np.append(begins[1:], len(at))[: len(begins)] - 1]
        word, pronunciation, place, column = (
            of[first] for of in (path.word, path.pronunciation, path.place, path.column)
        )
        return cls(word, pronunciation, place, column, first, last)

    @property
    def starts(self) -> Seconds:
        """The seconds at which the phonemes begin."""
        starts = self.first.astype(np.float64) * FRAME - AROUND - LAG
        is_joined = np.append(False, ~self._is_before_pause(starts)[:-1])[: len(starts)]
        return starts - BETWEEN * (is_joined & (np.diff(self.word, prepend=-1) > 0))

    def ends(self, starts: Seconds) -> Seconds:
        """Return the seconds at which the phonemes end: where the next one begins, or earlier if a pause follows."""
        last = np.maximum(self.last * FRAME - AROUND, starts)
        return np.where(self._is_before_pause(starts), last + RINGS, np.append(starts[1:], np.inf)[: len(starts)])

    def _is_before_pause(self, starts: Seconds) -> npt.NDArray[np.bool_]:
        """Return whether a pause, or the end, is after each phoneme."""
        following = np.append(starts[1:], np.inf)[: len(starts)]
        is_before: npt.NDArray[np.bool_] = following - np.maximum(self.last * FRAME - AROUND, starts) > PAUSE
        return is_before


class Times:
    """The times and scores of a path through known words.

    duration: of the clip, in seconds
    """

    def __init__(self, path: ctc.Path, observed: Observed, phonemes: Phonemes, duration: float) -> None:
        self._path, self._observed, self._phonemes, self._duration = path, observed, phonemes, duration
        self._spikes = Spikes.of(path)
        self._starts = _apart(self._spikes.starts, duration)
        self._ends = np.minimum(self._spikes.ends(self._starts), duration)

    def alignment(self, known: Sequence[KnownWord], ways: ctc.Words) -> Alignment:
        """Return the alignment of the words. ways: columns of each word's pronunciations."""
        edges = np.searchsorted(self._spikes.word, np.arange(len(known) + 1))
        words: list[AlignedWord] = []
        gaps: list[Gap] = []
        end = 0.0
        for word in [*np.flatnonzero(np.diff(edges)), len(known)]:
            start = float(self._starts[edges[word]]) if word < len(known) else self._duration
            gaps.append(self._gap(len(words), word, end, start))
            for skipped in range(len(words), word):
                words.append(_skipped(known[skipped], ways[skipped], start))
                gaps.append(Gap(skipped + 1, start, start, "", 0.0))
            if word < len(known):
                words.append(self._word(known[word], edges[word], edges[word + 1]))
                end = words[-1].end
        return Alignment(tuple(words), tuple(gaps), self._path.total(ways))

    def _word(self, known: KnownWord, first: int, last: int) -> AlignedWord:
        """Return the word whose phonemes are `first` to `last`, half-open."""
        spikes = self._spikes
        score = self._path.scores[spikes.first[first] : spikes.last[last - 1] + 1].sum()
        phonemes = tuple(map(self._phoneme, range(first, last)))
        _, way = alternatives(known.pronunciations)[spikes.pronunciation[first]]
        return AlignedWord(known.text, phonemes[0].start, phonemes[-1].end, way, float(score), phonemes=phonemes)

    def _phoneme(self, number: int) -> AlignedPhoneme:
        frames = slice(self._spikes.first[number], self._spikes.last[number] + 1)
        scores, symbol = self._path.scores[frames], self._phonemes.symbol(int(self._spikes.column[number]))
        heard = symbol if scores.max() > AS_GOOD else self._phonemes.heard(self._observed, frames)
        return AlignedPhoneme(
            symbol, float(self._starts[number]), float(self._ends[number]), float(scores.sum()), heard
        )

    def _gap(self, first: int, last: int, start: float, end: float) -> Gap:
        """Return the gap from `start` to `end` in seconds, in which the words `first` to `last`, half-open, are not."""
        path = self._path
        frames = slice(np.searchsorted(path.word, first), np.searchsorted(path.word, last, "right"))
        is_gap = path.pronunciation[frames] < 0
        score = self._observed.scores[frames, ctc.PAUSE][is_gap].sum()
        others = np.flatnonzero(path.is_other[frames]) + frames.start
        return Gap(first, start, max(start, end), self._phonemes.heard(self._observed, others), float(score))


def _skipped(word: KnownWord, ways: Sequence[ctc.Pronunciation], at: float) -> AlignedWord:
    """Return a word that is not spoken before `at` seconds."""
    is_right = () in ways
    return AlignedWord(
        word.text, at, at, ways.index(()) if is_right else -1, 0.0 if is_right else SKIPPED, is_skipped=True
    )


def _apart(starts: Seconds, duration: float) -> Seconds:
    """Return the beginnings of phonemes in order, at least APART, and within the clip."""
    steps = APART * np.arange(len(starts))
    ordered = np.maximum.accumulate(np.maximum(starts, 0.0) - steps) + steps
    within: Seconds = np.minimum(ordered, duration - APART * np.arange(len(starts), 0, -1))
    return np.maximum(within, 0.0)
