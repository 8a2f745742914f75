"""Tests of many agents at once: their order, their turns, and the beep that tells them apart."""

import json
import subprocess
import threading
from itertools import pairwise

import numpy as np
import pytest

from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import Finished, Started
from waiting import wait_until

RATE = 24_000


@pytest.fixture
def daemon(place, fake_voice, monkeypatch):
    """Set the fake voice and a sink that plays to no device in real time; returns the runtime directory."""
    monkeypatch.setenv("SPEAKKIT_MEDIA", "0")
    return place


def heard(agents, each, text):
    """Start `agents` clients that send `each` utterances at once; returns (agent, number) in order of playback."""
    order = []
    ready = threading.Barrier(agents)

    def ask(agent):
        with client.connect(f"agent-{agent}") as connection:
            ready.wait(60)
            names = [connection.ask("speak", f"{text} n={number}".encode()) for number in range(each)]
            for number, name in enumerate(names):
                for event in connection.events(name):
                    if isinstance(event, Started):
                        order.append((agent, number))
                    if isinstance(event, Finished):
                        assert event.result == "played"

    threads = [threading.Thread(target=ask, args=(agent,)) for agent in range(agents)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return order


def longest_wait(order, agents):
    """Return the largest distance in the order between two utterances of one agent."""
    longest = 0
    for agent in range(agents):
        places = [i for i, (who, _) in enumerate(order) if who == agent]
        longest = max([longest, *(b - a for a, b in pairwise(places))])
    return longest


def check(order, agents, each):
    """Check that no utterance is lost, each agent's order is kept, and agents take turns."""
    assert len(order) == agents * each
    for agent in range(agents):
        assert [number for who, number in order if who == agent] == list(range(each))
    # The requests are not sent at the same microsecond: a late agent has its first turn one round later.
    assert longest_wait(order, agents) <= agents + 1


def test_agents_take_turns(daemon):
    """Each agent's utterances play in order, with at most one of each other agent in between."""
    check(heard(4, 4, "bit=1 seconds=0.05"), 4, 4)


@pytest.mark.slow
def test_eight_agents_of_ten_utterances(daemon):
    """Prints the longest wait: pytest -m slow -s tests/daemon/test_agents.py."""
    order = heard(8, 10, "bit=1 seconds=0.1")
    print(f"longest wait: {longest_wait(order, 8)} turns, where a fair share is 8")
    check(order, 8, 10)


def test_a_beep_comes_once_a_burst_and_with_another_agent(daemon, monkeypatch, tmp_path, command):
    """A beep precedes the first utterance of a burst and each change of agent, in the same stream."""
    sink = tmp_path / "heard.raw"
    monkeypatch.setenv("SPEAKKIT_SINK", f"file:{sink}")
    monkeypatch.setenv("SPEAKKIT_BEEP", "on")
    text = "bit=18 seconds=0.5"  # constant 0.25; the beep is at most 0.2
    with client.connect("a") as one, client.connect("b") as two:
        names = [one.ask("speak", text.encode(), dedupe=f"{i}") for i in range(2)]
        last = two.ask("speak", text.encode())
        for name in names:
            list(one.events(name))
        list(two.events(last))
    wait_until(lambda: sink.stat().st_size >= 4 * RATE * 2)
    samples = np.fromfile(sink, "<f4")
    rises = np.flatnonzero(np.diff(np.concatenate([[0], samples == 0.25]).astype(int)) == 1)
    begins = [at for at in rises if (samples[at : at + RATE // 4] == 0.25).all()]
    beeps = [bool(np.abs(samples[at - RATE // 10 : at - 200]).max() > 0.05) for at in begins]
    assert beeps == [True, False, True]


def test_a_beep_that_is_no_audio_stops_no_voice(daemon, monkeypatch, tmp_path, command):
    """An invalid beep file is logged, and speech plays without it."""
    (tmp_path / "x.wav").write_text("no audio")
    monkeypatch.setenv("SPEAKKIT_BEEP", str(tmp_path / "x.wav"))
    with client.connect("a") as one:
        (end,) = (event for event in one.request("speak", b"bit=1 seconds=0.1") if isinstance(event, Finished))
    assert end.result == "played"
    logged = subprocess.run([*command, "daemon", "logs"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "is no WAV file" in logged
    assert json.dumps("no audio") not in logged
