"""What all tests share: a home of their own, engines that are loaded once, and programs run in this process."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from speakkit.config import SETTINGS
from speakkit.playback import pcm

REPOSITORY = Path(__file__).parent.parent
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: the Hub that tests see, unless they start a stub of it."""

SOUND_WAIT = 30
"""Seconds for what takes a sound server a fraction of one on a machine at rest."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With SPEAKKIT_REQUIRE_ALL=1 a skipped test has failed, but for the marks gpu and slow."""
    report = yield
    excused = any(item.get_closest_marker(mark) for mark in ("gpu", "slow"))
    required = os.environ.get("SPEAKKIT_REQUIRE_ALL") == "1" and not excused
    if required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, although SPEAKKIT_REQUIRE_ALL=1: {call.excinfo.value}"
    return report


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A home for the whole run, so that no test sees or changes the user's. Weights are made in it once."""
    kept = os.environ.get("SPEAKKIT_TEST_HOME")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for setting in SETTINGS:
            patch.delenv(setting.variable, raising=False)
        patch.setenv("SPEAKKIT_HOME", str(folder))
        patch.setenv("HF_ENDPOINT", NOWHERE)
        patch.setenv("SPEAKKIT_DAEMON", "0")  # tests of the daemon say otherwise
        yield folder


@pytest.fixture(scope="session")
def kokoro():
    """The engine that users hear."""
    from speakkit.engines import registry

    with registry.synthesizer("kokoro", "cpu") as engine:
        yield engine


class Reads:
    """A phonemizer that gives tokens and raises failures: .phonemize(sentences)."""

    def __init__(self, engine):
        self.engine = engine

    def phonemize(self, sentences):
        return (outcome.result() for outcome in self.engine.phonemize(sentences))


class Listens:
    """A recognizer that gives transcripts and raises failures: .transcribe(clips)."""

    def __init__(self, engine):
        self.engine = engine

    def transcribe(self, clips, language="en"):
        return (outcome.result() for outcome in self.engine.transcribe(clips, language))


@pytest.fixture(scope="session")
def read_in():
    """read_in(language): the phonemizer of a language, as `Reads`."""
    from speakkit.engines import registry

    with ExitStack() as lent:
        yield lambda language: Reads(lent.enter_context(registry.phonemizer(language)))


@pytest.fixture(scope="session")
def english(read_in):
    """The phonemizer of American English."""
    return read_in("en-us")


@pytest.fixture(scope="session")
def whisper():
    """An independent ear."""
    from speakkit.engines import registry

    with registry.recognizer("whisper-base", "cpu") as engine:
        yield Listens(engine)


@dataclass(frozen=True)
class Result:
    """How a program ended."""

    code: int
    out: bytes
    err: str


class Terminal(io.TextIOWrapper):
    """A standard input at which a person sits."""

    def isatty(self):
        return True


@pytest.fixture
def run(capfdbinary, monkeypatch, kokoro, english):
    """Run `speak` or `speakkit` in this process, where engines stay loaded: run("speak", "-o", "x.wav", "Hello.")."""
    from speakkit.cli import app, error_handler
    from speakkit.cli import speak as speak_module

    apps = {"speak": speak_module.app, "speakkit": app.app}

    def runner(program, *arguments, stdin=None):
        stream = Terminal(io.BytesIO()) if stdin is None else io.TextIOWrapper(io.BytesIO(stdin))
        monkeypatch.setattr(sys, "stdin", stream)
        code = error_handler.run(apps[program], program, [str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Result(code, out, err.decode())

    return runner


@pytest.fixture(scope="session")
def command():
    """The start of a command line that runs speakkit in a process of its own: [*command, "speak", "Hello."]."""
    return [sys.executable, "-m", "speakkit"]


@pytest.fixture
def place(monkeypatch):
    """A runtime directory and a home of one test's own, with a path short enough for a socket. Its daemon is killed."""
    from speakkit.daemon import kill, rundir

    base = Path(tempfile.mkdtemp(prefix="speakkit-"))
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(base / "run"))
    monkeypatch.setenv("SPEAKKIT_HOME", str(base / "home"))
    monkeypatch.setenv("SPEAKKIT_DAEMON", "1")
    found = rundir.find()
    yield found
    found.path.chmod(0o700)
    if (base / "run" / "daemon.lock").exists():
        kill.kill(found)
    shutil.rmtree(base)


@pytest.fixture
def fake_voice(place, monkeypatch):
    """Each daemon from here on has the voice of `daemon/fake_voice.py`, at hand at once, and plays to nobody."""
    monkeypatch.setenv("SPEAKKIT_TEST_VOICE", "fake_voice:load")
    folders = [str(REPOSITORY / "tests" / "daemon"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    monkeypatch.setenv("SPEAKKIT_SINK", "timed-null")


class Ear:
    """What was heard so far: call it for float32 samples."""

    def __init__(self, capture):
        self.capture = capture

    def __call__(self):
        raw = self.capture.read_bytes()
        return np.frombuffer(raw[: len(raw) // 4 * 4], "<f4")

    def born(self):
        """When the first sample was heard, in seconds of time.monotonic(), or a few ms later: look for 0.3 s."""
        begun, born = time.monotonic(), float("inf")
        while (now := time.monotonic()) < begun + 0.3:
            born = min(born, now - pcm.duration(self.capture.stat().st_size))
            time.sleep(0.001)
        return born


class SoundServer:
    """PulseAudio whose default sink records float32 at the player's own rate, so that every bit is kept."""

    @staticmethod
    def numbers(samples):
        """Of a ramp whose sample number n is n / 2**20: the numbers of those that are not silent."""
        samples = np.asarray(samples)
        return samples[samples != 0] * 2**20

    def __init__(self, folder):
        self.folder = folder
        folder.chmod(0o700)
        (folder / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        (folder / "sink.pa").write_text(
            f"load-module module-null-sink sink_name=ear rate={pcm.RATE} channels=1 format=float32le\n"
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
        deadline = time.monotonic() + SOUND_WAIT
        while not (self.folder / "native").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (self.folder / "native").exists(), f"no sound server (ended: {self.process.poll()})"

    def kill(self):
        self.process.kill()
        self.process.wait(SOUND_WAIT)

    @contextmanager
    def listening(self, tmp_path):
        """Record the sink; yields an `Ear`."""
        capture = tmp_path / f"capture{len(list(tmp_path.iterdir()))}.raw"
        with capture.open("wb") as out:
            ear = subprocess.Popen(
                [
                    *("parec", "--device=ear.monitor", "--format=float32le", f"--rate={pcm.RATE}"),
                    *("--channels=1", "--latency-msec=20"),
                ],
                env=self.environment,
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
            try:
                deadline = time.monotonic() + SOUND_WAIT
                while capture.stat().st_size == 0:
                    assert ear.poll() is None, f"parec ended with {ear.poll()}"
                    assert time.monotonic() < deadline, "parec hears nothing"
                    time.sleep(0.05)
                yield Ear(capture)
            finally:
                ear.terminate()
                ear.wait(SOUND_WAIT)

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
