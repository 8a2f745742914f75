"""The runtime directory is ours alone, or it is not used; locks are held by whoever lives."""

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
    """A short folder to do anything in."""
    base = place.path.parent
    monkeypatch.delenv("SPEAKKIT_RUNTIME_DIR")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return base


@contextmanager
def another_user(*owned):
    """Own some files, and be no root; a user who is none already just goes on."""
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
    """Whatever the umask is."""
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
    """In that of the session, if that is ours alone; WSL has it wrong at times."""
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
    """Is refused, with the command that mends it."""
    place.path.chmod(mode)
    with pytest.raises(DaemonError, match=rf"other users can access.*chmod 700 {place.path}"):
        rundir.find()
    place.path.chmod(0o700)
    assert rundir.find() == place


def test_one_of_another_user(place):
    """Is refused, though we could write there."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a folder away")
    os.chown(place.path, STRANGER, STRANGER)
    with pytest.raises(DaemonError, match="belongs to another user"):
        rundir.find()
    os.chown(place.path, 0, 0)


def test_a_link_in_its_place(folder, monkeypatch):
    """Is refused, wherever it leads."""
    (folder / "link").symlink_to(folder / "run")
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(folder / "link"))
    with pytest.raises(DaemonError, match="is a link or a file, not a folder"):
        rundir.find()


def test_a_file_in_its_place(folder, monkeypatch):
    """Is refused."""
    (folder / "file").touch()
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(folder / "file"))
    with pytest.raises(DaemonError, match="not a folder"):
        rundir.find()


def test_one_that_cannot_be_made(folder, monkeypatch):
    """Says so, and how to choose another."""
    monkeypatch.setenv("SPEAKKIT_RUNTIME_DIR", str(folder / "missing" / "run"))
    with pytest.raises(DaemonError, match="no such file or directory; set SPEAKKIT_RUNTIME_DIR"):
        rundir.find()


@pytest.mark.parametrize(("length", "fits"), [(103, True), (104, False)])
def test_a_path_that_is_too_long(folder, monkeypatch, length, fits):
    """For a socket: in bytes, not letters, and before anything is made."""
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
    """Is an error of one line."""
    place.path.chmod(0o500)
    with another_user(place.path), pytest.raises(DaemonError, match=r"cannot open .*spawn.lock: permission denied"):
        rundir.try_lock(place.spawn_lock)


def test_a_lock_has_one_holder(place):
    """Until it is released; its file stays, for its owner alone."""
    lock = rundir.try_lock(place.spawn_lock)
    assert lock is not None
    assert rundir.try_lock(place.spawn_lock) is None
    assert rundir.is_locked(place.spawn_lock)
    lock.release()
    assert not rundir.is_locked(place.spawn_lock)
    assert stat.S_IMODE(place.spawn_lock.stat().st_mode) == 0o600


def test_a_lock_ends_with_its_process(place):
    """However that ends; and no child inherits it."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, place.spawn_lock], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"True\n"
    assert rundir.is_locked(place.spawn_lock)
    holder.kill()
    holder.wait(20)
    holder.stdout.close()
    with rundir.try_lock(place.spawn_lock) as lock:
        assert not os.get_inheritable(lock._descriptor)


def test_a_lock_is_no_link(place):
    """What a link leads to is neither opened nor made."""
    target = place.path.parent / "precious"
    place.daemon_lock.symlink_to(target)
    with pytest.raises(DaemonError, match=r"daemon.lock.*must be a file of your own"):
        rundir.try_lock(place.daemon_lock)
    assert not target.exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_lock_is_a_file(place, make):
    """Nothing else, and a pipe is not waited for."""
    make(place.spawn_lock)
    with pytest.raises(DaemonError, match=r"spawn.lock"):
        rundir.try_lock(place.spawn_lock)
    place.spawn_lock.rmdir() if place.spawn_lock.is_dir() else place.spawn_lock.unlink()


def test_a_lock_of_another_user(place):
    """Is not ours to hold."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file away")
    place.spawn_lock.touch()
    os.chown(place.spawn_lock, STRANGER, STRANGER)
    with pytest.raises(DaemonError, match="not a regular file of yours"):
        rundir.try_lock(place.spawn_lock)
