"""Tests of transcription by the daemon: every clip is answered, in order, and speech does not wait for it."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from speakkit import audiofile, paths
from speakkit.audio import Audio
from speakkit.daemon.handler import Combined
from speakkit.daemon.speaking.controller import Controller
from speakkit.daemon.speaking.loudspeaker import Loudspeaker
from speakkit.daemon.speaking.turn import Turn
from speakkit.daemon.transcription.controller import MOST, TranscriptionController
from speakkit.daemon.transcription.recognizer import NICENESS
from speakkit.daemon.wire import client, messages, recognizer, transcription
from speakkit.daemon.wire.messages import Done, ErrorReply, Transcribed
from speakkit.daemon.wire.protocol import PCM, Code, ProtocolError
from speakkit.engines import registry
from speakkit.errors import ExitCode
from speakkit.playback import sinks
from speakkit.workers.worker import Limits
from waiting import wait_until

CLIP = Path(__file__).parents[2] / "data" / "librivox-0880.wav"
"""Three seconds of a human voice."""

SECOND = np.zeros(16_000, "<f4").tobytes()


@pytest.fixture
def served(place, serve):
    """Start a daemon in this process with fake recognizers and a fake voice: served(keep_alive=0)."""

    def run(keep_alive=600.0, idle=60.0, **limits):
        patient = Limits(**{"start_s": 20, "silence_s": 20, "deaths": 100} | limits)

        def loudspeaker(tell):
            return Loudspeaker(tell, sinks.opener("timed-null"), Turn(paths.playback_locks()))

        def work():
            transcriptions = TranscriptionController(keep_alive, place="fake_recognizer:load", limits=patient)
            return Combined(transcriptions, Controller(loudspeaker, keep_alive, place="fake_voice:load"))

        return serve(make=work, idle=idle)

    return run


def transcribe(caller, name="fake", sound=SECOND, **fields):
    """Send a clip, and return the id of the request."""
    request = caller.ask("transcribe", recognizer=name, samples=len(sound) // 4, **fields)
    for at in range(0, len(sound), PCM):
        caller.send("pcm", sound[at : at + PCM], id=request)
    return request


def text(caller, request):
    return transcription.decoded(caller.event(request, Transcribed).payload).transcript.text


def status(caller):
    return caller.do("status").work


def niceness(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


def at_work(caller):
    """Wait until the process has loaded, and so recognizes what was sent; returns its id."""
    pid = wait_until(lambda: status(caller)["recognizer"])
    wait_until(lambda: niceness(pid) != niceness(0))
    return pid


def test_clips_of_any_length_and_rate_are_recognized(served):
    """Clips come back as transcripts in order, an empty one too; one of over 30 s is cut, and its times are right."""
    served()
    lengths = [(3.2, 16_000), (0, 16_000), (30, 24_000), (2.5, 8000), (70, 16_000)]
    clips = [Audio(np.zeros(round(seconds * rate), np.float32), rate) for seconds, rate in lengths]
    with recognizer.running() as daemon:
        assert (daemon.identity.name, daemon.device) == ("", "auto")
        outcomes = list(daemon.transcribe(clips, "de"))
        assert (daemon.identity.name, daemon.device) == ("fake", "cpu")
    assert [outcome.item for outcome in outcomes] == clips
    found = [outcome.result() for outcome in outcomes]
    assert [len(one.words) for one in found[:4]] == [3, 0, 30, 2]
    assert {one.language for one in found} == {"de"}
    starts = [word.start for word in found[4].words]
    assert starts == sorted(starts)
    assert 60 <= len(starts) <= 70
    assert starts[-1] > 65


def test_clients_are_served_in_order(served, caller):
    """The clip that came first is recognized first; one that was cancelled, or whose client left, is left out."""
    served()
    one, two, three, four = (caller(name) for name in ("one", "two", "three", "four"))
    requests = []
    for number, (each, name) in enumerate(((one, "slow"), (two, "slow"), (three, "slow"), (four, "hang")), start=1):
        requests.append(transcribe(each, name))
        wait_until(lambda: status(one)["transcriptions"] == number)  # noqa: B023  the loop calls it before it goes on
    three.send("cancel", id=requests[2])
    assert three.end(requests[2]) == Done(requests[2])
    four.close()
    last = transcribe(three)
    assert [text(one, requests[0]), text(two, requests[1]), text(three, last)] == ["word"] * 3
    assert one.when(requests[0], Transcribed) < two.when(requests[1], Transcribed) < three.when(last, Transcribed)


def test_a_client_that_leaves_harms_none(served, caller):
    """If a client leaves while its clip is recognized, the process stays, and the next clip is recognized."""
    served()
    one, two = caller("one"), caller("two")
    transcribe(one, "slow")
    pid = at_work(two)
    request = transcribe(two)
    one.close()
    wait_until(lambda: status(two)["transcriptions"] <= 1)
    assert text(two, request) == "word"
    assert status(two)["recognizer"] == pid


def test_a_killed_process_is_replaced(served, caller):
    """If the process is killed while it recognizes a clip, another one recognizes it."""
    served()
    one = caller("one")
    assert text(one, transcribe(one)) == "word"
    pid = status(one)["recognizer"]
    request = transcribe(one, "slow")
    os.kill(pid, signal.SIGKILL)
    assert text(one, request) == "word"
    assert status(one)["recognizer"] != pid


def test_a_fault_ends_one_transcription(served):
    """A recognizer that hangs, dies or fails is an error with the code of its kind, and the next clip is recognized."""
    served(retries=0, silence_s=0.5)
    codes = {
        "hang": (Code.engine_timeout, ExitCode.FAILED),
        "exit": (Code.engine_failed, ExitCode.FAILED),
        "error": (Code.engine_failed, ExitCode.FAILED),
        "value": (Code.bad_request, ExitCode.USAGE),
        "nobody": (Code.bad_request, ExitCode.USAGE),
        "bug": (Code.bug, ExitCode.BUG),
    }
    clip = Audio(np.zeros(16_000, np.float32), 16_000)
    for name, expected in codes.items():
        with recognizer.running(name) as daemon:
            (outcome,) = daemon.transcribe([clip], None)
        assert (outcome.error.code, outcome.error.exit_code) == expected
    with recognizer.running() as daemon:
        (outcome,) = daemon.transcribe([clip], None)
    assert outcome.result().text == "word"


def test_samples_that_were_not_announced_are_refused(served, caller):
    """Large frames, too many samples, too long clips, other ids and invalid names are refused; the next clip works."""
    served()
    one = caller("one")

    def refused(op, payload=b"", **fields):
        return one.event(one.ask(op, payload, **fields), ErrorReply).code

    assert refused("pcm", SECOND) == "not_found"
    assert refused("transcribe", samples=transcription.MOST + 1) == "too_large"
    for fields in ({}, {"samples": -1}, {"samples": 1, "recognizer": "sherpa:/"}, {"samples": 1, "language": "../x"}):
        assert refused("transcribe", **fields) == "bad_request"
    for count, payload, code in ((16_000, bytes(PCM + 4), "too_large"), (1, bytes(8), "bad_request")):
        request = one.ask("transcribe", samples=count)
        assert refused("transcribe", samples=1) == "busy"
        assert (refused("pcm"), refused("cancel")) == ("not_found", "not_found")
        one.send("pcm", payload, id=request)
        assert one.event(request, ErrorReply).code == code
        assert status(one)["transcriptions"] == 0
    assert text(one, transcribe(one)) == "word"


def test_samples_that_never_come_are_not_waited_for(served, caller):
    """A client that sends less than it has announced is disconnected, and its place is free again."""
    served(idle=0.5)
    one = caller("one")
    request = one.ask("transcribe", samples=16_000)
    one.send("pcm", bytes(8), id=request)
    wait_until(lambda: one.is_over)
    assert one.event(None, ErrorReply).code == "bad_request"
    two = caller("two")
    assert status(two)["transcriptions"] == 0


def test_there_is_room_for_some(served, caller):
    """Beyond MOST transcriptions at once, clients are told when to try again."""
    served()
    callers = [caller() for _ in range(MOST + 1)]
    for each in callers[:-1]:
        each.ask("transcribe", samples=1)
    wait_until(lambda: status(callers[0])["transcriptions"] == MOST)
    refused = callers[-1].event(callers[-1].ask("transcribe", samples=1), ErrorReply)
    assert (refused.code, refused.retry_ms) == ("busy", 1000)


def test_speech_does_not_wait(served, caller):
    """Speech is synthesized and starts while a clip is recognized, by a process of lower priority."""
    served()
    one, two = caller("one"), caller("two")
    assert two.result(two.speak("seconds=0.1")) == "played"
    request = transcribe(one, "busy")
    pid = at_work(two)
    end = two.end(two.speak("seconds=0.1 bit=1"))
    assert end.result == "played"
    assert not one.all(request, Transcribed)
    assert niceness(pid) == niceness(0) + NICENESS
    assert niceness(status(two)["voice"]) == niceness(0)
    assert text(one, request) == "word"


def test_an_unused_process_ends_and_comes_again(served, caller):
    """The process ends after `keep_alive` seconds without a clip, but not while one waits."""
    served(keep_alive=0.0)
    one, two = caller("one"), caller("two")
    request, other = transcribe(one, "slow"), transcribe(two, "slow")
    pid = at_work(one)
    assert text(one, request) == "word"
    assert text(two, other) == "word"
    wait_until(lambda: status(one)["recognizer"] is None)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    assert text(one, transcribe(one)) == "word"


def test_an_end_does_not_wait_for_a_clip_that_was_dropped(served, caller):
    """A clip whose client has left counts as use of the process, which is ended with the daemon."""
    daemon = served(keep_alive=0.0)
    one, two = caller("one"), caller("two")
    transcribe(one, "hang")
    pid = at_work(two)
    one.close()
    wait_until(lambda: status(two)["transcriptions"] == 0)
    assert status(two)["recognizer"] == pid
    two.do("shutdown", mode="now")
    daemon.thread.join(10)
    assert not daemon.thread.is_alive()
    assert not Path(f"/proc/{pid}").exists()


def test_a_drain_finishes_what_was_sent(served, caller):
    """A drain recognizes the clips that have arrived, refuses others, and fails those that lack samples."""
    daemon = served()
    one, two, three = caller("one"), caller("two"), caller("three")
    request = transcribe(one, "slow")
    lacking = two.ask("transcribe", samples=2)
    wait_until(lambda: status(three)["transcriptions"] == 2)
    three.do("shutdown", mode="drain")
    assert two.event(lacking, ErrorReply).code == "shutting_down"
    assert three.event(three.ask("transcribe", samples=1), ErrorReply).code == "shutting_down"
    assert text(one, request) == "word"
    daemon.thread.join(20)
    assert not daemon.thread.is_alive()


def test_an_end_at_once_ends_all(served, caller):
    """A shutdown at once fails the current and the waiting transcriptions, and ends the process."""
    daemon = served()
    one, two = caller("one"), caller("two")
    requests = [transcribe(each, "hang") for each in (one, two)]
    pid = at_work(one)
    two.do("shutdown", mode="now")
    for each, request in zip((one, two), requests, strict=True):
        assert each.event(request, ErrorReply).code == "shutting_down"
    daemon.thread.join(20)
    assert not daemon.thread.is_alive()
    assert not Path(f"/proc/{pid}").exists()


def test_which_recognizers_the_daemon_has(place, serve, monkeypatch):
    """None if no daemon runs, and none is started; none that is opened by a path; none of an older daemon."""
    assert recognizer.running() is None
    assert not place.socket.exists()
    serve()
    assert recognizer.running("sherpa:/models/x") is None
    monkeypatch.setattr(messages, "PROTO", "1.1")
    assert recognizer.running() is None
    with client.running() as found:
        assert found.greeting.proto == "1.1"


def test_an_invalid_transcript_is_an_error():
    """The client reads only transcripts that are complete."""
    with pytest.raises(ProtocolError, match="invalid transcript"):
        transcription.decoded(b'{"transcript": {"text": "a"}}')


def test_whisper_in_the_daemon_hears_what_it_hears_here(place, home, monkeypatch):
    """The transcript of a human voice, with its words, guards and identity, equals that of Whisper in this process.

    Confidences depend on the number of threads: sums are rounded before they are made integers.
    """

    def plain(transcript):
        words = [(word.text, word.start, word.end) for word in transcript.words]
        return transcript.text, words, [(each.text, each.start, each.end, each.guards) for each in transcript.segments]

    def confidences(transcript):
        return [word.confidence for word in transcript.words]

    monkeypatch.setenv("SPEAKKIT_HOME", str(home))
    clip = audiofile.read(CLIP)
    with registry.recognizer("whisper-tiny.en", "cpu") as engine:
        (here,) = engine.transcribe([clip], "en")
    client.connect().close()
    with recognizer.running("whisper-tiny.en", "cpu") as daemon:
        (there,) = daemon.transcribe([clip], "en")
        assert plain(there.result()) == plain(here.result())
        assert confidences(there.result()) == pytest.approx(confidences(here.result()), abs=0.05)
        assert (daemon.identity, daemon.device) == (engine.identity, "cpu")
