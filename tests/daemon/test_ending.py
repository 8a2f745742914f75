"""Tests of the end of a daemon that speaks: it plays all accepted utterances, or stops at once."""

import numpy as np
import pytest

from speakkit.daemon import control
from speakkit.daemon.process import rundir
from speakkit.daemon.wire.messages import Accepted, Done, ErrorReply, Finished, Mode, Started
from speakkit.playback import pcm
from waiting import wait_until


@pytest.fixture
def one(fake_voice, caller):
    return caller("one")


def ends(place):
    """Wait until the daemon has ended."""
    return wait_until(lambda: not rundir.is_locked(place.daemon_lock))


def test_a_drain_says_what_was_accepted(one, caller, place):
    """A drain plays all accepted utterances and streams; new requests are refused with shutting_down."""
    names = [one.speak(f"seconds=0.3 bit={n}") for n in range(3)]
    stream = one.ask("synth", b"seconds=0.3 pieces=3 slow=0.1", voice="f1")
    one.event(stream, Accepted)
    other = caller("other")
    one.do("shutdown", mode="drain")
    refused = other.ask("speak", b"seconds=0.1", voice="f1")
    assert other.event(refused, ErrorReply).code == "shutting_down"
    assert [one.result(name) for name in (*names, stream)] == ["played"] * 4
    assert ends(place)


def test_a_pause_does_not_stop_a_drain(one, place):
    """A drain ends a pause, and refuses a new one as soon as it has begun, since nothing could end it later."""
    name = one.speak("seconds=0.8")
    one.event(name, Started)
    one.do("pause")
    waiting = one.speak("seconds=0.1 bit=1")
    one.do("shutdown", mode="drain")
    while isinstance(reply := one.do("pause"), Done):  # the drain begins a moment after its answer
        pass
    assert reply.code == "shutting_down"
    assert [one.result(each) for each in (name, waiting)] == ["played"] * 2
    assert ends(place)


def test_a_drain_saves_what_was_heard(monkeypatch, tmp_path, fake_voice, caller, place):
    """A drain waits until the last utterance is saved."""
    monkeypatch.setenv("SPEAKKIT_AUTOSAVE", str(tmp_path / "kept"))
    monkeypatch.setenv("FAKE_SAVE", "0.5")
    one = caller("one")
    names = [one.speak(f"seconds=0.1 bit={n}") for n in range(3)]
    one.do("shutdown", mode="drain")
    assert [one.result(name) for name in names] == ["played"] * 3
    assert ends(place)
    saved = sorted((tmp_path / "kept").iterdir())
    assert sorted(file.stem.split("_")[-1] for file in saved) == sorted(names)
    assert {len(file.read_bytes()) for file in saved} == {4 * 2400}


def test_a_drain_ends_with_the_last_stream(one, place):
    """A drain ends after its last stream, also if that is cancelled."""
    stream = one.ask("synth", b"seconds=1 pieces=1000 slow=0.05", voice="f1")
    one.event(stream, Accepted)
    one.do("shutdown", mode="drain")
    one.ask("cancel", id=stream)
    assert one.result(stream) == "skipped"
    assert ends(place)


def test_now_is_silence(heard, caller, place):
    """A shutdown at once fails the current and waiting utterances with shutting_down, and nothing more plays."""
    one = caller("one")
    names = [one.speak(f"seconds=5 bit={n}") for n in range(3)]
    one.event(names[0], Started)
    wait_until(lambda: heard().any())
    one.do("shutdown", mode="now")
    for name in names:
        assert (one.result(name), one.end(name).code, one.end(name).exit) == ("failed", "shutting_down", 7)
    assert ends(place)
    sound = heard.settled()
    assert 0 < np.count_nonzero(sound) < 5 * pcm.RATE
    assert sound.max() == 2**-20
    assert one.all(names[0], Finished)


def test_stop_now_cuts_a_drain_short(one, place):
    """A shutdown at once ends a drain, whatever waits."""
    name = one.speak("seconds=60")
    one.event(name, Started)
    one.do("shutdown", mode="drain")
    assert control.stop(Mode.now)
    assert one.result(name) == "failed"
    assert not rundir.is_locked(place.daemon_lock)


def test_a_voice_that_is_at_work_does_not_hold_up_the_end(one, place, tmp_path):
    """A worker process that hangs is ended with the daemon."""
    name = one.speak(f"do=hang once={tmp_path / 'hangs'}")
    wait_until((tmp_path / "hangs").exists)
    assert control.stop(Mode.now)
    assert one.result(name) == "failed"
    assert ends(place)
