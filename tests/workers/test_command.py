"""Tests of the command that runs a worker process, such as Python of another virtual environment.

A command that does not run the worker's program gives an error that says so.
"""

import errno
import socket
import subprocess
import sys
import sysconfig
import venv

import pytest

from speakkit.errors import EngineError, WorkerDied, WorkerHung
from speakkit.workers.messages import PROTOCOL
from speakkit.workers.process import COMMAND
from speakkit.workers.worker import Limits, Worker

PLACE = "faults:load"
SAYS = """
import os, sys, time
os.write(int(sys.argv[-1]), {said!r} * {times})
time.sleep(600)
"""


def says(said, times=1):
    """A command that writes bytes to the worker's socket and then does not end."""
    return [sys.executable, "-c", SAYS.format(said=said, times=times)]


def fails(command, **limits):
    """The one-line error with which a worker fails to start with `command`."""
    worker = Worker(PLACE, {}, Limits(**limits), command=command)
    with pytest.raises(EngineError) as raised:
        list(worker.request({}, dict))
    assert worker.pid is None
    assert "\n" not in str(raised.value)
    return raised.value


def test_python_of_another_environment(tmp_path):
    """A worker can run in another virtual environment that has speakkit installed."""
    venv.create(tmp_path / "other", symlinks=True)
    (packages,) = (tmp_path / "other").glob("lib/python*/site-packages")
    found = [entry for entry in sys.path if entry] + [sysconfig.get_path("purelib")]
    (packages / "found.pth").write_text("\n".join(found))
    python = tmp_path / "other" / "bin" / "python"
    with Worker(PLACE, {}, command=[str(python), *COMMAND[1:]]) as worker:
        assert list(worker.request({"reply with": "prefix"}, str)) == [str(tmp_path / "other")]


def test_command_that_does_not_exist():
    """A command that does not exist, or is no program, gives an error that names it."""
    assert str(fails(["/nowhere/python"])) == (
        "cannot run /nowhere/python as the worker of faults:load: no such file or directory"
    )
    assert str(fails(["/etc/passwd"])).endswith("permission denied")


@pytest.mark.parametrize(("owner", "name"), [(socket, "socketpair"), (subprocess, "Popen")])
def test_system_that_starts_no_more_processes(monkeypatch, owner, name):
    """If the system cannot start more processes, the error says to run fewer workers."""

    def scarce(*_, **__):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(owner, name, scarce)
    assert str(fails(COMMAND)) == (
        "cannot start a worker of faults:load: resource temporarily unavailable; run fewer of them"
    )


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (says(b"Python 2.7\n"), "sent garbage"),
        (says(b"\xff", 100_000), "sent garbage"),
        (says(b'{"type": "hello", "protocol": "two"}\n'), "sent garbage"),
        (says(b'{"type": "end", "resident": 1}\n'), "sent no handshake"),
        (says(b'{"type": "hello", "protocol": 99}\n'), f"uses protocol version 99, not {PROTOCOL}"),
    ],
)
def test_command_that_is_no_child_of_this_version(command, reason):
    """A command that sends something other than this version's handshake is ended; the error says what it must run."""
    end = f"the command {sys.executable} {reason}; it must run speakkit.workers.child of this version of speakkit"
    assert str(fails(command)) == end


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["echo", "garbage"], "ended with exit code 0)"),
        ([sys.executable, "-c", "raise SystemExit('no module speakkit')"], "exit code 1: no module speakkit)"),
    ],
)
def test_command_that_ends_at_once(command, reason):
    """If the command ends immediately, the error has its last output, which is not taken for a reply."""
    error = fails(command)
    assert str(error).startswith(f"the command {command[0]} ended at once (the worker of faults:load ")
    assert reason in str(error)
    assert not isinstance(error, WorkerDied)


def test_command_that_says_nothing():
    """A command that sends nothing is ended like a worker whose loading takes forever."""
    assert "made no progress" in str(fails(["sleep", "600"], start_s=0.4, deaths=1))
    with (
        pytest.raises(WorkerHung, match="made no progress"),
        Worker(PLACE, {}, Limits(start_s=0.4), command=["sleep", "600"]),
    ):
        pass


def test_command_that_is_killed_may_be_tried_again(tmp_path):
    """A command that was killed is started again, because lack of memory may have been the reason."""
    script = f"mkdir {tmp_path}/once 2>/dev/null && kill -9 $$; exec {' '.join(COMMAND)} $0"
    worker = Worker(PLACE, {}, command=["sh", "-c", script])
    assert list(worker.request({"reply": 1}, dict)) == [{"number": 1.0}]
    worker.close()
