"""Tests of the limit of processor time."""

import signal
import threading
import time

import pytest

from speakkit.engines import budget
from speakkit.engines.attempt import each
from speakkit.engines.budget import processor_time
from speakkit.errors import EngineError


def work(seconds):
    """Use processor time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def is_disarmed():
    return signal.getitimer(signal.ITIMER_PROF) == (0, 0) and signal.getsignal(signal.SIGPROF) is signal.SIG_DFL


def test_a_step_that_takes_too_long_is_ended():
    """The error names the limit, and the timer is gone afterwards."""
    with pytest.raises(EngineError, match=r"more than 0\.05 s of processor time"), processor_time(0.05):
        work(60)
    assert is_disarmed()


def test_a_step_within_the_limit_is_left_alone():
    """Time that passes while it sleeps does not count, nor does the work of other threads."""
    other = threading.Thread(target=work, args=(0.3,))
    with processor_time(0.2):
        other.start()
        other.join()
        time.sleep(0.3)
    assert is_disarmed()


def test_an_error_that_a_library_suppresses_is_raised_again(monkeypatch):
    """A library may suppress any exception, and go on for ever."""
    monkeypatch.setattr(budget, "AGAIN", 0.05)

    def stubborn():
        try:
            work(60)
        except EngineError:
            work(60)

    with pytest.raises(EngineError), processor_time(0.05):
        stubborn()


def test_a_thread_has_no_limit():
    """Signals reach the main thread only."""
    done = []

    def run():
        with processor_time(0.01):
            work(0.1)
            done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done


def test_a_timer_of_the_program_is_kept():
    """A profiler may use the same signal."""
    try:
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        with processor_time(0.01):
            work(0.1)
        assert signal.getsignal(signal.SIGPROF) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)


def test_only_the_item_that_takes_too_long_fails():
    """The items after it are worked on."""
    outcomes = list(each([0.0, 60.0, 0.0], work, "the engine", 0.1))
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
