"""Tests of the alignment with the output of a CTC network that is written down here."""

import numpy as np
import pytest

from speakkit.engines.parakeet_alignment import Output, aligned

BLANK, FRAME = 4, 0.08


def output(pieces, sure=0.9):
    """The output of a network that hears one piece in each frame."""
    probabilities = np.full((len(pieces), BLANK + 1), (1 - sure) / BLANK)
    probabilities[np.arange(len(pieces)), pieces] = sure
    times = FRAME * np.arange(len(pieces), dtype=np.float64)
    return Output(np.log(probabilities).astype(np.float32), times, BLANK, FRAME)


def times(words):
    return [(round(word.start / FRAME), round(word.end / FRAME)) for word in words]


def test_words_are_where_their_pieces_are():
    """A word begins in the first frame of its first piece, and ends after the last frame of its last one."""
    heard = output([4, 4, 0, 0, 4, 1, 4, 4, 2, 4, 4])
    found = aligned(heard, ("ab", "c"), ([0, 1], [2]))
    assert times(found) == [(2, 6), (8, 9)]
    assert [word.probability for word in found] == pytest.approx([0.9, 0.9])


def test_the_probability_is_that_of_the_worst_piece():
    """A word with a piece that is not heard is found by the others, and its probability says so."""
    found = aligned(output([4, 0, 0, 4, 3, 4, 2, 2, 4]), ("abc",), ([0, 1, 2],))
    assert times(found) == [(1, 8)]
    assert found[0].probability == pytest.approx(0.025)


def test_a_piece_twice_needs_a_blank_between():
    """Two equal words are two runs of their piece."""
    assert times(aligned(output([4, 0, 0, 4, 0, 4]), ("a", "a"), ([0], [0]))) == [(1, 3), (4, 5)]


def test_words_that_are_not_heard_have_no_time():
    """A word that is not in the sound, and one without pieces, are left out at the end of the word before."""
    found = aligned(output([4, 0, 4, 4, 1, 4]), ("a", "d", "?", "b"), ([0], [3, 3, 3], [], [1]))
    assert times(found) == [(1, 2), (2, 2), (2, 2), (4, 5)]
    assert [word.probability for word in found[1:3]] == [0.0, 0.0]


def test_speech_that_is_not_in_the_text_is_passed_over():
    """Words of another text before and after those that are known do not move them."""
    other = [2, 4, 3, 4] * 10
    assert times(aligned(output([*other, 0, 4, 1, *other]), ("a", "b"), ([0], [1]))) == [(40, 41), (42, 43)]


def test_a_long_text_is_aligned_in_windows():
    """A text of 5,000 frames that has a word in every frame but one is found whole."""
    heard = output([0, 4, 1, 4] * 1250)
    found = aligned(heard, ("a", "b") * 1250, ([0], [1]) * 1250)
    assert times(found) == [(2 * k, 2 * k + 1) for k in range(2500)]
