"""Tests of a runtime folder that is removed while a daemon speaks: two daemons, and never two voices at once."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress

import numpy as np
import pytest

from speakkit.daemon.process import rundir
from speakkit.daemon.wire.messages import DISPLACED, ErrorReply, Started
from speakkit.playback import pcm
from waiting import wait_until


@pytest.fixture
def remove(place):
    """A function that removes the runtime folder, as a cleaner of /tmp does; kills the daemon of it at the end."""
    daemons = []

    def run():
        daemons.append(int(place.daemon_lock.read_text().split()[0]))
        shutil.rmtree(place.path)
        return daemons[-1]

    yield run
    rundir.find()  # the fixture `place` expects the folder
    for process in daemons:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def test_two_daemons_are_never_heard_at_once(heard, caller, remove):
    """While the first daemon plays, the second one waits; then the first fails the rest, and the second plays."""
    one, other = caller("one"), caller("other")
    playing = one.speak("bit=1 seconds=20")
    waiting = other.speak("bit=2 seconds=0.2")
    one.event(playing, Started)
    first = remove()
    new = caller("new")
    assert new.do("status").pid != first
    last = new.speak("bit=3 seconds=0.3")
    wait_until(lambda: new.do("status").work["waits_for"] == first)
    one.do("skip")
    end = other.end(waiting)
    assert (end.result, end.code, end.exit, end.warnings) == ("failed", "shutting_down", 7, (DISPLACED,))
    assert end.moved
    assert new.result(last) == "played"
    assert new.do("status").work["waits_for"] is None
    values = np.rint(np.asarray(heard.settled(), "f8") * 2**20).astype(int)
    assert values.max() == 8, "an overlap would be the sum of both"
    assert np.count_nonzero(values == 8) == pcm.RATE * 3 // 10
    wait_until(lambda: one.is_over)  # the first daemon has ended


def test_a_waiting_command_goes_on_with_the_next_daemon(fake_voice, caller, remove, command, monkeypatch, place):
    """`speak` that waits when the folder is removed is spoken by the next daemon, and exits with 0."""
    monkeypatch.setenv("SPEAKKIT_MODELS", str(place.path.parent))  # prevents any download of models
    one = caller("one")
    playing = one.speak("seconds=20")
    one.event(playing, Started)
    words = [*command, "speak", "--json", "bit=2 seconds=0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        wait_until(lambda: len(one.do("queue").rows) == 2)
        first = remove()
        one.do("skip")
        out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (0, "")
    assert '"seconds": 0.1' in out
    assert int(place.daemon_lock.read_text().split()[0]) != first
    wait_until(lambda: one.is_over)  # the first daemon has ended


def test_a_daemon_that_lost_its_folder_accepts_nothing(fake_voice, caller, remove):
    """After the folder is removed, a request is refused and not accepted and then dropped."""
    one = caller("one")
    remove()
    refused = one.end(one.speak("seconds=0.1", detach=True))
    assert (type(refused), refused.code, refused.msg) == (ErrorReply, "shutting_down", DISPLACED)
    wait_until(lambda: one.is_over)


def test_a_socket_that_was_removed_ends_the_daemon_after_its_utterance(fake_voice, caller, place):
    """If only the socket is removed, no client finds the daemon, so it starts no further utterance either."""
    one = caller("one")
    playing, waiting = one.speak("seconds=1"), one.speak("bit=2 seconds=20")
    one.event(playing, Started)
    place.socket.unlink()
    assert one.result(playing) == "played"
    assert (one.result(waiting), one.end(waiting).moved) == ("failed", True)
    again = caller("one")
    assert again.result(again.speak("bit=2 seconds=0.1")) == "played"
