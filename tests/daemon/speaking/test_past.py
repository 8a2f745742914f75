"""Tests of what is told later of utterances that no client waited for."""

import asyncio
import json
from typing import Any

import pytest

from speakkit.daemon.queue.actions import Ended, Result
from speakkit.daemon.speaking.job import Job
from speakkit.daemon.speaking.past import ROWS, EndedUtterances
from speakkit.daemon.wire.codec import frame_of
from speakkit.daemon.wire.fault import Fault
from speakkit.daemon.wire.messages import Request, Started
from speakkit.daemon.wire.protocol import Code, packed
from speakkit.errors import ExitCode
from speakkit.speech_request import SpeechRequest
from waiting import wait_until

SECRET = "secret"


@pytest.fixture
def one(fake_voice, caller):
    return caller("one")


def rows(caller):
    return caller.do("history").rows


def test_how_detached_speech_ended_is_listed_counted_and_logged(one, caller, log):
    """A lost word, a failure and a cancel of detached speech are listed, counted and logged, without texts in the log.

    Another agent sees no text and no reason, which may quote the text.
    """
    for text in ("seconds=0.1 secret", "lost=1 seconds=0.1 secret", "do=error secret"):
        assert one.result(one.speak(text, detach=True))
    one.event(one.speak("seconds=20 secret", detach=True), Started)
    one.do("clear")
    found = rows(one)
    assert [(row.result, row.code, row.lost, row.detach) for row in found] == [
        ("played", "", 0, True),
        ("played", "", 1, True),
        ("failed", "engine_failed", 0, True),
        ("skipped", "cleared", 0, True),
    ]
    assert found[1].text == "lost=1 seconds=0.1 secret"
    assert found[2].reason == "this voice is broken; mend it"
    other = rows(caller("other"))
    assert [(row.text, row.reason) for row in other] == [(None, None)] * 4
    assert [row.characters for row in other] == [row.characters for row in found]
    ended = one.do("status").work["ended"]
    assert {name: count for name, count in ended.items() if count} == {
        "played": 2,
        "failed": 1,
        "skipped": 1,
        "lost_words": 1,
    }
    told = [line.partition(" of one: ")[2] for line in log().splitlines() if "detached utterance" in line]
    assert told == ["played, 1 words lost", "failed, engine_failed", "skipped, cleared"]
    assert SECRET not in log()


def test_stop_now_is_logged_for_detached_speech(one, log):
    """Detached speech that ends with the daemon is in the log."""
    name = one.speak("seconds=20", detach=True)
    one.event(name, Started)
    one.do("shutdown", mode="now")
    wait_until(lambda: one.is_over)
    assert f"detached utterance {name} of one: failed, shutting_down" in log()


def test_speech_with_a_client_is_not_logged(one, log):
    """How other speech ended is told to its client, and only listed."""
    assert one.result(one.speak("lost=1 seconds=0.1")) == "played"
    assert [(row.lost, row.detach) for row in rows(one)] == [(1, False)]
    assert "utterance" not in log()


def test_a_full_list_fits_into_a_header():
    """The last 32 utterances of any script and with any reason fit into one frame."""
    past, posted = EndedUtterances(), []

    class Connection:
        agent = "a" * 64

        def post(self, message):
            posted.append(message)

    for number in range(ROWS + 5):
        job = Job(f"{number:064}", SpeechRequest("\U0001f600" * 5000))
        end = Ended(job.name, Connection.agent, "1", Result.failed, "audio_unavailable", detach=True)
        job.fault = Fault(Code.engine_failed, "\U0001f600" * 500, ExitCode.FAILED)
        past.add(end, job, job.finished(Result.failed, "engine_failed"))
    connection: Any = Connection()
    asyncio.run(past.show(connection, Request("history", "x" * 64, {})))
    (history,) = posted
    assert [row.id for row in history.rows] == [f"{number:064}" for number in range(5, ROWS + 5)]
    assert json.loads(packed(frame_of(history)))
