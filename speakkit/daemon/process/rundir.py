"""The runtime folder of a user's daemon: its place, its permissions, and the lock files in it."""

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
"""Maximum bytes of the socket's path on macOS; Linux allows 107."""


@dataclass(frozen=True)
class RuntimeDir:
    """A folder that no other user can enter. path: of the folder."""

    path: Path

    @property
    def socket(self) -> Path:
        """The socket at which the daemon listens."""
        return self.path / "daemon.sock"

    @property
    def containers(self) -> Path:
        """The folder that is mounted into containers; a container needs no access to the runtime folder itself."""
        return self.path / "containers"

    @property
    def daemon_lock(self) -> Path:
        """Lock file that the daemon holds while it runs, so that there is only one. It contains its process id."""
        return self.path / "daemon.lock"

    @property
    def spawn_lock(self) -> Path:
        """Lock file that a client holds while it starts a daemon."""
        return self.path / "spawn.lock"


def find() -> RuntimeDir:
    """The runtime folder of this user, created if it is missing.

    Raises DaemonError if other users could read or replace it, if its path is too long, or if it cannot be created.
    """
    found = RuntimeDir(_place())
    length = len(os.fsencode(found.socket))
    if length > LONGEST:
        raise DaemonError(
            f"the socket {found.socket} would have a path of {length} bytes; the maximum is {LONGEST}; "
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
    """Whether a socket is at `path`; False if nothing is. Raises DaemonError for other files, links included."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DaemonError(str(storage_error(error, f"look at {path}"))) from error
    if not stat.S_ISSOCK(mode):
        raise DaemonError(f"{path} is not a socket, and speakkit did not create it; remove it")
    return True


class Lock:
    """A lock on a file, held until it is released or the process ends for any reason.

    The file is never deleted, because a process that waits for it would then hold a lock on a file that no other
    process finds. Child processes do not inherit the lock.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor, self._path = descriptor, path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)

    @property
    def is_found(self) -> bool:
        """Whether other processes still find this file at its path; if not, they can lock another one there."""
        return inode(self._path) == _identity(os.fstat(self._descriptor))

    def write(self, text: str) -> None:
        """Replace the file's content, which other processes can read."""
        os.pwrite(self._descriptor, text.encode(), 0)
        os.ftruncate(self._descriptor, len(text.encode()))


def try_lock(path: Path) -> Lock | None:
    """The lock of a file, or None if it is held. Raises DaemonError if the file cannot be opened or locked."""
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
    return Lock(descriptor, path)


def is_locked(path: Path) -> bool:
    """Whether any process holds the lock of a file now."""
    lock = try_lock(path)
    if lock is None:
        return True
    lock.release()
    return False


def holder(path: Path) -> int | None:
    """Id of the process that last held the lock of a file, as written there by it; None if there is none."""
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def inode(path: Path) -> tuple[int, int] | None:
    """Device and inode number of the file at `path`; None if there is none."""
    try:
        return _identity(path.lstat())
    except OSError:
        return None


def _place() -> Path:
    """Path of the runtime folder: from the environment variable, XDG_RUNTIME_DIR, /run/user, or in /tmp."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).absolute()
    # Cron, sudo and some agents do not set XDG_RUNTIME_DIR: without its usual value they would use another daemon.
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")
    if base.is_absolute() and not _fault(base):
        return base / "speakkit"
    return Path(f"/tmp/speakkit-{os.geteuid()}")  # noqa: S108  `find` checks its owner and mode


def _fault(folder: Path) -> str | None:
    """Why a folder is not safe to use; None if it is."""
    try:
        found = folder.lstat()
    except OSError as error:
        return str(storage_error(error, f"look at {folder}"))
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is a link or a file, not a folder; remove it, or set {VARIABLE} to another folder"
    if found.st_uid != os.geteuid():
        return f"the folder {folder} belongs to another user; set {VARIABLE} to a folder of your own"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"other users can access the folder {folder}; try: chmod 700 {shlex.quote(str(folder))}"
    return None


def _opened(path: Path) -> int:
    """Descriptor of a regular file of this user, created if it is missing. Raises DaemonError if it is not one."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise DaemonError(f"{storage_error(error, f'open {path}')}; it must be a file of your own") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        os.close(descriptor)
        raise DaemonError(f"{path} is not a regular file of yours; remove it")
    return descriptor


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
