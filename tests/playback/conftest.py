"""Fixtures with sinks that record their input, and with media players on a real D-Bus session bus."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from speakkit.playback import pcm, virtual
from speakkit.playback.events import Lost, PlaybackFinished, Stopped
from speakkit.playback.player import Player

RATE = pcm.RATE
FULL = 2**20
"""Scale of a ramp: sample number n is n / FULL, which float32 represents exactly up to n = 2**24."""

WAIT = 30
"""Timeout in seconds for actions that take a fraction of a second on an idle machine."""


def ramp(first, last):
    """The samples number `first` to `last` of a ramp, as float32 bytes."""
    return (np.arange(first, last + 1) / FULL).astype("<f4").tobytes()


def numbers(samples):
    """The sample numbers of the samples that are not silent."""
    samples = np.asarray(samples)
    return samples[samples != 0] * FULL


class Tape(virtual.Clock):
    """A real-time sink that records its calls as (name, argument) in `log`, which all tapes of a stage share."""

    def __init__(self, latency, log):
        super().__init__(latency)
        self.log = log
        log.append(("open", latency))

    def write(self, sound):
        assert 0 < len(sound) <= pcm.size(0.02)
        self.log.append(("write", sound))
        super().write(sound)

    def abort(self):
        self.log.append(("abort", None))

    def close(self):
        self.log.append(("close", None))


class Stage:
    """A player that writes to tapes, and the events that it sent."""

    Tape = Tape
    ramp = staticmethod(ramp)
    numbers = staticmethod(numbers)

    def __init__(self):
        self.log, self.events, self.players = [], [], []
        self.news = threading.Condition()

    def player(self, open_sink=None, **settings):
        player = Player(self.tell, open_sink or self.open, **settings)
        self.players.append(player)
        return player

    def open(self, latency):
        return Tape(latency, self.log)

    def tell(self, event):
        with self.news:
            self.events.append(event)
            self.log.append(("event", event))
            self.news.notify_all()

    def wait(self, kind, key=None, count=1):
        """The event number `count` of that kind, waiting for it up to WAIT seconds."""

        def found():
            return [e for e in self.events if isinstance(e, kind) and key in (None, getattr(e, "key", None))]

        with self.news:
            assert self.news.wait_for(lambda: len(found()) >= count, WAIT), f"no {kind} in {self.events}"
            return found()[count - 1]

    def end(self, key, count=1):
        """The final event of an utterance."""
        return self.wait(PlaybackFinished | Stopped | Lost, key, count)

    @property
    def names(self):
        """The kinds and keys of all events except Progress."""
        return [
            " ".join([type(e).__name__, *([e.key] if hasattr(e, "key") else [])])
            for e in self.events
            if type(e).__name__ != "Progress"
        ]

    @property
    def asked(self):
        """The names of all calls to the sinks except `write`."""
        return [what for what, _ in self.log if what not in ("write", "event")]

    @property
    def written(self):
        """All samples written to the sinks."""
        return np.frombuffer(b"".join(sound for what, sound in self.log if what == "write"), "<f4")


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    for player in stage.players:
        player.close()
        assert player.wait_closed(WAIT), "the player does not end"


class Bus:
    """A D-Bus session bus with media players, which fake_players.py serves in a process of its own."""

    def __init__(self, folder, patch):
        self.path = folder / "bus"
        self.fakes = None
        patch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={self.path}")
        self.start()

    def start(self):
        self.daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={self.path}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.daemon.stdout.readline(), "no session bus"
        self.fakes = subprocess.Popen(
            [sys.executable, Path(__file__).parent / "fake_players.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def kill(self):
        for process in (self.fakes, self.daemon):
            process.kill()
            process.wait(WAIT)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()

    def tell(self, name, do="seen", **more):
        """Send a command about a player; returns its status, and the calls that it received."""
        self.fakes.stdin.write(json.dumps({"do": do, "name": name, **more}).encode() + b"\n")
        self.fakes.stdin.flush()
        return json.loads(self.fakes.stdout.readline())

    def add(self, name, **more):
        self.tell(name, "add", **more)

    def status(self, name):
        return self.tell(name)["status"]

    def calls(self, name):
        """The calls that the player received, such as ["Pause", "Play"]."""
        return [call for call, _ in self.tell(name)["calls"]]

    @staticmethod
    def witness(name):
        """The status of a player according to playerctl."""
        said = subprocess.run(
            ["playerctl", "--player", name, "status"], capture_output=True, text=True, check=False, timeout=WAIT
        )
        return said.stdout.strip() or said.stderr.strip()


@pytest.fixture
def session_bus(tmp_path_factory, monkeypatch):
    """A session bus for one test, without players at first; skipped if D-Bus or playerctl is not installed."""
    pytest.importorskip("dbus_fast", reason="needs dbus-fast, which serves players on Linux")
    if not (shutil.which("dbus-daemon") and shutil.which("playerctl")):
        pytest.skip("needs the Debian packages dbus and playerctl")
    bus = Bus(tmp_path_factory.mktemp("bus"), monkeypatch)
    yield bus
    bus.kill()
