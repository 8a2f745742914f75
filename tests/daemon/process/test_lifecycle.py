"""Tests of the daemon's start and end: one daemon at a time, and no file of another one is touched."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from speakkit.daemon.process import failpoints, lifecycle, rundir
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import Mode
from speakkit.errors import DaemonError

SECONDS = 20
LIGHT_MIB = 60

PASSED = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ["LISTEN_PID"] = sys.argv[2].replace("self", str(os.getpid()))
os.environ["LISTEN_FDS"] = sys.argv[3]
os.execv(sys.executable, [sys.executable, "-P", "-m", "speakkit.daemon"])
"""


def inode(place):
    return place.socket.lstat().st_ino


def pid_of(place):
    with client.reached(place) as found:
        return found.status().pid


def test_it_starts_light(start, place):
    """The daemon prints its ready line only when it serves, and needs less than 60 MiB without an engine."""
    child = start()
    assert child.said == f"ready: {place.socket}, and the log is {os.environ['SPEAKKIT_HOME']}/state/daemon.log\n"
    assert pid_of(place) == child.pid
    status = Path(f"/proc/{child.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < LIGHT_MIB * 1024


def test_it_imports_nothing_heavy():
    """The daemon's main module imports no engine, numerical, sound or terminal package."""
    code = "import sys, json, speakkit.daemon.__main__; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    heavy = {"torch", "numpy", "kokoro", "misaki", "spacy", "requests", "sounddevice", "typer", "rich"}
    assert {name.split(".")[0] for name in loaded}.isdisjoint(heavy)


def test_what_it_leaves_to_others(start, place):
    """Socket, lock and log are private (mode 0600), no core is dumped, and the working folder is /."""
    child = start()
    assert stat.S_ISSOCK(place.socket.lstat().st_mode)
    files = [place.socket, place.daemon_lock, Path(os.environ["SPEAKKIT_HOME"]) / "state" / "daemon.log"]
    assert [stat.S_IMODE(file.lstat().st_mode) for file in files] == [0o600] * 3
    process = Path(f"/proc/{child.pid}")
    assert "Max core file size        0                    0" in (process / "limits").read_text()
    assert "Umask:\t0077" in (process / "status").read_text()
    assert (process / "cwd").readlink() == Path("/")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it(start, place, number):
    """SIGTERM, SIGINT and SIGHUP end the daemon as a shutdown request does."""
    child = start()
    child.send_signal(number)
    assert child.wait(SECONDS) == 0
    assert not place.socket.exists()
    assert not rundir.is_locked(place.daemon_lock)


def test_a_second_one_goes(start, place):
    """A second daemon exits with 0 and does not disturb the first."""
    first, second = start(), start()
    assert second.said == "ready: a daemon is running already\n"
    assert second.wait(SECONDS) == 0
    assert pid_of(place) == first.pid


def test_a_stale_socket(start, place):
    """A stale socket of a killed daemon is replaced."""
    first = start()
    first.kill()
    first.wait(SECONDS)
    assert place.socket.exists()
    assert lifecycle.reach(place.socket) is None
    second = start()
    assert pid_of(place) == second.pid


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling link"])
def test_something_else_in_its_place(place, kind, fails_to_start):
    """A file, folder or link in place of the socket is left unchanged and named; a client raises the same error."""
    target = place.path / "target"
    if kind == "file":
        place.socket.write_text("precious")
    elif kind == "folder":
        place.socket.mkdir()
    else:
        place.socket.symlink_to(target)
    if kind == "link":
        target.touch()
    before = inode(place)
    assert fails_to_start() == (
        f"speakkitd: {place.socket} is not a socket, and speakkit did not create it; remove it\n"
    )
    with pytest.raises(DaemonError, match="is not a socket"):
        client.connect()
    assert inode(place) == before


def test_a_folder_that_others_can_look_into(place, fails_to_start):
    """A runtime directory that other users can access is refused."""
    place.path.chmod(0o755)
    assert fails_to_start().startswith(f"speakkitd: other users can access the folder {place.path}; try: chmod 700")
    with pytest.raises(DaemonError, match="other users can access"):
        client.connect()


def test_a_path_that_is_too_long(place, fails_to_start):
    """The error about a path that is too long says how to choose another folder."""
    said = fails_to_start(SPEAKKIT_RUNTIME_DIR=str(place.path / ("x" * 100)))
    assert "set SPEAKKIT_RUNTIME_DIR to a folder with a shorter name" in said


def test_a_fault_in_the_settings(place, fails_to_start):
    """A fault in the settings is reported in one line by the start."""
    assert fails_to_start(SPEAKKIT_IDLE_EXIT="soon") == ("speakkitd: SPEAKKIT_IDLE_EXIT must be a number, not 'soon'\n")


def test_folders_are_those_of_whoever_starts_it(place, start, monkeypatch):
    """Relative folders of the environment are resolved before the daemon changes its working folder."""
    monkeypatch.chdir(place.path.parent)
    child = start(SPEAKKIT_HOME="other", SPEAKKIT_RUNTIME_DIR="run")
    assert child.said == f"ready: {place.socket}, and the log is {place.path.parent}/other/state/daemon.log\n"


def test_one_that_neither_answers_nor_ends(place, monkeypatch):
    """If a daemon holds the lock but neither answers nor ends, claim() raises DaemonError after LEAVING (8 s)."""
    monkeypatch.setattr(lifecycle, "LEAVING", 0.2)
    with rundir.try_lock(place.daemon_lock), pytest.raises(DaemonError, match="neither answers nor ends"):
        lifecycle.claim(place)


def test_one_that_is_about_to_end(place):
    """A starting daemon waits for one that is about to end."""
    lock = rundir.try_lock(place.daemon_lock)
    child = subprocess.Popen([sys.executable, "-P", "-m", "speakkit.daemon"], stderr=subprocess.PIPE)
    time.sleep(0.5)
    assert child.poll() is None
    lock.release()
    assert child.stderr.readline().startswith(b"ready")
    child.kill()
    child.wait(SECONDS)
    child.stderr.close()


def test_going_leaves_another_ones_socket(place):
    """A daemon that ends removes its own socket once, and not the socket of another."""
    first = lifecycle.publish(place)
    second = lifecycle.publish(place)
    first.unpublish()
    assert second.is_found
    second.unpublish()
    assert not place.socket.exists()
    second.unpublish()
    for published in (first, second):
        published.listener.close()


def test_a_socket_is_for_its_owner_from_the_first_moment(place, monkeypatch):
    """The socket is created with mode 0600, and not changed to it later."""
    modes = []
    monkeypatch.setattr(failpoints, "at", lambda point: modes.append(point) or note())

    def note():
        if place.socket.exists():
            modes.append(stat.S_IMODE(place.socket.stat().st_mode))

    before = os.umask(0)
    try:
        lifecycle.publish(place).listener.close()
    finally:
        os.umask(before)
    assert modes == ["before_unlink", "before_bind", "before_listen", 0o600]


def test_a_full_queue_of_connections_is_no_empty_one(place, monkeypatch):
    """A full backlog is not taken for a dead daemon: reach() raises DaemonError."""
    monkeypatch.setattr(lifecycle, "ANSWER", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.socket))
        listener.listen(0)
        waiting = [lifecycle.reach(place.socket)]
        with pytest.raises(DaemonError, match="accepts no more connections"):
            lifecycle.reach(place.socket)
        waiting[0].close()


@pytest.fixture
def passing(place):
    """Start a daemon as systemd does, with a socket that it inherits."""
    started = []

    def run(process="self", count="1"):
        child: Any = subprocess.Popen(
            [sys.executable, "-c", PASSED, place.socket, process, count], stderr=subprocess.PIPE
        )
        started.append(child)
        child.said = child.stderr.readline().decode()
        return child

    yield run
    for child in started:
        child.kill()
        child.wait(SECONDS)
        child.stderr.close()


def test_a_socket_of_systemd(passing, place):
    """A socket passed by systemd is served and left in place, so that the next connection starts the next daemon."""
    child = passing()
    assert child.said.startswith("ready")
    before = inode(place)
    with client.connect() as connection:
        assert connection.greeting.pid == child.pid
        connection.shutdown(Mode.drain)
    assert child.wait(SECONDS) == 0
    assert inode(place) == before


def test_a_socket_for_somebody_else(passing, place):
    """A socket passed to another process is ignored, and replaced, since nothing listens on it."""
    child = passing(process="1")
    assert child.said.startswith("ready")
    assert pid_of(place) == child.pid


@pytest.mark.parametrize("count", ["0", "2", "one", ""])
def test_more_sockets_than_one(passing, count):
    """Any number of passed sockets other than one is an error that names the right units."""
    child = passing(count=count)
    assert "use the units of: speakkit daemon units" in child.said
    assert child.wait(SECONDS) == 1


def test_no_socket_of_systemd(place, start, monkeypatch):
    """A passed descriptor that is not a socket raises DaemonError."""
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setattr(lifecycle, "FIRST_PASSED", 1 << 20)
    with pytest.raises(DaemonError, match="speakkit daemon units"):
        lifecycle.passed()
    assert "LISTEN_PID" not in os.environ
