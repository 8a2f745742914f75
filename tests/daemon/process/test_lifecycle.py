"""One daemon, whatever is in its way, and nothing of another's touched when it goes."""

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
    """It says that it is ready, and then it is; without engines it takes little."""
    child = start()
    assert child.said == f"ready: {place.socket}, and the log is {os.environ['SPEAKKIT_HOME']}/state/daemon.log\n"
    assert pid_of(place) == child.pid
    status = Path(f"/proc/{child.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < LIGHT_MIB * 1024


def test_it_imports_nothing_heavy():
    """Nor the terminal."""
    code = "import sys, json, speakkit.daemon.__main__; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    heavy = {"torch", "numpy", "kokoro", "misaki", "spacy", "requests", "sounddevice", "typer", "rich"}
    assert {name.split(".")[0] for name in loaded}.isdisjoint(heavy)


def test_what_it_leaves_to_others(start, place):
    """Nothing: socket and log are for their owner, it dumps no core, and holds no folder."""
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
    """As a shutdown does."""
    child = start()
    child.send_signal(number)
    assert child.wait(SECONDS) == 0
    assert not place.socket.exists()
    assert not rundir.is_locked(place.daemon_lock)


def test_a_second_one_goes(start, place):
    """The first one is not disturbed."""
    first, second = start(), start()
    assert second.said == "ready: a daemon is running already\n"
    assert second.wait(SECONDS) == 0
    assert pid_of(place) == first.pid


def test_a_stale_socket(start, place):
    """Of one that was killed."""
    first = start()
    first.kill()
    first.wait(SECONDS)
    assert place.socket.exists()
    assert lifecycle.reach(place.socket) is None
    second = start()
    assert pid_of(place) == second.pid


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling link"])
def test_something_else_in_its_place(place, kind, fails_to_start):
    """Is left alone, and named; a client is told the same."""
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
    """Is no place for a daemon."""
    place.path.chmod(0o755)
    assert fails_to_start().startswith(f"speakkitd: other users can access the folder {place.path}; try: chmod 700")
    with pytest.raises(DaemonError, match="other users can access"):
        client.connect()


def test_a_path_that_is_too_long(place, fails_to_start):
    """Is said to be."""
    said = fails_to_start(SPEAKKIT_RUNTIME_DIR=str(place.path / ("x" * 100)))
    assert "set SPEAKKIT_RUNTIME_DIR to a folder with a shorter name" in said


def test_a_fault_in_the_settings(place, fails_to_start):
    """Is told to whoever starts it, in one line."""
    assert fails_to_start(SPEAKKIT_IDLE_EXIT="soon") == ("speakkitd: SPEAKKIT_IDLE_EXIT must be a number, not 'soon'\n")


def test_folders_are_those_of_whoever_starts_it(place, start, monkeypatch):
    """Though it leaves the folder to which they were relative."""
    monkeypatch.chdir(place.path.parent)
    child = start(SPEAKKIT_HOME="other", SPEAKKIT_RUNTIME_DIR="run")
    assert child.said == f"ready: {place.socket}, and the log is {place.path.parent}/other/state/daemon.log\n"


def test_one_that_neither_answers_nor_ends(place, monkeypatch):
    """Is not waited for longer than eight seconds."""
    monkeypatch.setattr(lifecycle, "LEAVING", 0.2)
    with rundir.try_lock(place.daemon_lock), pytest.raises(DaemonError, match="neither answers nor ends"):
        lifecycle.claim(place)


def test_one_that_is_about_to_end(place):
    """Is waited for."""
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
    """And takes its own along, once."""
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
    """It is made so, and not changed later."""
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
    """A daemon that is busy is not taken for one that is gone."""
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
    """Start a daemon as systemd does, with a socket that it keeps."""
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
    """Is served, and left where it is: whoever connects next starts the next daemon."""
    child = passing()
    assert child.said.startswith("ready")
    before = inode(place)
    with client.connect() as connection:
        assert connection.greeting.pid == child.pid
        connection.shutdown(Mode.drain)
    assert child.wait(SECONDS) == 0
    assert inode(place) == before


def test_a_socket_for_somebody_else(passing, place):
    """Is not ours, and stale, since nobody listens."""
    child = passing(process="1")
    assert child.said.startswith("ready")
    assert pid_of(place) == child.pid


@pytest.mark.parametrize("count", ["0", "2", "one", ""])
def test_more_sockets_than_one(passing, count):
    """Are more than a daemon serves."""
    child = passing(count=count)
    assert "use the units of: speakkit daemon units" in child.said
    assert child.wait(SECONDS) == 1


def test_no_socket_of_systemd(place, start, monkeypatch):
    """Is an error, not a traceback."""
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setattr(lifecycle, "FIRST_PASSED", 1 << 20)
    with pytest.raises(DaemonError, match="speakkit daemon units"):
        lifecycle.passed()
    assert "LISTEN_PID" not in os.environ
