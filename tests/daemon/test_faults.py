"""Tests of faults: a voice that hangs, dies or sends garbage, and a killed daemon.

Every request is answered, and the next one works.
"""

import os
import signal
from pathlib import Path

import pytest

from speakkit import paths
from speakkit.daemon.speaking import worker
from speakkit.daemon.speaking.controller import Controller
from speakkit.daemon.speaking.loudspeaker import Loudspeaker
from speakkit.daemon.speaking.synthesis_request import Begin
from speakkit.daemon.speaking.turn import Turn
from speakkit.daemon.wire.messages import AudioChunk, Finished, Started
from speakkit.engines import locations
from speakkit.errors import BadValue
from speakkit.playback import sinks
from speakkit.speech_request import SpeechRequest
from speakkit.workers.worker import Limits
from waiting import wait_until

SILENCE = 0.5
"""Seconds without an answer after which the voice counts as hung; a loaded machine answers within that."""


@pytest.fixture
def served(fake_voice, serve):
    """Start a daemon in this process with a shorter timeout than by default: served(deaths=5, keep_alive=0)."""

    def run(keep_alive=600.0, sink="timed-null", place="fake_voice:load", **limits):
        patient = Limits(**{"start_s": 20, "silence_s": SILENCE, "deaths": 100} | limits)

        def loudspeaker(tell):
            return Loudspeaker(tell, sinks.opener(sink), Turn(paths.playback_locks()))

        return serve(make=lambda: Controller(loudspeaker, keep_alive, place=place, limits=patient))

    return run


@pytest.fixture
def one(served, caller):
    served()
    return caller("one")


FAULTS = {
    "hang": ("engine_timeout", 1),
    "exit": ("engine_failed", 1),
    "segv": ("engine_failed", 1),
    "garbage": ("engine_failed", 1),
    "nan": ("engine_failed", 1),
    "oom": ("engine_failed", 1),
    "error": ("engine_failed", 1),
    "bug": ("bug", 3),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_one_utterance(one, fault):
    """A fault at the first piece or at a later one ends only its own utterance or stream; the next one plays."""
    names = [one.speak(f"do={fault} seconds=0.1 bit=1"), one.speak(f"do={fault} at=1 pieces=2 seconds=0.1 bit=2")]
    names.append(one.ask("synth", f"do={fault} at=1 pieces=2 seconds=0.1".encode(), voice="f1"))
    well = one.speak("seconds=0.2 bit=3")
    for name in names:
        end = one.end(name)
        assert (end.result, end.code, end.exit) == ("failed", *FAULTS[fault])
        assert len(end.warnings) == 1
    heard = [0, 0, 0] if fault == "nan" else [0, 100, 100]
    assert [one.end(name).audio_ms for name in names] == heard
    assert one.result(well) == "played"


@pytest.mark.parametrize("fault", ["hang", "exit", "segv", "garbage", "oom"])
def test_a_fault_that_does_not_come_again_is_not_heard(one, fault, tmp_path):
    """After a fault that happens once, a new worker process continues, and every sample comes once."""
    name = one.ask(
        "synth", f"do={fault} at=2 once={tmp_path / 'done'} ramp=1 pieces=4 seconds=0.1".encode(), voice="f1"
    )
    assert one.end(name).result == "played"
    values = memoryview(one.sound(name)).cast("f")
    assert [round(value * 2**20) for value in values] == list(range(1, 9601))


def test_a_voice_that_is_slow_is_waited_for(one):
    """A voice that uses the processor for longer than the timeout without an answer is not ended."""
    name = one.speak(f"busy={2 * SILENCE} seconds=0.1")
    assert one.result(name) == "played"
    assert not one.end(name).warnings


def test_a_voice_that_works_and_never_ends_is_ended(served, caller):
    """A voice that uses more processor time than the text's length allows is ended, and the next text plays."""
    served(cpu_s=0.2, cpu_per_audio_s=0.01)
    one = caller("one")
    end = one.end(one.speak("do=spin seconds=0.1"))
    assert (end.result, end.code) == ("failed", "engine_timeout")
    assert "more than 0.39 s of processor time" in end.warnings[0]
    assert one.result(one.speak("seconds=0.1")) == "played"


def test_a_voice_that_keeps_dying_is_given_up(served, caller):
    """After three deaths within a minute, requests fail at once and no worker process is started."""
    served(deaths=3)
    one = caller("one")
    ends = [one.end(one.speak(f"do=exit bit={n}")) for n in range(4)]
    assert {end.result for end in ends} == {"failed"}
    assert one.end(one.speak("seconds=0.1")).code == "engine_failed"
    assert one.do("status").work["voice"] is None


def test_a_voice_that_keeps_hanging_is_given_up(served, caller):
    """After three requests on which the voice hung, the next one fails at once."""
    served(deaths=3, silence_s=0.3)
    one = caller("one")
    for n in range(3):
        assert one.end(one.speak(f"do=hang bit={n}")).code == "engine_timeout"
    assert one.end(one.speak("seconds=0.1")).code == "engine_failed"
    assert one.do("status").work["voice"] is None


def test_a_text_that_killed_the_voice_twice_is_refused_at_once(one, tmp_path):
    """It is not given to the voice again, neither as speech nor as a stream, and other texts are spoken."""
    text = f"do=exit note={tmp_path / 'orders'} seconds=0.1"
    assert one.result(one.speak(text)) == "failed"
    orders = (tmp_path / "orders").read_text().splitlines()
    assert orders == ["Begin 0"] * 2
    for name in (one.speak(text), one.ask("synth", text.encode(), voice="f1")):
        refused = one.end(name)
        assert refused.code == "engine_failed"
        assert "refused for 10 minutes" in refused.msg
    assert (tmp_path / "orders").read_text().splitlines() == orders
    assert one.result(one.speak("seconds=0.1")) == "played"


def test_a_voice_is_warmed_on_request(served, caller):
    """`warm` loads the voice, which then ends after `keep_alive` seconds without use, as always."""
    served(keep_alive=0.5)
    one = caller("one")
    assert one.do("status").work["voice"] is None
    one.do("warm", voice="f1")
    wait_until(lambda: one.do("status").work["voice"])
    wait_until(lambda: one.do("status").work["voice"] is None)


def test_a_voice_that_is_not_kept_is_not_warmed(served, caller):
    """With keep_alive 0, loading the voice ahead would be in vain."""
    served(keep_alive=0)
    one = caller("one")
    one.do("warm", voice="f1")
    assert one.result(one.speak("seconds=0.1")) == "played"


def test_a_voice_that_is_killed_is_replaced(one):
    """If the worker process is killed, another one continues the text to its end."""
    name = one.speak("seconds=0.2 pieces=6 slow=0.15")
    one.event(name, Started)
    os.kill(one.do("status").work["voice"], signal.SIGKILL)
    assert one.result(name) == "played"
    assert one.end(name).audio_ms == 1200


def test_an_unused_voice_ends_and_comes_again(served, caller):
    """An unused worker process ends after `keep_alive` seconds, but not during playback, and restarts when needed."""
    served(keep_alive=0.0)
    one = caller("one")
    name = one.speak("seconds=4 pieces=6")
    one.event(name, Started)
    voice_pid = one.do("status").work["voice"]
    assert one.result(one.ask("synth", b"seconds=0.1", voice="f1")) == "played"
    assert one.do("status").work["voice"] == voice_pid
    one.do("skip")
    wait_until(lambda: one.do("status").work["voice"] is None)
    wait_until(lambda: not Path(f"/proc/{voice_pid}").exists())
    assert one.result(one.speak("seconds=0.1")) == "played"


def test_each_request_may_say_how_long_the_voice_stays(served, caller):
    """A request's keep_alive sets how long the worker process stays; 0 ends it at once, and below 0 keeps it forever.

    Without it, the configured time applies.
    """
    served(keep_alive=50.0)
    one = caller("one")

    def stays(**wish):
        assert one.result(one.ask("synth", b"seconds=0.1", voice="f1", **wish)) == "played"
        return one.do("status").work

    assert 40 < stays()["unload_in"] <= 50
    assert 90 < stays(keep_alive=100.0)["unload_in"] <= 100
    forever = stays(keep_alive=-1.0)
    assert (forever["unload_in"], forever["voice"] is None) == (None, False)
    assert 40 < stays()["unload_in"] <= 50
    assert one.result(one.speak("seconds=0.1", keep_alive=0.0)) == "played"
    wait_until(lambda: one.do("status").work["voice"] is None)


def test_what_has_no_device_fails(served, caller):
    """Without an output device, the utterance fails with the player's message and exit code 6."""
    served(sink="file:/nowhere/at/all")
    one = caller("one")
    end = one.end(one.speak("seconds=0.2"))
    assert (end.result, end.code, end.exit) == ("failed", "audio_unavailable", 6)
    assert "/nowhere/at/all" in end.warnings[-1]


def test_a_pause_of_the_voice_is_silence(one):
    """If samples come late, playback is silent meanwhile, and the status reports the seconds."""
    name = one.speak("seconds=0.1 pieces=3 slow=0.4")
    assert one.result(name) == "played"
    assert one.end(name).audio_ms == 300
    assert one.do("status").work["starved"] > 0.3


def test_a_killed_daemon_is_noticed_and_replaced(fake_voice, caller):
    """If the daemon is killed, its clients' connections end at once, and the next client starts another daemon."""
    one, other = caller("one"), caller("other")
    name = one.speak("seconds=20")
    one.event(name, Started)
    status = one.do("status")
    streamed = other.ask("synth", b"seconds=1 pieces=1000 slow=0.05", voice="f1")
    other.event(streamed, AudioChunk)
    os.kill(status.pid, signal.SIGKILL)
    for each in (one, other):
        wait_until(lambda: each.is_over)  # noqa: B023  the loop calls the lambda before the next iteration
    assert not one.all(name, Finished)
    again = caller("one")
    assert again.result(again.speak("seconds=0.2")) == "played"
    assert again.do("status").pid != status.pid
    wait_until(lambda: not Path(f"/proc/{status.work['voice']}").exists())


@pytest.fixture
def forgotten(monkeypatch):
    """Undo at the end of the test what a worker that is loaded in this process says of locations."""
    monkeypatch.setattr(locations, "_current", locations._current)
    monkeypatch.setattr(locations, "_fetches", locations.may_fetch())


def test_a_voice_that_nobody_has_harms_none_but_who_asks(fake_voice, forgotten):
    """A worker loads even if the first request names an unknown voice, and only that request fails."""
    answer = worker.load(SpeechRequest(voice="nobody"))
    with pytest.raises(BadValue, match="nobody"):
        list(answer(Begin("1", SpeechRequest("Hello.", voice="nobody"))))
    assert SpeechRequest(voice="nobody").engine == "kokoro"
