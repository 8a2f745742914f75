"""Alignment of a known text by Parakeet's CTC output: the best path through the pieces of its words.

It is coarse: a frame is 80 ms, and CTC reports a piece inside its sound, not where it begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakkit.alignment import CoarseWord
from speakkit.engines import ctc

FIRST = ctc.OTHER + 1
"""Column of the first piece."""

FLOOR = -30.0
"""Lowest score of a frame."""

DENSITY = 1.5
"""See `ctc.align`: fast speech has one word and one and a half pieces in two frames."""


@dataclass(frozen=True, eq=False)
class Output:
    """The network's output for one clip.

    logs: natural logarithms of the probabilities of pieces, [frames, pieces]
    times: seconds from the start of the clip at which the frames begin, [frames]
    blank: index of the blank among the pieces
    frame: seconds per frame
    """

    logs: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    blank: int
    frame: float


def aligned(output: Output, words: Sequence[str], pieces: Sequence[Sequence[int]]) -> list[CoarseWord]:
    """Return the words with their times.

    pieces: of each word; a word without pieces is not looked for
    The probability of a word is the smallest of its pieces, and that of a piece the mean over its frames.
    """
    used = sorted({piece for word in pieces for piece in word})
    columns = {piece: FIRST + k for k, piece in enumerate(used)}
    ways = [[tuple(columns[piece] for piece in word)] if word else [] for word in pieces]
    path = ctc.align(_scores(output, used), ways, DENSITY)
    probabilities = np.exp(output.logs[np.arange(len(path.column)), np.take([-1, -1, -1, *used], path.column)])
    spoken = np.flatnonzero(path.place >= 0)
    edges = np.searchsorted(path.word[spoken], np.arange(len(words) + 1))
    placed, end = [], 0.0
    for number, word in enumerate(words):
        frames = spoken[edges[number] : edges[number + 1]]
        if not len(frames):
            placed.append(CoarseWord(word, end, end, 0.0))
            continue
        start, end = float(output.times[frames[0]]), float(output.times[frames[-1]]) + output.frame
        places = path.place[frames]
        means = [probabilities[frames[places == place]].mean() for place in np.unique(places)]
        placed.append(CoarseWord(word, start, end, float(min(means))))
    return placed


def _scores(output: Output, pieces: Sequence[int]) -> ctc.Floats:
    """Return the scores that `ctc.align` needs, with a column for each of the pieces."""
    relative = output.logs - output.logs.max(1, keepdims=True)
    blank = relative[:, output.blank]
    other = np.full_like(blank, -ctc.OTHER_STAYS)
    scores: ctc.Floats = np.maximum(np.column_stack([blank, blank, other, relative[:, list(pieces)]]), FLOOR)
    return scores
