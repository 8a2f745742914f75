"""Find a known text in the output of a CTC network: the best path through its phonemes, in numpy, window by window.

The graph of a text has a pause before, between and after its words, beside it a state for speech that is not in the
text, and for each pronunciation of a word its phonemes with optional blanks between them (Graves et al. 2006,
"Connectionist Temporal Classification", section 3.1). Words may be left out. Scores are natural logarithms of
probabilities, relative to the best path of any symbols: 0 is a perfect score.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

BLANK, PAUSE, OTHER = 0, 1, 2
"""Columns of the scores: a blank, a blank or a word boundary, and speech that is not in the text. Columns of phonemes
follow."""

OTHER_BEGINS, OTHER_STAYS = 5.0, 0.25
"""Costs of speech that is not in the text: of its beginning, and of each frame."""

SKIP, SKIP_PHONEME, SKIP_MOST = 6.0, 1.0, 40.0
"""Costs of words that are left out: of each word, of each of its phonemes, and the most for adjacent words, so that any
part of a text may be missing."""

WINDOW, AGAIN = 3000, 500
"""Frames of a window, and frames at its end that the next window aligns again, because they lack context there."""

DENSITY, SPARE = 0.6, 200
"""Words and phonemes of the text per frame of a window, and those beyond that. Fast speech has 0.5 in 20 ms."""

HUB = 3
"""The way into a state that comes from a hub."""

SPARSE, WIDEST = 0.5, 16
"""If more than this part of a window is speech that is not in the text, it is aligned with up to WIDEST times as much
of the text."""

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]
Booleans = npt.NDArray[np.bool_]

Pronunciation = tuple[int, ...]
"""Columns of a word's phonemes, with PAUSE between two of them if a pause is allowed there."""

Words = Sequence[Sequence[Pronunciation]]
"""The pronunciations of each word. A word with an empty pronunciation costs nothing if it is left out, and a word
without pronunciations is always left out."""


@dataclass(frozen=True, eq=False)
class Path:
    """The best path through a text. Each array has one entry per frame.

    word: index of the word; in a pause, of the word that follows it
    pronunciation: index of the word's pronunciation; -1 in a pause
    place: index in the pronunciation; -1 for a blank, and in a pause
    column: column of the scores
    scores: score of the frame
    """

    word: Integers
    pronunciation: Integers
    place: Integers
    column: Integers
    scores: Floats

    @property
    def is_other(self) -> Booleans:
        """Whether each frame is speech that is not in the text."""
        is_other: Booleans = self.column == OTHER
        return is_other

    def total(self, words: Words) -> float:
        """Return the score of the path through `words`, with the costs of words that are left out."""
        costs = _skip_costs(words)
        spoken = np.flatnonzero(np.bincount(self.word[self.pronunciation >= 0], minlength=len(words)))
        ends = np.concatenate([[-1], spoken, [len(words)]])
        skipped = sum(min(SKIP_MOST, costs[j] - costs[i + 1]) for i, j in pairwise(ends))
        begins = np.count_nonzero(np.diff(self.is_other, prepend=False) & self.is_other)  # not the ends
        return float(self.scores.sum(dtype=np.float64) - OTHER_BEGINS * begins - skipped)


def align(scores: Floats, words: Words, density: float = DENSITY) -> Path:
    """Return the best path through the words.

    scores: [frames, columns], at most 0
    density: maximum of words and phonemes per frame that speech may have
    A text is aligned in windows. Each begins at the end of a word that the window before it found, so that neither the
    memory nor the time per frame depends on the length of the text.
    """
    frames = len(scores)
    found = np.full((4, frames), -1, np.int32)
    ahead = np.cumsum([1 + max(map(len, ways), default=0) for ways in words])
    at, word, wider = 0, 0, 1
    while at < frames:
        end = min(at + WINDOW, frames)
        before = ahead[word - 1] if word else 0
        last = max(word + 1, int(np.searchsorted(ahead, before + wider * (density * (end - at) + SPARE))))
        graph = Graph(words[word:last])
        states = graph.best(scores[at:end], is_closed=end == frames)
        if wider < WIDEST and last < len(words) and float(graph.is_other[states].mean()) > SPARSE:
            wider *= 4
            continue
        kept = states if end == frames else states[: graph.settled(states[:-AGAIN])]
        found[:, at : at + len(kept)] = graph.described(kept, word)
        at += len(kept)
        word += int(graph.word[states[len(kept)]]) if at < frames else 0
        wider = 1
    word_of, pronunciation, place, column = found
    return Path(word_of, pronunciation, place, column, scores[np.arange(frames), column])


class Graph:
    """The states of some words. State arrays have one entry per state; hub k is the boundary before word k.

    word: index of the word; in a pause, of the word that follows it
    is_other: whether it is speech that is not in the text
    """

    def __init__(self, words: Words) -> None:
        table = np.array(list(_states(words)), np.int32).T
        self._column, self.word, self._pronunciation, self._place, back, self._enters, leads = table
        self.is_other = self._column == OTHER
        self._steps = [np.where(back[n:] >= n, 0.0, -np.inf).astype(np.float32) for n in (1, 2)]
        self._entry = np.where(self.is_other, OTHER_BEGINS, 0.0).astype(np.float32)
        self._leading = np.flatnonzero(leads >= 0).astype(np.int32)
        self._hub = leads[self._leading]
        self._first = np.searchsorted(self._hub, np.arange(len(words) + 1))
        self._costs = _skip_costs(words).astype(np.float32)

    def best(self, scores: Floats, *, is_closed: bool) -> Integers:
        """Return the state of each frame on the best path, from hub 0.

        is_closed: the path ends at the last hub, and may end anywhere otherwise
        """
        frames, states, hubs = len(scores), len(self.word), len(self._first)
        ways = np.zeros((frames, states), np.int8)
        origins = np.zeros((frames, hubs), np.int32)
        value = np.full(states, -np.inf, np.float32)
        ready = np.full(hubs + 1, -np.inf, np.float32)  # the last one is of states that no hub leads to
        ready[:-1] = np.maximum(-self._costs, -SKIP_MOST)
        for frame in range(frames):
            value = self._advance(value, ready, ways[frame]) + scores[frame].take(self._column)
            self._skip(value, ready[:-1], origins[frame])
        end = origins[-1, -1] if is_closed else value.argmax()
        return self._traced(int(end), ways, origins)

    def _advance(self, value: Floats, ready: Floats, way: npt.NDArray[np.int8]) -> Floats:
        """Return the score of the best way into each state, and set `way`: 0 to 2 states back, or HUB."""
        best = value.copy()
        for n, step in enumerate(self._steps, 1):
            _improve(best[n:], value[:-n] + step, way[n:], n)
        _improve(best, ready.take(self._enters) - self._entry, way, HUB)
        return best

    def _skip(self, value: Floats, ready: Floats, origin: Integers) -> None:
        """Set `ready` to the score at each hub, and `origin` to the state that it comes from; words may be skipped."""
        leading = value.take(self._leading)
        ready[:] = np.maximum.reduceat(leading, self._first)
        best = np.flatnonzero(leading == ready.take(self._hub))
        origin[self._hub[best]] = self._leading[best]
        hubs = np.arange(len(ready))
        for costs, most in ((self._costs, 0.0), (np.zeros_like(self._costs), SKIP_MOST)):
            here = ready + costs
            reached = np.maximum.accumulate(here)
            source = np.maximum.accumulate(np.where(here >= reached, hubs, 0))
            skipped = reached - costs - most
            better = skipped > ready
            origin[better] = origin[source[better]]
            np.maximum(ready, skipped, out=ready)

    def _traced(self, state: int, ways: npt.NDArray[np.int8], origins: Integers) -> Integers:
        """Return the states of the path that ends in `state`."""
        path = np.zeros(len(ways), np.int32)
        for frame in range(len(ways) - 1, -1, -1):
            path[frame] = state
            way = int(ways[frame, state])
            if way < HUB:
                state -= way
            elif frame:
                state = int(origins[frame - 1, self._enters[state]])
        return path

    def settled(self, states: Integers) -> int:
        """Return the last frame after the first at which a pause is, or a word begins; the last of all if none is."""
        is_pause = self._pronunciation[states] < 0
        begins = np.diff(self.word[states], prepend=-1) != 0
        return int(np.flatnonzero(is_pause | begins)[-1]) or len(states) - 1

    def described(self, states: Integers, first: int) -> Integers:
        """Return word, pronunciation, place and column of each frame of a path. first: index of the first word."""
        return np.stack(
            [self.word[states] + first, self._pronunciation[states], self._place[states], self._column[states]]
        )


def _improve(best: Floats, other: Floats, way: npt.NDArray[np.int8], number: int) -> None:
    """Replace each entry of `best` that is below `other`, and its way by `number`."""
    np.copyto(way, number, where=other > best)
    np.maximum(best, other, out=best)


def _states(words: Words) -> Iterator[tuple[int, int, int, int, int, int, int]]:
    """Yield the states of the graph in order.

    Each is its column, word, pronunciation and place, how many states before it may lead to it, the hub that leads to
    it, and the hub that it leads to; -1 if there is none.
    """
    for word in range(len(words) + 1):
        yield PAUSE, word, -1, -1, 0, word, word
        yield OTHER, word, -1, -1, 0, word, word
        for number, way in enumerate(words[word] if word < len(words) else ()):
            phonemes = [place for place, column in enumerate(way) if column != PAUSE]
            before = -1
            for place in phonemes:
                last = place == phonemes[-1]
                if before >= 0:
                    yield PAUSE if place - before > 1 else BLANK, word, number, -1, 1, -1, -1
                back = 0 if before < 0 else 1 if way[place] == way[before] else 2
                yield way[place], word, number, place, back, word if before < 0 else -1, word + 1 if last else -1
                before = place


def _skip_costs(words: Words) -> npt.NDArray[np.float64]:
    """Return the cost of leaving out the words before each word, and all words, [words + 1]."""
    costs = [0.0 if () in ways else SKIP + SKIP_PHONEME * (len(ways[0]) if ways else 0) for ways in words]
    return np.concatenate([[0.0], np.cumsum(costs)])
