"""Tests of `speakkit queue list --ended` and of the counts in `speakkit daemon status`, with the fake voice."""

import json
import re

import pytest

from waiting import wait_until


@pytest.fixture
def turn(place, fake_voice, monkeypatch):
    monkeypatch.setenv("SPEAKKIT_MODELS", str(place.path.parent))  # prevents any download of models
    return place


def ended(run, *words):
    return json.loads(run("speakkit", "queue", "list", "--ended", "--json", *words).out)["ended"]


def test_how_detached_speech_ended_is_shown(turn, run):
    """`queue list --ended` shows when and how speech ended, and `daemon status` counts it."""
    assert ended(run) == []
    assert run("speakkit", "queue", "list", "--ended").out == b"nothing has ended since the daemon started\n"
    for number, text in enumerate(("lost=1 seconds=0.1", "do=error \x1b[31m"), start=1):
        assert run("speak", "--detach", "--agent", "a", text).code == 0
        wait_until(lambda: len(ended(run)) == number)  # noqa: B023  the loop calls the lambda before the next iteration
    lost, failed = ended(run, "--agent", "a")
    assert (lost["result"], lost["lost"], lost["text"], lost["detach"]) == ("played", 1, "lost=1 seconds=0.1", True)
    assert (failed["result"], failed["code"]) == ("failed", "engine_failed")
    assert failed["reason"] == "this voice is broken; mend it"
    assert ended(run, "--agent", "b")[0]["text"] is None
    shown = run("speakkit", "queue", "list", "--ended", "--agent", "a").out.decode()
    assert re.search(r"\d\d:\d\d:\d\d +a +played: 1 word lost +lost=1 seconds=0.1", shown)
    assert "\x1b" not in shown
    assert "this voice is broken" in " ".join(shown.split())
    assert "(18 characters)" in run("speakkit", "queue", "list", "--ended").out.decode()
    status = " ".join(run("speakkit", "daemon", "status").out.decode().split())
    assert "ended 1 played, 1 failed, 1 lost words" in status
