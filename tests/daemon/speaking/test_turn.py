"""Tests of the lock that keeps two daemons from being heard at once."""

import os
import threading

import pytest

from speakkit.daemon.process import rundir
from speakkit.daemon.speaking.turn import Turn
from waiting import wait_until


@pytest.fixture
def turns(tmp_path):
    return [Turn(tmp_path / "state" / "playback") for _ in range(2)]


def begun(turn):
    thread = threading.Thread(target=turn.take)
    thread.start()
    return thread


def test_the_second_waits_for_the_first(turns):
    """The lock is held by one at a time, and the other one names the process that it waits for."""
    first, second = turns
    first.take()
    waiting = begun(second)
    wait_until(lambda: second.waits_for == os.getpid())
    assert waiting.is_alive()
    first.give_back()
    waiting.join(20)
    assert second.waits_for is None
    waiting = begun(first)
    wait_until(lambda: first.waits_for == os.getpid())
    second.give_back()
    waiting.join(20)


def test_a_close_ends_the_wait(turns, tmp_path):
    """After `close`, nothing is waited for, and the lock stays with the other."""
    first, second = turns
    first.take()
    waiting = begun(second)
    wait_until(lambda: second.waits_for)
    second.close()
    waiting.join(20)
    second.give_back()
    (lock,) = (tmp_path / "state" / "playback").iterdir()
    assert rundir.is_locked(lock)


def test_a_lock_that_cannot_be_made_stops_no_voice(tmp_path, caplog):
    """Without the file, playback goes on, and the log says what that means."""
    (tmp_path / "state").write_text("a file")
    turn = Turn(tmp_path / "state" / "playback")
    turn.take()
    turn.give_back()
    assert "another daemon could be heard at the same time" in caplog.text
