"""How the daemon becomes the only one, publishes its socket, and removes it without removing another daemon's."""

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
"""Seconds that a daemon may take to end, before a process that waits for its lock gives up."""

PAUSES = (0.01, 0.02, 0.05)
"""Seconds between two attempts; the last value repeats."""

ANSWER = 2.0
"""Seconds within which a daemon that is alive accepts a connection and sends its greeting."""

WAITING = 128
"""Backlog of the listening socket: connections that the kernel holds until they are accepted."""

FOLDERS = ("SPEAKKIT_HOME", "SPEAKKIT_RUNTIME_DIR", "SPEAKKIT_MODELS", "SPEAKKIT_VOICES")
"""Environment variables that may hold a path relative to the folder in which the daemon was started."""

FIRST_PASSED = 3
"""Number of the first descriptor that systemd passes, from sd_listen_fds(3)."""


@dataclass(frozen=True)
class Published:
    """A listening socket that clients can find at `path`.

    inode: device and inode number of the file at `path`; the kernel does not reuse the number while the socket lives
    is_passed: systemd owns the socket, and keeps it when the daemon ends
    """

    listener: socket.socket
    path: Path
    inode: tuple[int, int]
    is_passed: bool = False

    @property
    def is_found(self) -> bool:
        """Whether `path` still leads to this socket."""
        return rundir.inode(self.path) == self.inode

    def unpublish(self) -> None:
        """Remove the socket file, so that no client finds it. Another socket in its place is left alone."""
        failpoints.at("before_unpublish")
        if not self.is_passed and self.is_found:
            with suppress(OSError):  # a client that finds the file gets "connection refused"
                self.path.unlink()


def harden() -> None:
    """Prepare a process that may hold the user's texts.

    It writes no core dumps, creates files for its user only, and keeps no folder in use as its working directory.
    """
    for name in FOLDERS:
        if given := os.environ.get(name):
            os.environ[name] = str(Path(given).expanduser().absolute())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    os.chdir("/")


def claim(place: RuntimeDir, *, is_passed: bool = False) -> Lock | None:
    """The lock of the daemon, or None if another daemon is alive and answers.

    is_passed: this process itself listens at the socket, so an answer there does not come from another daemon
    Raises DaemonError if another daemon neither answers nor ends within 8 s.
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
        f"another daemon holds {place.daemon_lock} and neither answers nor ends: it still speaks what it had accepted, "
        "or it is hung; wait, or end it with: speakkit daemon stop --now"
    )


def publish(place: RuntimeDir) -> Published:
    """Bind the daemon's socket; the caller must hold the lock. Raises DaemonError if another file is in its place."""
    return bound(place.socket, 0o177)


def bound(path: Path, umask: int) -> Published:
    """A socket that listens at `path`, in place of a socket that is left there. Raises as `publish`."""
    failpoints.at("before_unlink")
    try:
        if rundir.require_socket(path):
            path.unlink()  # left by a daemon that was killed: this process holds the lock
        failpoints.at("before_bind")
        listener = socket.socket(socket.AF_UNIX)
        before = os.umask(umask)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        inode = rundir.inode(path)
        failpoints.at("before_listen")
        listener.listen(WAITING)
    except OSError as error:
        raise DaemonError(str(storage_error(error, f"listen at {path}"))) from error
    if inode is None:
        raise DaemonError(f"{path} was removed while it was being created; try again")
    return Published(listener, path, inode)


def passed() -> Published | None:
    """The listening socket that systemd passed, from sd_listen_fds(3); None if it passed none to this process.

    Raises DaemonError if what it passed is not one listening Unix socket with a path.
    """
    process, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if process != str(os.getpid()):  # meant for the parent process, or not set
        return None
    if count != "1":
        raise DaemonError("systemd must pass exactly one socket; use the units of: speakkit daemon units")
    try:
        listener = socket.socket(fileno=FIRST_PASSED)
        listener.set_inheritable(False)
        name = listener.getsockname()
        is_ready = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise DaemonError("systemd passed no socket; use the units of: speakkit daemon units") from error
    path = Path(os.fsdecode(name)) if isinstance(name, str | bytes) and name else None
    inode = rundir.inode(path) if path else None
    if listener.family != socket.AF_UNIX or not is_ready or path is None or inode is None:
        raise DaemonError("systemd passed no listening socket with a path; use the units of: speakkit daemon units")
    return Published(listener, path, inode, is_passed=True)


def pauses() -> Iterator[float]:
    """Seconds to wait between two attempts, without end."""
    yield from PAUSES
    while True:
        yield PAUSES[-1]


def reach(path: Path) -> socket.socket | None:
    """A connection to the process that listens at `path`, or None if none does.

    Raises DaemonError if that is a process of another user, if it accepts no connection within 2 s, or if `path` is
    not a socket.
    """
    until = time.monotonic() + ANSWER
    for pause in pauses():
        if not rundir.require_socket(path):
            return None
        channel = socket.socket(socket.AF_UNIX)
        channel.settimeout(ANSWER)
        try:
            channel.connect(str(path))
        except BlockingIOError:  # the daemon is alive, and its backlog is full
            channel.close()
            if time.monotonic() > until:
                raise DaemonError(f"the daemon at {path} accepts no more connections; try again") from None
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
    """Whether a daemon at `path` sends its greeting."""
    channel = reach(path)
    if channel is None:
        return False
    with channel:
        try:
            return bool(channel.recv(1))
        except OSError:
            return False


def started(process: int) -> int | None:
    """Start time of a process in clock ticks since boot; None if the system does not tell it."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[19])
