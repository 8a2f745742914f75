"""Tests of the runtime directory and its locks: the directory must be private, and a lock ends with its process."""

import os
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from speakkit.daemon.process import rundir
from speakkit.errors import DaemonError

STRANGER = 65534

HOLDER = """
import sys, time
from pathlib import Path
from speakkit.daemon.process import rundir
lock = rundir.try_lock(Path(sys.argv[1]))
print(bool(lock), flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(place, monkeypatch):
    """A temporary folder with a short path, and no variable that names a runtime directory."""
    base = place.path.parent
    monkeypatch.delenv("SPEAKKIT_RUNTIME_DIR")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return base


@contextmanager
def another_user(*owned):
    """Run the block as another user who owns the given paths; if the user is not root, it only runs the block."""
    if os.geteuid() != 0:
        yield
        return
    for path in owned:
        os.chown(path, STRANGER, STRANGER)
    owned[0].parent.chmod(0o755)
    os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(0)
        for path in owned:
            os.chown(path, 0, 0)


def test_it_is_made_for_its_owner_alone(folder, monkeypatch):
    """The runtime directory gets mode 0700, whatever the umask."""
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(folder / "mine"))
    before = os.umask(0)
    try:
        found = rundir.find()
    finally:
        os.umask(before)
    assert found.path == folder / "mine"
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o700
    assert rundir.find() == found


def test_where_it_is(folder, monkeypatch):
    """It is in the session's runtime folder if that is private, and otherwise in /tmp; WSL may set a wrong mode."""
    session = folder / "session"
    session.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    assert rundir._place() == session / "speakkit"
    fallback = Path(f"/tmp/speakkit-{os.geteuid()}")
    session.chmod(0o755)
    assert rundir._place() == fallback
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "missing"))
    assert rundir._place() == fallback
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert rundir._place() == fallback


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o750, 0o755, 0o777, 0o1777])
def test_one_that_others_can_look_into(place, mode):
    """A folder that other users can access is refused with the command that mends it."""
    place.path.chmod(mode)
    with pytest.raises(DaemonError, match=rf"other users can access.*chmod 700 {place.path}"):
        rundir.find()
    place.path.chmod(0o700)
    assert rundir.find() == place


def test_one_of_another_user(place):
    """A folder of another user is refused, even if it is writable."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a folder away")
    os.chown(place.path, STRANGER, STRANGER)
    with pytest.raises(DaemonError, match="belongs to another user"):
        rundir.find()
    os.chown(place.path, 0, 0)


def test_a_link_in_its_place(folder, monkeypatch):
    """A link is refused, whatever its target."""
    (folder / "link").symlink_to(folder / "run")
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(folder / "link"))
    with pytest.raises(DaemonError, match="is a link or a file, not a folder"):
        rundir.find()


def test_a_file_in_its_place(folder, monkeypatch):
    """A file in place of the folder is refused."""
    (folder / "file").touch()
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(folder / "file"))
    with pytest.raises(DaemonError, match="not a folder"):
        rundir.find()


def test_one_that_cannot_be_made(folder, monkeypatch):
    """The error about a folder that cannot be made says how to choose another."""
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(folder / "missing" / "run"))
    with pytest.raises(DaemonError, match="no such file or directory; set SPEAKKIT_RUNTIME_DIR"):
        rundir.find()


@pytest.mark.parametrize(("length", "fits"), [(103, True), (104, False)])
def test_a_path_that_is_too_long(folder, monkeypatch, length, fits):
    """A path too long for a socket, measured in bytes, is refused before anything is created."""
    rest = length - len(os.fsencode(folder)) - len("//daemon.sock")
    path = folder / ("ü" + "x" * (rest - 2))
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(path))
    if fits:
        assert len(os.fsencode(rundir.find().socket)) == length
    else:
        with pytest.raises(
            DaemonError, match=f"of {length} bytes.* set SPEAKKIT_RUNTIME_DIR to a folder with a shorter"
        ):
            rundir.find()
        assert not path.exists()


def test_one_that_cannot_be_written(place):
    """A lock in a folder without write permission raises DaemonError in one line."""
    place.path.chmod(0o500)
    with another_user(place.path), pytest.raises(DaemonError, match=r"cannot open .*spawn.lock: permission denied"):
        rundir.try_lock(place.spawn_lock)


def test_a_lock_has_one_holder(place):
    """A lock has one holder until it is released; its file stays, with mode 0600."""
    lock = rundir.try_lock(place.spawn_lock)
    assert lock is not None
    assert rundir.try_lock(place.spawn_lock) is None
    assert rundir.is_locked(place.spawn_lock)
    lock.release()
    assert not rundir.is_locked(place.spawn_lock)
    assert stat.S_IMODE(place.spawn_lock.stat().st_mode) == 0o600


def test_a_lock_ends_with_its_process(place):
    """A lock ends with its process, however that ends, and is not inherited by child processes."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, place.spawn_lock], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"True\n"
    assert rundir.is_locked(place.spawn_lock)
    holder.kill()
    holder.wait(20)
    holder.stdout.close()
    with rundir.try_lock(place.spawn_lock) as lock:
        assert not os.get_inheritable(lock._descriptor)


def test_a_lock_is_no_link(place):
    """A link in place of the lock file is refused, and its target is neither opened nor created."""
    target = place.path.parent / "precious"
    place.daemon_lock.symlink_to(target)
    with pytest.raises(DaemonError, match=r"daemon.lock.*must be a file of your own"):
        rundir.try_lock(place.daemon_lock)
    assert not target.exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_lock_is_a_file(place, make):
    """A folder or a pipe in place of the lock file is refused without waiting."""
    make(place.spawn_lock)
    with pytest.raises(DaemonError, match=r"spawn.lock"):
        rundir.try_lock(place.spawn_lock)
    place.spawn_lock.rmdir() if place.spawn_lock.is_dir() else place.spawn_lock.unlink()


def test_a_lock_of_another_user(place):
    """A lock file of another user is refused."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file away")
    place.spawn_lock.touch()
    os.chown(place.spawn_lock, STRANGER, STRANGER)
    with pytest.raises(DaemonError, match="not a regular file of yours"):
        rundir.try_lock(place.spawn_lock)
