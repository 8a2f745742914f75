"""Tests of the daemon's playback on a real sound server: one voice at a time, every sample, silence on demand."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from speakkit.daemon.wire.messages import Accepted, Finished, Started
from speakkit.playback import pcm
from waiting import wait_until

RATE = pcm.RATE


def numbers(samples):
    """Return samples of the fake voice as whole numbers: 1 << bit, or the sample's number in a ramp."""
    return np.rint(np.asarray(samples, "f8") * 2**20).astype(int)


def runs(samples, joined=0.1):
    """Return (value, length, place) in samples of each run of equal values.

    A gap of at most `joined` seconds, such as an underrun of the sound server, does not split a run.
    """
    values = numbers(samples)
    places = np.flatnonzero(values)
    found = []
    for part in np.split(places, np.flatnonzero(np.diff(places) > joined * RATE) + 1 if len(places) else []):
        found += [
            (int(values[same[0]]), len(same), int(same[0]))
            for same in np.split(part, np.flatnonzero(np.diff(values[part])) + 1)
        ]
    return found


def wait_for(heard, seconds):
    """Wait until `seconds` of sound were recorded."""
    wait_until(lambda: np.count_nonzero(heard()) >= seconds * RATE)


@pytest.mark.parametrize("count", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_one_voice_at_a_time(heard, caller, count):
    """Clients send three utterances each: no two samples overlap, none is missing, and the order is kept."""
    callers = [caller(f"agent-{bit}") for bit in range(count)]
    lengths = [0.02 * number for number in (1, 3, 5)]
    asked = [
        (each, each.ask("speak", f"bit={bit} seconds={length}".encode(), voice="f1"))
        for length in lengths
        for bit, each in enumerate(callers)
    ]
    for each, name in asked:
        assert each.end(name, seconds=90).result == "played"
    sound = runs(heard.settled())
    assert [value for value, *_ in sound if value.bit_count() != 1] == []
    for bit in range(count):
        assert [length for value, length, _ in sound if value == 1 << bit] == [round(RATE * one) for one in lengths]


def test_a_cancel_is_silence(heard, caller):
    """A cancelled utterance falls silent, and the next one plays in full."""
    one = caller()
    first, second = one.speak("bit=3 seconds=5"), one.speak("bit=5 seconds=0.3")
    one.event(first, Started)
    wait_for(heard, 0.3)
    one.ask("cancel", id=first)
    assert one.result(first) == "skipped"
    assert one.result(second) == "played"
    values = numbers(heard.settled())
    assert 0.3 * RATE <= np.count_nonzero(values == 8) < 4 * RATE
    assert np.count_nonzero(values == 32) == round(0.3 * RATE)
    assert one.end(first).audio_ms == pytest.approx(1000 * np.count_nonzero(values == 8) / RATE, abs=150)


def test_urgent_cuts_in_and_nothing_is_lost(heard, caller):
    """Urgent speech plays at once; the interrupted utterance resumes at the start of its sentence, without loss."""
    one, other = caller("one"), caller("other")
    normal = one.speak("ramp=1 seconds=0.4 pieces=5")
    one.event(normal, Started)
    wait_for(heard, 0.7)
    urgent = other.speak("bit=19 seconds=0.3", prio="urgent")
    assert other.result(urgent) == "played"
    assert one.result(normal) == "played"
    values = numbers(heard.settled())
    cut, *_ = np.flatnonzero(values == 1 << 19)
    assert np.count_nonzero(values == 1 << 19) == round(0.3 * RATE)
    before, after = values[:cut], values[cut:]
    before, after = before[before > 0], after[(after > 0) & (after != 1 << 19)]
    assert list(before) == list(range(1, len(before) + 1))
    piece = round(0.4 * RATE)
    assert (after[0] - 1) % piece == 0
    assert after[0] <= before[-1] + 1
    assert list(after) == list(range(after[0], 5 * piece + 1))
    assert len(one.all(normal, Started)) == 1


def test_a_pause_loses_nothing(heard, caller):
    """A pause is silent except for urgent speech; after it, playback continues and no sample is missing."""
    one = caller()
    name = one.speak("ramp=1 seconds=0.4 pieces=4")
    one.event(name, Started)
    wait_for(heard, 0.5)
    one.do("pause")
    assert one.do("queue").paused
    urgent = one.speak("bit=19 seconds=0.1", prio="urgent")
    assert one.result(urgent) == "played"
    heard.settled(0.5)
    assert not one.all(name, Finished)
    one.do("resume")
    assert one.result(name) == "played"
    values = numbers(heard.settled())
    spoken = values[(values > 0) & (values != 1 << 19)]
    whole = np.arange(1, round(1.6 * RATE) + 1)
    assert set(whole) <= set(spoken)
    in_order = [int(np.flatnonzero(spoken == number)[0]) for number in whole[::240]]
    assert in_order == sorted(in_order)
    assert np.count_nonzero(values == 1 << 19) == round(0.1 * RATE)
    assert one.end(name).audio_ms == 1600


CLIENT = """
import sys
from speakkit.daemon.wire import client
try:
    with client.connect(sys.argv[1]) as connection:
        for event in connection.request("speak", sys.argv[2].encode(), voice="f1"):
            print(type(event).__name__, flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_client_that_goes_takes_only_its_own(heard, caller, end):
    """If a client is killed or interrupted, only its own utterances end, and the others play in full."""
    one = caller("one")
    command = [sys.executable, "-c", CLIENT, "gone", "bit=3 seconds=20"]
    gone = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    while gone.stdout.readline() != "Started\n":
        assert gone.poll() is None
    name = one.speak("bit=5 seconds=0.3")
    assert one.event(name, Accepted).pos == 1
    gone.send_signal(end)
    assert one.result(name) == "played"
    assert gone.wait(20) == (130 if end is signal.SIGINT else -end)
    gone.stdout.close()
    values = numbers(heard.settled())
    assert np.count_nonzero(values == 8) < 5 * RATE
    assert np.count_nonzero(values == 32) == round(0.3 * RATE)


def test_what_was_detached_outlives_its_client(heard, caller):
    """A detached utterance plays in full after its client disconnects; the client's other utterances do not."""
    one, other = caller("one"), caller("other")
    one.speak("bit=1 seconds=0.3", detach=True)
    one.speak("bit=2 seconds=0.3")
    one.close()
    last = other.speak("bit=3 seconds=0.3")
    assert other.result(last) == "played"
    assert [(value, length) for value, length, _ in runs(heard.settled())] == [(2, 7200), (8, 7200)]
