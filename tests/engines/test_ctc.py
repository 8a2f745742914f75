"""Tests of the best path through a known text: on scores that are written for them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.engines import ctc
from speakkit.engines.ctc import BLANK, OTHER, PAUSE

COLUMNS = 12
"""The columns of phonemes are 3 to 11."""

WORDS: ctc.Words = [[(3, 4)], [(5, 6, 6), (5, 7)], [(8, 3)]]


def scores(heard, unlikely=-8.0):
    """Scores of a clip in which each frame is surely one column; a blank is a pause too."""
    made = np.full((len(heard), COLUMNS), unlikely, np.float32)
    made[np.arange(len(heard)), heard] = 0.0
    made[np.array(heard) == BLANK, PAUSE] = 0.0
    made[:, OTHER] = -ctc.OTHER_STAYS
    return made


def spoken(path):
    """The words of a path, in order, each with its pronunciation."""
    return list(dict.fromkeys((int(w), int(p)) for w, p in zip(path.word, path.pronunciation, strict=True) if p >= 0))


def test_each_frame_gets_its_phoneme():
    """The words are found with the pronunciation that is spoken, and their frames with its phonemes."""
    path = ctc.align(scores([0, 3, 3, 0, 4, 1, 0, 5, 0, 7, 0, 0, 8, 3, 0]), WORDS)
    assert spoken(path) == [(0, 0), (1, 1), (2, 0)]
    assert path.place.tolist() == [-1, 0, 0, -1, 1, -1, -1, 0, -1, 1, -1, -1, 0, 1, -1]
    assert path.word.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert path.total(WORDS) == 0.0


def test_a_doubled_phoneme_needs_a_blank_between():
    """The same phoneme twice is two only with a blank between them."""
    path = ctc.align(scores([3, 4, 5, 6, 6, 0, 6, 8, 3]), WORDS)
    assert path.place.tolist() == [0, 1, 0, 1, 1, -1, 2, 0, 1]
    assert path.total(WORDS) == 0.0
    assert ctc.align(scores([3, 4, 5, 6, 6, 6, 8, 3]), WORDS).total(WORDS) < -5


@pytest.mark.parametrize(
    ("heard", "found", "cost"),
    [
        ([3, 4, 0, 8, 0, 3, 0], [0, 2], ctc.SKIP + 3 * ctc.SKIP_PHONEME),
        ([0, 5, 7, 0, 8, 3], [1, 2], ctc.SKIP + 2 * ctc.SKIP_PHONEME),
        ([3, 4, 0, 5, 7], [0, 1], ctc.SKIP + 2 * ctc.SKIP_PHONEME),
        ([0] * 9, [], 3 * ctc.SKIP + 7 * ctc.SKIP_PHONEME),
    ],
)
def test_a_word_that_is_not_spoken_costs_its_phonemes(heard, found, cost):
    """A missing word is left out, wherever it is, and its cost is in the total."""
    path = ctc.align(scores(heard), WORDS)
    assert [word for word, _ in spoken(path)] == found
    assert path.total(WORDS) == pytest.approx(-cost)


def test_speech_between_words_is_not_theirs():
    """Speech that is not in the text belongs to no word."""
    path = ctc.align(scores([3, 4, 0, *[9, 10, 11] * 6, 0, 5, 7, 8, 3]), WORDS)
    assert [word for word, _ in spoken(path)] == [0, 1, 2]
    assert path.is_other.nonzero()[0].tolist() == list(range(3, 21))
    assert path.total(WORDS) == pytest.approx(-ctc.OTHER_BEGINS - 18 * ctc.OTHER_STAYS)


def test_a_word_may_be_optional_and_another_unknown():
    """A word with an empty pronunciation is left out for nothing, and one without any always."""
    words: ctc.Words = [[(3, 4)], [(), (5,)], [], [(8, 3)]]
    assert ctc.align(scores([3, 4, 8, 3]), words).total(words) == -ctc.SKIP
    path = ctc.align(scores([3, 4, 5, 8, 3]), words)
    assert spoken(path) == [(0, 0), (1, 1), (3, 0)]


def test_a_pause_is_allowed_where_a_pronunciation_says_so():
    """Two spoken words of one pronunciation may have a pause between them; the phonemes of one word may not."""
    heard = scores([3, 1, 1, 1, 4])
    apart: ctc.Words = [[(3, PAUSE, 4)]]
    one: ctc.Words = [[(3, 4)]]
    assert ctc.align(heard, apart).total(apart) == 0.0
    assert ctc.align(heard, one).total(one) < -5


def test_nothing_to_find():
    """No words, or a text far longer than the clip, has a path too."""
    assert ctc.align(scores([0, 0, 3]), []).word.tolist() == [0, 0, 0]
    text = [*WORDS] * 1000
    long = ctc.align(scores([0]), text)
    assert spoken(long) == []
    assert long.total(text) == -ctc.SKIP_MOST


@given(st.integers(0, 2**32 - 1))
def test_no_path_is_better(seed):
    """The path of random scores is as good as the best of all, found state by state without vectors."""
    random = np.random.default_rng(seed)
    words: ctc.Words = [
        [tuple(random.integers(3, 6, random.integers(1, 3))) for _ in range(random.integers(1, 3))]
        for _ in range(random.integers(0, 4))
    ]
    clip = -random.exponential(3.0, (random.integers(1, 9), COLUMNS)).astype(np.float32)
    assert ctc.align(clip, words).total(words) == pytest.approx(best_total(clip, words), abs=1e-3)


def best_total(clip, words):  # noqa: C901  it is plain rather than short
    """Return the total of the best path, by dynamic programming over (word, pronunciation, position), one by one."""
    costs = [ctc.SKIP + ctc.SKIP_PHONEME * len(ways[0]) for ways in words]

    def skips(hubs):
        """Add to {word: score} what comes from skipping words."""
        return {
            j: max(hubs[i] - min(ctc.SKIP_MOST, sum(costs[i:j])) for i in hubs if i <= j)
            for j in range(min(hubs), len(words) + 1)
        }

    def entries(hubs):
        for word, score in hubs.items():
            yield (word, "pause"), score
            yield (word, "other"), score - ctc.OTHER_BEGINS
            for way in range(len(words[word]) if word < len(words) else 0):
                yield (word, way, 0, "phoneme"), score

    def moves(state):
        yield state
        if len(state) == 4:
            word, way, place, kind = state
            phonemes = words[word][way]
            if place + 1 < len(phonemes):
                if kind == "phoneme":
                    yield (word, way, place, "blank")
                if kind == "blank" or phonemes[place] != phonemes[place + 1]:
                    yield (word, way, place + 1, "phoneme")

    def column(state):
        if len(state) == 2:
            return {"pause": PAUSE, "other": OTHER}[state[1]]
        return words[state[0]][state[1]][state[2]] if state[3] == "phoneme" else BLANK

    hubs, states = skips({0: 0.0}), {}
    for frame in clip:
        ways = [*entries(hubs), *((to, score) for state, score in states.items() for to in moves(state))]
        states = {}
        for state, score in ways:
            states[state] = max(states.get(state, -np.inf), score + frame[column(state)])
        hubs = {}
        for state, score in states.items():
            is_end = len(state) == 2 or (state[3] == "phoneme" and state[2] == len(words[state[0]][state[1]]) - 1)
            hub = state[0] + (len(state) == 4)
            if is_end:
                hubs[hub] = max(hubs.get(hub, -np.inf), score)
        hubs = skips(hubs)
    return hubs[len(words)]


def test_windows_find_what_one_window_finds(monkeypatch):
    """Short windows find the words of a long clip where they are, and go on after a part that is not spoken."""
    random = np.random.default_rng(0)
    words: ctc.Words = [[tuple(random.integers(3, COLUMNS, random.integers(2, 7)))] for _ in range(300)]
    heard, begins = [], {}
    for number, (phonemes,) in enumerate(words):
        if not 100 <= number < 150:
            begins[number] = len(heard)
            for phoneme in phonemes:
                heard += [phoneme, *[BLANK] * random.integers(1, 5)]
            heard += [PAUSE] * random.integers(1, 8)
    monkeypatch.setattr(ctc, "WINDOW", 600)
    monkeypatch.setattr(ctc, "AGAIN", 150)
    path = ctc.align(scores(heard), words)
    assert {int(path.word[i]): int(i) for i in np.flatnonzero(path.place == 0)[::-1]} == begins
