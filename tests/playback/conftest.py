"""Sinks that remember, a real sound server (PulseAudio with a null sink, whose monitor hears every sample), and players
on a real D-Bus session bus."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from speakkit.playback import pcm, virtual
from speakkit.playback.events import Finished, Lost, Stopped
from speakkit.playback.player import Player

RATE = pcm.RATE
FULL = 2**20
"""A ramp's sample number n is n / FULL, which float32 holds exactly up to n = 2**24."""

WAIT = 30
"""Seconds for what takes a fraction of one on a machine at rest."""


def ramp(first, last):
    """Samples number `first` to `last`, as bytes."""
    return (np.arange(first, last + 1) / FULL).astype("<f4").tobytes()


def numbers(samples):
    """The numbers of the samples that are not silent."""
    samples = np.asarray(samples)
    return samples[samples != 0] * FULL


class Tape(virtual.Clock):
    """A sink in real time that keeps what it gets; `log` holds what every one of them was asked for."""

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
    """A player with tapes for sinks, and its events."""

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
        """The first event of that kind, or a later one."""

        def found():
            return [e for e in self.events if isinstance(e, kind) and key in (None, getattr(e, "key", None))]

        with self.news:
            assert self.news.wait_for(lambda: len(found()) >= count, WAIT), f"no {kind} in {self.events}"
            return found()[count - 1]

    def end(self, key, count=1):
        """How an utterance ended."""
        return self.wait(Finished | Stopped | Lost, key, count)

    @property
    def names(self):
        """The events without progress: their kinds and keys."""
        return [
            " ".join([type(e).__name__, *([e.key] if hasattr(e, "key") else [])])
            for e in self.events
            if type(e).__name__ != "Progress"
        ]

    @property
    def asked(self):
        """What the sinks were asked for, but for writes."""
        return [what for what, _ in self.log if what not in ("write", "event")]

    @property
    def written(self):
        """All that was written, as samples."""
        return np.frombuffer(b"".join(sound for what, sound in self.log if what == "write"), "<f4")


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    for player in stage.players:
        player.close()
        assert player.wait_closed(WAIT), "the player does not end"


class SoundServer:
    """PulseAudio whose default sink records float32 at the player's own rate, so that every bit is kept."""

    numbers = staticmethod(numbers)

    def __init__(self, folder):
        self.folder = folder
        folder.chmod(0o700)
        (folder / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        (folder / "sink.pa").write_text(
            f"load-module module-null-sink sink_name=ear rate={RATE} channels=1 format=float32le\n"
            "load-module module-native-protocol-unix\nset-default-sink ear\n"
        )
        places = {"HOME": folder, "XDG_RUNTIME_DIR": folder, "PULSE_RUNTIME_PATH": folder}
        self.environment = os.environ | {name: str(place) for name, place in places.items()}
        self.start()

    def start(self):
        (self.folder / "native").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                # A real-time thread that a busy machine holds up for 0.2 s is killed by the kernel, with the server.
                *("--realtime=no", "--high-priority=no", "--no-cpu-limit"),
                # With shared memory it may abort when a client has gone (PulseAudio issue 824).
                *("--disable-shm=yes", "-F", str(self.folder / "sink.pa")),
            ],
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + WAIT
        while not (self.folder / "native").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (self.folder / "native").exists(), f"no sound server (ended: {self.process.poll()})"

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT)

    @contextmanager
    def listening(self, tmp_path):
        """Record the sink; yields a function that returns the float32 samples heard so far."""
        capture = tmp_path / f"capture{len(list(tmp_path.iterdir()))}.raw"

        def heard():
            raw = capture.read_bytes()
            return np.frombuffer(raw[: len(raw) // 4 * 4], "<f4")

        with capture.open("wb") as out:
            ear = subprocess.Popen(
                [
                    *("parec", "--device=ear.monitor", "--format=float32le", f"--rate={RATE}"),
                    *("--channels=1", "--latency-msec=20"),
                ],
                env=self.environment,
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
            try:
                deadline = time.monotonic() + WAIT
                while capture.stat().st_size == 0:
                    assert ear.poll() is None, f"parec ended with {ear.poll()}"
                    assert time.monotonic() < deadline, "parec hears nothing"
                    time.sleep(0.05)
                yield heard
            finally:
                ear.terminate()
                ear.wait(WAIT)

    def recorded(self, command, tmp_path, **more):
        """Run a command that plays; the samples that came out, and how it ended."""
        with self.listening(tmp_path) as heard:
            ended = subprocess.run(
                command,
                env=self.environment | more,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            time.sleep(0.3)
            return heard(), ended


@pytest.fixture
def sound_server(tmp_path_factory):
    """A sound server of this test's own."""
    if not (shutil.which("pulseaudio") and shutil.which("parec")):
        pytest.skip("needs the Debian packages pulseaudio, pulseaudio-utils and libasound2-plugins")
    server = SoundServer(tmp_path_factory.mktemp("pulse"))
    yield server
    server.kill()


class Bus:
    """A D-Bus session bus with players on it, which a process of their own serves: see fake_players.py."""

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
        """Do something with a player; what it is like then: its status, and the calls that it got."""
        self.fakes.stdin.write(json.dumps({"do": do, "name": name, **more}).encode() + b"\n")
        self.fakes.stdin.flush()
        return json.loads(self.fakes.stdout.readline())

    def add(self, name, **more):
        self.tell(name, "add", **more)

    def status(self, name):
        return self.tell(name)["status"]

    def calls(self, name):
        """What it was told to do: ["Pause", "Play"]."""
        return [call for call, _ in self.tell(name)["calls"]]

    @staticmethod
    def witness(name):
        """What playerctl says that a player does."""
        said = subprocess.run(
            ["playerctl", "--player", name, "status"], capture_output=True, text=True, check=False, timeout=WAIT
        )
        return said.stdout.strip() or said.stderr.strip()


@pytest.fixture
def session_bus(tmp_path_factory, monkeypatch):
    """A bus of this test's own, without players yet."""
    pytest.importorskip("dbus_fast", reason="needs dbus-fast, which serves players on Linux")
    if not (shutil.which("dbus-daemon") and shutil.which("playerctl")):
        pytest.skip("needs the Debian packages dbus and playerctl")
    bus = Bus(tmp_path_factory.mktemp("bus"), monkeypatch)
    yield bus
    bus.kill()
