"""Tests of the buffer that feeds the player: position, rewinding by chunks, and free space."""

import threading

import numpy as np
import pytest

from speakkit.playback import pcm
from speakkit.playback.feed import AHEAD, Feed


def sound(first, last):
    return np.arange(first, last, dtype="<f4").tobytes()


def test_what_goes_in_comes_out():
    """Bytes are returned in order in pieces of any size, and never more than were put."""
    feed = Feed()
    feed.put(sound(0, 7))
    feed.put(sound(7, 1000))
    taken = [feed.take(0.0001), feed.take(0.02), feed.take(1), feed.take(1)]
    assert [len(piece) // 4 for piece in taken] == [2, 480, 518, 0]
    assert b"".join(taken) == sound(0, 1000)
    assert (feed.position, feed.ahead, feed.is_exhausted) == (1000 / 24_000, 0, False)
    feed.end()
    assert feed.is_exhausted


def test_part_of_a_sample_is_refused():
    """A partial sample, and any sample after the end, raises ValueError."""
    feed = Feed()
    with pytest.raises(ValueError, match="not a whole number"):
        feed.put(b"123")
    feed.end()
    with pytest.raises(ValueError, match="has ended"):
        feed.put(b"1234")


@pytest.mark.parametrize(("seconds", "start"), [(0.0, 0), (0.9, 0), (1.0, 1), (1.5, 1), (2.9, 1), (3.1, 3), (9, 3)])
def test_rewinding_goes_to_the_beginning_of_the_chunk(seconds, start):
    """Rewinding goes to the start of a chunk; a piece that starts no chunk belongs to the one before it."""
    feed = Feed()
    for second, begins in enumerate([True, True, False, True]):
        feed.put(sound(24_000 * second, 24_000 * (second + 1)), begins_chunk=begins)
    feed.take(seconds + 0.9)
    feed.rewind(seconds)
    assert feed.position == start
    assert feed.take(0.001) == sound(24_000 * start, 24_000 * start + 24)


def test_old_chunks_are_forgotten():
    """Old chunks are dropped, except the last second of audio and the start of its chunk.

    The last second may not have been played yet.
    """
    feed = Feed()
    for second in range(100):
        feed.put(sound(0, 24_000))
        assert len(feed.take(1)) == 96_000
        assert second < 3 or len(feed._pcm) <= 3 * 96_000
    assert feed.last(1) == sound(0, 24_000)
    feed.rewind(99.0)
    assert (feed.position, feed.next(1)) == (99, sound(0, 24_000))


def test_room_is_told_once_it_is_there():
    """Free space is reported by the callback, and to waiting threads."""
    calls = []
    feed = Feed(lambda: calls.append(feed.ahead))
    feed.put(bytes(pcm.size(AHEAD + 0.03)))
    assert not feed.wait_for_room(0.01)
    waiting = threading.Thread(target=lambda: calls.append(feed.wait_for_room(10)))
    waiting.start()
    for _ in range(4):
        feed.take(0.02)
    waiting.join(10)
    assert sorted(calls) == [True, pytest.approx(AHEAD - 0.01)]
    assert feed.wait_for_room(0)


def test_failure_waits_for_what_was_put():
    """A failure takes effect after the audio that was put before it."""
    feed = Feed()
    feed.put(sound(0, 480))
    feed.fail("engine_failed", "the engine died")
    assert (feed.is_exhausted, feed.failure.reason) == (False, "engine_failed")
    feed.take(1)
    assert feed.is_exhausted
