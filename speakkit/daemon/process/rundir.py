"""The folder in which a user's daemon is found: whose it is, what is in it, and the locks in it."""

import fcntl
import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from speakkit.errors import DaemonError, storage_error

VARIABLE = "SPEAKKIT_RUNTIME_DIR"

LONGEST = 103
"""Bytes of a socket's path: macOS has room for no more, Linux for 107."""


@dataclass(frozen=True)
class RuntimeDir:
    """A folder that nobody else can look into."""

    path: Path

    @property
    def socket(self) -> Path:
        """Where the daemon listens."""
        return self.path / "daemon.sock"

    @property
    def containers(self) -> Path:
        """The folder that containers get: whoever has it mounted needs no way through ours."""
        return self.path / "containers"

    @property
    def daemon_lock(self) -> Path:
        """Held by the daemon for its life: whoever holds it is the one daemon. Its file names the process."""
        return self.path / "daemon.lock"

    @property
    def spawn_lock(self) -> Path:
        """Held by the client that starts a daemon."""
        return self.path / "spawn.lock"


def find() -> RuntimeDir:
    """The folder of this user, which is made where it is missing.

    Raises DaemonError where others could look into it or put another one in its place, or it cannot be made.
    """
    found = RuntimeDir(_place())
    length = len(os.fsencode(found.socket))
    if length > LONGEST:
        raise DaemonError(
            f"the socket {found.socket} would have a path of {length} bytes, and the system takes {LONGEST}; "
            f"set {VARIABLE} to a folder with a shorter name"
        )
    try:
        found.path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise DaemonError(f"{storage_error(error, f'make the folder {found.path}')}; set {VARIABLE}") from error
    if fault := _fault(found.path):
        raise DaemonError(fault)
    return found


def require_socket(path: Path) -> bool:
    """Whether a socket is at `path`; False for nothing. Raises DaemonError for anything else, a link among it."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DaemonError(str(storage_error(error, f"look at {path}"))) from error
    if not stat.S_ISSOCK(mode):
        raise DaemonError(f"{path} is no socket, and speakkit did not put it there; remove it")
    return True


class Lock:
    """A lock on a file, until it is released or the process ends, however it ends.

    The file is never deleted: whoever waited would hold a lock on a file that nobody else finds. It is not inherited.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)

    def write(self, text: str) -> None:
        """Leave a note for those who find it locked."""
        os.pwrite(self._descriptor, text.encode(), 0)
        os.ftruncate(self._descriptor, len(text.encode()))


def try_lock(path: Path) -> Lock | None:
    """The lock of a file, or None where somebody has it. Raises DaemonError where the file cannot be opened."""
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise DaemonError(
            f"{storage_error(error, f'lock {path}')}; set {VARIABLE} to a folder on this machine"
        ) from error
    return Lock(descriptor)


def is_locked(path: Path) -> bool:
    """Whether somebody has the lock of a file at this moment."""
    lock = try_lock(path)
    if lock is None:
        return True
    lock.release()
    return False


def _place() -> Path:
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).absolute()
    # Cron, sudo and some agents have lost the variable: without its usual value they would find another daemon.
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    if base.is_absolute() and not _fault(base):
        return base / "speakkit"
    return Path(f"/tmp/speakkit-{os.geteuid()}")  # noqa: S108  it is checked


def _fault(folder: Path) -> str | None:
    """Why a folder is not to be trusted."""
    try:
        found = folder.lstat()
    except OSError as error:
        return str(storage_error(error, f"look at {folder}"))
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is no folder of its own but a link or a file; remove it, or set {VARIABLE} to another folder"
    if found.st_uid != os.geteuid():
        return f"the folder {folder} belongs to another user; set {VARIABLE} to a folder of your own"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"others can look into the folder {folder}; try: chmod 700 {shlex.quote(str(folder))}"
    return None


def _opened(path: Path) -> int:
    """A file of ours, made where it is missing."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise DaemonError(f"{storage_error(error, f'open {path}')}; it must be a file of your own") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        os.close(descriptor)
        raise DaemonError(f"{path} is no regular file of yours; remove it")
    return descriptor
