"""How a daemon becomes the only one, is found, and goes without taking another one's place along."""

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from speakkit.daemon.process import failpoints, peer, rundir
from speakkit.daemon.process.rundir import Lock, RuntimeDir
from speakkit.errors import DaemonError, storage_error

LEAVING = 8.0
"""Seconds that a daemon may take to end, before the one that waits for its lock gives up."""

PAUSES = (0.01, 0.02, 0.05)
"""Seconds between two looks; the last one again and again."""

ANSWER = 2.0
"""Seconds in which a daemon that is alive greets."""

WAITING = 128
"""Connections that the kernel holds for us while we are at something else."""

FOLDERS = ("SPEAKKIT_HOME", "SPEAKKIT_RUNTIME_DIR", "SPEAKKIT_MODELS", "SPEAKKIT_VOICES")
"""Variables that may name a folder relative to the one that we were started in."""

FIRST_PASSED = 3
"""The number of the first descriptor that systemd hands over, by sd_listen_fds(3)."""


@dataclass(frozen=True)
class Published:
    """A socket that clients find.

    inode: device and number of the file at `path`; the kernel gives the number to no other while the socket lives
    is_passed: it belongs to systemd, which keeps it when we end
    """

    listener: socket.socket
    path: Path
    inode: tuple[int, int]
    is_passed: bool = False

    @property
    def is_found(self) -> bool:
        """Whether clients still find this socket, and no other."""
        return _inode(self.path) == self.inode

    def unpublish(self) -> None:
        """Let no client find it any more. Another one in its place is left alone."""
        failpoints.at("before_unpublish")
        if not self.is_passed and self.is_found:
            with suppress(OSError):  # whoever finds it learns that nobody listens
                self.path.unlink()


def harden() -> None:
    """What a process does that may hold the user's texts: no core dumps, no files for others, no folder held."""
    for name in FOLDERS:
        if given := os.environ.get(name):
            os.environ[name] = str(Path(given).expanduser().absolute())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    os.chdir("/")


def claim(place: RuntimeDir, *, is_passed: bool = False) -> Lock | None:
    """The right to be the daemon, or None where one is alive and answers.

    is_passed: whoever is found at the socket is ourselves, so that nobody there can answer for another daemon
    Raises DaemonError where another one neither answers nor ends within 8 s.
    """
    failpoints.at("before_lock")
    until = time.monotonic() + LEAVING
    for pause in pauses():
        lock = rundir.try_lock(place.daemon_lock)
        if lock is not None:
            lock.write(f"{os.getpid()} {started(os.getpid()) or 0}\n")
            return lock
        if not is_passed and answers(place.socket):
            return None
        if time.monotonic() > until:
            break
        time.sleep(pause)
    raise DaemonError(
        f"another daemon has {place.daemon_lock}, and neither answers nor ends: it still speaks what it had accepted, "
        "or it hangs; wait, or end it with: speakkit daemon stop --now"
    )


def publish(place: RuntimeDir) -> Published:
    """Bind the socket; call it with the lock held. Raises DaemonError where something else is in its place."""
    return bound(place.socket, 0o177)


def bound(path: Path, umask: int) -> Published:
    """A socket that listens at `path`, in place of one that is left there; as `publish`."""
    failpoints.at("before_unlink")
    try:
        if rundir.require_socket(path):
            path.unlink()  # of a daemon that was killed: nobody else had the lock
        failpoints.at("before_bind")
        listener = socket.socket(socket.AF_UNIX)
        before = os.umask(umask)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        inode = _inode(path)
        failpoints.at("before_listen")
        listener.listen(WAITING)
    except OSError as error:
        raise DaemonError(str(storage_error(error, f"listen at {path}"))) from error
    if inode is None:
        raise DaemonError(f"{path} was removed while it was made; try again")
    return Published(listener, path, inode)


def passed() -> Published | None:
    """The socket that systemd listens at for us, by sd_listen_fds(3). Raises DaemonError for anything else."""
    process, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if process != str(os.getpid()):  # it is meant for the process that started us, or there is none
        return None
    if count != "1":
        raise DaemonError("systemd passes several sockets, or none; use the units of: speakkit daemon units")
    try:
        listener = socket.socket(fileno=FIRST_PASSED)
        listener.set_inheritable(False)
        name = listener.getsockname()
        is_ready = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise DaemonError("systemd passes no socket; use the units of: speakkit daemon units") from error
    path = Path(os.fsdecode(name)) if isinstance(name, str | bytes) and name else None
    inode = _inode(path) if path else None
    if listener.family != socket.AF_UNIX or not is_ready or path is None or inode is None:
        raise DaemonError("systemd passes no listening socket with a path; use the units of: speakkit daemon units")
    return Published(listener, path, inode, is_passed=True)


def pauses() -> Iterator[float]:
    """Seconds to wait between two looks, without end."""
    yield from PAUSES
    while True:
        yield PAUSES[-1]


def reach(path: Path) -> socket.socket | None:
    """A connection to whoever listens at `path`, or None. Raises DaemonError where that is not one of our processes."""
    until = time.monotonic() + ANSWER
    for pause in pauses():
        if not rundir.require_socket(path):
            return None
        channel = socket.socket(socket.AF_UNIX)
        channel.settimeout(ANSWER)
        try:
            channel.connect(str(path))
        except BlockingIOError:  # it is alive, and the kernel holds no more connections for it
            channel.close()
            if time.monotonic() > until:
                raise DaemonError(f"the daemon at {path} takes no more connections; try again") from None
            time.sleep(pause)
            continue
        except (ConnectionError, FileNotFoundError):
            channel.close()
            return None
        except OSError as error:
            channel.close()
            raise DaemonError(str(storage_error(error, f"connect to {path}"))) from error
        if peer.is_ours(channel):
            return channel
        channel.close()
        raise DaemonError(f"another user listens at {path}; remove it")
    return None


def answers(path: Path) -> bool:
    """Whether a daemon at `path` greets."""
    channel = reach(path)
    if channel is None:
        return False
    with channel:
        try:
            return bool(channel.recv(1))
        except OSError:
            return False


def started(process: int) -> int | None:
    """When a process was started, in ticks since the machine was; None where the system does not say."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[19])


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
