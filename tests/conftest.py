"""Shared fixtures: an isolated home, engines that are loaded once per process, and a runner for the programs."""

import gc
import io
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from soundserver import SoundServer
from speakkit import config
from speakkit.config import SETTINGS
from speakkit.engines import locations
from waiting import wait_until

REPOSITORY = Path(__file__).parent.parent
HOOKS = {"SPEAKKIT_TEST_VOICE", "SPEAKKIT_TEST_RECOGNIZER", "SPEAKKIT_TEST_DELAY", "FAKE_LOAD", "FAKE_SAVE"}
"""Variables of tests/daemon/hooks and of the fake voice."""

NETWORKS = (
    *("tests/engines/styletts2/", "tests/engines/test_batches.py"),
    *("tests/engines/test_equality.py", "tests/engines/test_kokoro.py"),
)
"""Beginnings of the files of tests that load the original network, speakkit's and their variants: 3 GB in a process."""

NOWHERE = "http://127.0.0.1:9"
"""Hub address in which nothing listens; tests use it unless they start a stub of the Hub."""


gc.set_threshold(50_000)  # as in the programs: a quarter of the collection of tests would be spent collecting garbage
os.environ["OMP_NUM_THREADS"] = "1"  # for torch: every core already runs tests, and samples depend on the thread count
os.environ["OMP_WAIT_POLICY"] = "passive"  # an idle thread of two must not take a core from another test


def pytest_xdist_auto_num_workers(config):
    """Run folders of tests in one process more than there are cores; run chosen files and slow tests in this process.

    The tests wait for a third of their time: for daemons, for players, for sound at its own pace. Every process more
    would load the engines once more.
    """
    is_few = any(not Path(argument.partition("::")[0]).is_dir() for argument in config.args)
    return 0 if is_few or config.option.markexpr != "not slow" else len(os.sched_getaffinity(0)) + 1


class Scheduling(LoadFileScheduling):
    """Gives each file of tests to one process, and all that hold several networks of Kokoro at once to the same one."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return "networks" if file.startswith(NETWORKS) else file


def pytest_xdist_make_scheduler(config, log):
    """Make the scheduler of --dist=loadfile."""
    return Scheduling(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Report a skipped test as failed if SPEAKKIT_REQUIRE_ALL=1, unless it has the mark gpu or slow."""
    report = yield
    excused = any(item.get_closest_marker(mark) for mark in ("gpu", "slow"))
    required = os.environ.get("SPEAKKIT_REQUIRE_ALL") == "1" and not excused
    if required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, although SPEAKKIT_REQUIRE_ALL=1: {call.excinfo.value}"
    return report


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """Set a home for this process, so that no test reads or changes the user's; yields its folder.

    All processes of a test run share one models folder, so each model is made once. With SPEAKKIT_TEST_HOME=FOLDER,
    all test runs share it.
    """
    folder = tmp_path_factory.mktemp("home")
    base = tmp_path_factory.getbasetemp()
    kept = os.environ.get("SPEAKKIT_TEST_HOME") or (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
    models = Path(kept).absolute() / "cache" / "models"
    models.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir()
    (folder / "cache" / "models").symlink_to(models)
    with pytest.MonkeyPatch.context() as patch:
        for setting in SETTINGS:
            patch.delenv(setting.variable, raising=False)
        patch.setenv("SPEAKKIT_HOME", str(folder))
        patch.setenv("HF_ENDPOINT", NOWHERE)
        patch.setenv("SPEAKKIT_DAEMON", "0")  # tests of the daemon override it
        locations.use(config.locations)
        yield folder


@pytest.fixture(scope="session")
def weights():
    """Make Kokoro's weights available, so that a process that a test starts need not build them first.

    Returns their folder.
    """
    from speakkit.engines import hub

    return hub.ensure("kokoro").folder


@pytest.fixture(scope="session")
def kokoro():
    """The Kokoro synthesizer on the CPU."""
    from speakkit.engines import registry

    with registry.synthesizer("kokoro", "cpu") as engine:
        yield engine


class Reads:
    """Wraps a phonemizer: .phonemize(sentences) yields the tokens of each sentence, or raises the failure."""

    def __init__(self, engine):
        self.engine = engine

    def phonemize(self, sentences):
        return (outcome.result() for outcome in self.engine.phonemize(sentences))


class Listens:
    """Wraps a recognizer: .transcribe(clips) yields the transcript of each clip, or raises the failure.

    A clip with the same samples is transcribed once.
    """

    def __init__(self, engine):
        self.engine, self._heard = engine, {}

    def transcribe(self, clips, language="en"):
        for clip in clips:
            key = (clip.samples.tobytes(), clip.sample_rate, language)
            if key not in self._heard:
                (outcome,) = self.engine.transcribe([clip], language)
                self._heard[key] = outcome.result()
            yield self._heard[key]


@pytest.fixture(scope="session")
def read_in():
    """read_in(language) returns the phonemizer of a language, wrapped in `Reads`."""
    from speakkit.engines import registry

    with ExitStack() as lent:
        yield lambda language: Reads(lent.enter_context(registry.phonemizer(language)))


@pytest.fixture(scope="session")
def english(read_in):
    """The phonemizer of American English, wrapped in `Reads`."""
    return read_in("en-us")


@pytest.fixture(scope="session")
def whisper():
    """The recognizer whisper-base on the CPU, wrapped in `Listens`."""
    from speakkit.engines import registry

    with registry.recognizer("whisper-base", "cpu") as engine:
        yield Listens(engine)


@dataclass(frozen=True)
class Result:
    """Result of a program: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str


class Terminal(io.TextIOWrapper):
    """A standard input that claims to be a terminal."""

    def isatty(self):
        return True


class Remembering:
    """A synthesizer that caches what it spoke. The tests of the engines show what the samples of a chunk depend on."""

    def __init__(self, synthesizer, spoken):
        self._synthesizer, self._spoken = synthesizer, spoken

    def __getattr__(self, name):
        return getattr(self._synthesizer, name)

    def synthesize(self, chunks, *, urgent=True):
        for chunk in chunks:
            key = (
                self._synthesizer,
                chunk.phonemes,
                chunk.voice,
                chunk.speed,
                chunk.seed,
                chunk.threads,
                chunk.line,
                chunk.at,
            )
            if key not in self._spoken:
                (self._spoken[key],) = self._synthesizer.synthesize([chunk])
            yield replace(self._spoken[key], item=chunk)


@pytest.fixture(scope="session")
def spoken():
    """Cache of `remembering`: the synthesizer and all that a chunk's samples depend on -> the outcome of synthesis."""
    return {}


@pytest.fixture
def remembering(monkeypatch, spoken):
    """Lend synthesizers that cache what they spoke."""
    from speakkit.engines import registry

    lend = registry.synthesizer

    @contextmanager
    def remembering(*given):
        with lend(*given) as synthesizer:
            yield Remembering(synthesizer, spoken)

    monkeypatch.setattr(registry, "synthesizer", remembering)


@pytest.fixture
def run(capfdbinary, monkeypatch, remembering):
    """Run `speak` or `speakkit` in this process, where engines stay loaded: run("speak", "-o", "x.wav", "Hello.").

    Returns a `Result`. Without `stdin`, standard input is a terminal.
    """
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
    """The start of a command line that runs speakkit in a separate process: [*command, "speak", "Hello."]."""
    return [sys.executable, "-m", "speakkit"]


@pytest.fixture
def place(monkeypatch):
    """A runtime directory and a home for one test, with a path short enough for a socket; kills the daemon at the end.

    Each process that the test starts loads the hooks of tests/daemon/hooks, and a daemon inherits their variables.
    """
    from speakkit.daemon.process import rundir, spawn, terminate

    monkeypatch.setattr(spawn, "KEPT", spawn.KEPT | HOOKS)
    base = Path(tempfile.mkdtemp(prefix="speakkit-"))
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(base / "run"))
    monkeypatch.setenv("SPEAKKIT_HOME", str(base / "home"))
    monkeypatch.setenv("SPEAKKIT_DAEMON", "1")
    tests = REPOSITORY / "tests" / "daemon"
    folders = [str(tests), str(tests / "hooks"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    found = rundir.find()
    yield found
    found.path.chmod(0o700)
    if (base / "run" / "daemon.lock").exists():
        terminate.kill(found)

    def is_removed():
        """Remove the folder and return whether it is gone; a process that is ending may still write into it."""
        shutil.rmtree(base, ignore_errors=True)
        return not base.exists()

    wait_until(is_removed)


@pytest.fixture
def fake_voice(place, monkeypatch):
    """Set the voice of `daemon/fake_voice.py` and a sink that plays to no device for daemons that start later."""
    monkeypatch.setenv("SPEAKKIT_TEST_VOICE", "fake_voice:load")
    monkeypatch.setenv("SPEAKKIT_SINK", "timed-null")


@pytest.fixture
def sound_server(tmp_path_factory):
    """A sound server for this test."""
    if not (shutil.which("pulseaudio") and shutil.which("parec")):
        pytest.skip("needs the Debian packages pulseaudio, pulseaudio-utils and libasound2-plugins")
    server = SoundServer(tmp_path_factory.mktemp("pulse"))
    yield server
    server.kill()
