"""Tests of the resources of an idle daemon, and of the daemon with the real Kokoro voice."""

import time
from pathlib import Path

import numpy as np
import pytest

from speakkit.daemon.speaking.synthesis_request import Begin, Next
from speakkit.daemon.speaking.worker import VoiceWorker
from speakkit.daemon.wire.messages import Started
from speakkit.playback import pcm
from speakkit.speech_request import SpeechRequest

MIB = 1 << 20


def seconds_of(pid):
    """Return the processor time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.slow
def test_a_daemon_at_rest_costs_nothing(heard, caller):
    """An idle daemon has no open stream, uses no processor time and under 60 MiB, and keeps nothing of past clients."""
    one = caller("one")
    assert one.result(one.speak("seconds=0.1")) == "played"
    status = one.do("status")
    process = Path(f"/proc/{status.pid}")
    time.sleep(2)
    descriptors, threads = (len(list((process / name).iterdir())) for name in ("fd", "task"))
    for number in range(20):
        other = caller("other")
        other.ask("synth", b"seconds=1 pieces=10", voice="f1")
        assert other.result(other.speak(f"seconds=0.01 n={number}")) == "played"
        other.close()
    time.sleep(2)
    assert one.do("status").work["sink"] == ""
    spent = seconds_of(status.pid)
    time.sleep(3)
    assert seconds_of(status.pid) - spent <= 0.03
    assert len(list((process / "fd").iterdir())) == descriptors
    assert len(list((process / "task").iterdir())) == threads
    assert int((process / "statm").read_text().split()[1]) * 4096 < 60 * MIB


def test_kokoro_is_heard_through_the_daemon(heard, caller, home, weights, monkeypatch):
    """The daemon plays Kokoro's samples unchanged and returns the words; an unknown voice fails only one request."""
    monkeypatch.delenv("SPEAKKIT_TEST_VOICE")
    monkeypatch.setenv("SPEAKKIT_HOME", str(home))
    one = caller("one")
    refused = one.ask("speak", b"Hello.", voice="nobody")
    assert one.end(refused, seconds=120).code == "bad_request"
    assert one.end(refused).exit == 2
    text = "One two. Three four five six seven eight nine ten."
    name = one.speak(text)
    one.event(name, Started, seconds=120)
    end = one.end(name, seconds=60)
    assert (end.result, end.exit, end.facts["voice"]) == ("played", 0, "af_heart")
    assert [text[word.start : word.end] for word in end.words] == text.split()
    again = one.ask("again", stream=True)
    assert one.end(again).result == "played"
    made = np.frombuffer(one.sound(again), "<f4")
    assert round(1000 * len(made) / pcm.RATE) == end.audio_ms
    sound = heard.settled()
    first = int(np.flatnonzero(sound)[0]) - int(np.flatnonzero(made)[0])
    np.testing.assert_array_equal(sound[first : first + len(made)], made)
    assert np.count_nonzero(sound) == np.count_nonzero(made)


@pytest.mark.slow
def test_a_fresh_process_goes_on_where_one_died():
    """A piece made by a new worker process has the same samples and words as one made by the first process."""
    text = ("It was the best of times, it was the worst of times, and nobody knew which of them it was. " * 4).strip()

    def piece(voice, number, begins):
        (answer,) = voice.answer(Next("1", number))
        if answer.is_unknown:
            (answer,) = voice.answer(Begin("1", SpeechRequest(text), number=number, begins=begins))
        return answer

    one = VoiceWorker()
    pieces, begins = [piece(one, 0, 0.0)], [0.0]
    while not pieces[-1].is_over:
        begins.append(begins[-1] + pcm.duration(len(pieces[-1].sound)))
        pieces.append(piece(one, len(pieces), begins[-1]))
    assert len(pieces) >= 3
    other = piece(VoiceWorker(), 1, begins[1])
    assert other.sound == pieces[1].sound
    assert other.words == pieces[1].words[-len(other.words) :]
