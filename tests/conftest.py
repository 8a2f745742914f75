"""What all tests share: a home of their own, engines that are loaded once, and programs run in this process."""

import io
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from speakkit.config import SETTINGS

REPOSITORY = Path(__file__).parent.parent
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: the Hub that tests see, unless they start a stub of it."""


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

    return registry.synthesizer("kokoro", "cpu")


@pytest.fixture(scope="session")
def english():
    """The phonemizer of American English."""
    from speakkit.engines import registry

    return registry.phonemizer("en-us")


@pytest.fixture(scope="session")
def whisper():
    """An independent ear."""
    from speakkit.engines import registry

    return registry.recognizer("whisper-base", "cpu")


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
