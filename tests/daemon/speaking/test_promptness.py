"""Tests of the daemon's latency: time limits that only a machine at rest can meet."""

import time

import numpy as np
import pytest

from soundserver import SoundServer
from speakkit.daemon.wire.messages import Started
from speakkit.playback import pcm
from waiting import wait_until

pytestmark = pytest.mark.slow

SOON = 1.0
"""Limit in seconds for what should take a tenth of one; benchmarks/daemon.py measures that."""


def wait_for(heard, seconds):
    """Wait until `seconds` of sound were recorded."""
    wait_until(lambda: np.count_nonzero(heard()) >= seconds * pcm.RATE)


def last_sound(heard):
    """Return when the last nonzero sample was recorded, in seconds of time.monotonic()."""
    return heard.born() + float(np.flatnonzero(heard.settled())[-1]) / pcm.RATE


def test_a_cancel_is_silent_soon(heard, caller):
    """A cancelled utterance falls silent within SOON seconds, in mid-sentence."""
    one = caller()
    name = one.speak("bit=3 seconds=5")
    one.event(name, Started)
    wait_for(heard, 0.3)
    asked = time.monotonic()
    one.ask("cancel", id=name)
    assert one.result(name) == "skipped"
    after = last_sound(heard) - asked
    print(f"silent after {1000 * after:.0f} ms")
    assert after < SOON


def test_urgent_speech_is_heard_soon(heard, caller):
    """Urgent speech plays within SOON seconds, although another agent speaks."""
    one, other = caller("one"), caller("other")
    normal = one.speak("ramp=1 seconds=0.4 pieces=5")
    one.event(normal, Started)
    wait_for(heard, 0.7)
    asked = time.monotonic()
    assert other.result(other.speak("bit=19 seconds=0.3", prio="urgent")) == "played"
    assert one.result(normal) == "played"
    cut, *_ = np.flatnonzero(SoundServer.numbers(heard.settled()) == 1 << 19)
    silent = np.flatnonzero(np.asarray(heard()) != 0)
    after = heard.born() + silent[cut] / pcm.RATE - asked
    print(f"urgent after {1000 * after:.0f} ms")
    assert after < SOON


def test_an_end_at_once_is_silent_soon_and_gone_soon(heard, caller, place):
    """A shutdown at once is silent within SOON seconds, and the daemon is gone within four times that."""
    one = caller("one")
    names = [one.speak(f"seconds=5 bit={n}") for n in range(3)]
    one.event(names[0], Started)
    wait_for(heard, 0.3)
    asked = time.monotonic()
    one.do("shutdown", mode="now")
    assert [one.result(name) for name in names] == ["failed"] * 3
    wait_until(lambda: not place.socket.exists())
    gone = time.monotonic() - asked
    after = last_sound(heard) - asked
    print(f"silent after {1000 * after:.0f} ms, gone after {1000 * gone:.0f} ms")
    assert after < SOON
    assert gone < 4 * SOON


def test_a_client_that_goes_gives_its_turn_away_soon(heard, caller):
    """If a client disconnects, the next utterance starts within twice SOON seconds."""
    gone, one = caller("gone"), caller("one")
    gone.event(gone.speak("bit=3 seconds=5"), Started)
    name = one.speak("bit=5 seconds=0.3")
    wait_for(heard, 0.3)
    asked = time.monotonic()
    gone.close()
    assert one.result(name) == "played"
    assert one.when(name, Started) - asked < 2 * SOON


def test_a_status_is_told_soon(heard, caller):
    """Status is answered within SOON seconds during playback."""
    one = caller()
    one.event(one.speak("bit=3 seconds=2"), Started)
    asked = time.monotonic()
    assert one.do("status").work["speaking"]
    assert time.monotonic() - asked < SOON
