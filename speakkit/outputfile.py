"""Write files whole or not at all, and never over a file of another kind, unless forced."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

from speakkit.errors import StorageError, storage_error

LINKS = 40
"""Symbolic links that are followed at most, as in Linux."""

OPEN_TO_ALL = stat.S_ISVTX | stat.S_IWOTH
"""Mode bits of a folder in which all users can create files, such as /tmp."""


@dataclass(frozen=True)
class Kind:
    """A kind of file, which may replace an existing file of the same kind.

    name: its name in error messages, such as "audio"
    matches: whether an existing file is of this kind
    """

    name: str
    matches: Callable[[Path], bool]


def check(target: str | Path, kind: Kind, *, force: bool = False) -> None:
    """Check that `target` can be written, before the work that makes its content.

    Raises StorageError if the folder is missing or not writable, if `target` is a folder, if it is another user's link
    in a folder that all users share, or, without `force`, if it is a file with content that is not of `kind`.
    """
    path = Path(target)
    with storage_errors(f"write {target}"):
        folder = _followed(path).parent
        if not folder.is_dir():
            raise StorageError(f"cannot write {target}: there is no folder {folder}")
        if path.is_dir():
            raise StorageError(f"cannot write {target}: it is a folder")
        if not os.access(path if _is_special(path) else folder, os.W_OK):
            raise StorageError(f"cannot write {target}: the folder {folder} is not writable")
        if not force and _is_other(path, kind):
            raise StorageError(f"{target} exists and is no {kind.name} file; to overwrite it, add --force")


@contextmanager
def replaced(target: str | Path, kind: Kind, *, force: bool = False) -> Iterator[BinaryIO]:
    """A temporary file that replaces `target` when the block succeeds; if the block fails, nothing is left behind.

    If a file that may not be overwritten was created meanwhile, or if the file cannot be put in place, it is saved
    beside it, and the error names it. A device or pipe gets the content at the end.
    Raises StorageError, also if the disk is full.
    """
    path = Path(target)
    with storage_errors(f"write {target}"):
        followed = _followed(path)
        if _is_special(path):
            with tempfile.TemporaryFile() as spool:
                yield spool
                spool.seek(0)
                _send(spool, path)
            return
        handle, name = tempfile.mkstemp(prefix=".speakkit-", suffix=".part", dir=followed.parent)
        scratch = Path(name)
        with ExitStack() as unless_complete:
            unless_complete.callback(scratch.unlink, missing_ok=True)
            with open(handle, "w+b") as file:
                yield file
                os.fchmod(file.fileno(), _mode(followed))
            unless_complete.pop_all()
        _put_in_place(scratch, followed, kind, force=force)


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Raise an OSError of the block as a StorageError. `what`: as for `storage_error`."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(error, what) from error


def _send(spool: BinaryIO, path: Path) -> None:
    """Write the content of `spool` to a device or pipe. Raises StorageError if it has become a file."""
    with open(path, "wb", opener=lambda name, _: os.open(name, os.O_WRONLY)) as device:
        if stat.S_ISREG(os.fstat(device.fileno()).st_mode):
            raise StorageError(f"cannot write {path}: it was a pipe or device, and is a file now")
        shutil.copyfileobj(spool, device)


def _put_in_place(scratch: Path, path: Path, kind: Kind, *, force: bool) -> None:
    """Rename a complete file to `path`. If that fails, raise StorageError with the name that it got instead."""
    try:
        with storage_errors(f"write {path}"):
            _replace(scratch, path, kind, force=force)
    except StorageError as error:
        if not scratch.exists():
            raise StorageError(f"cannot write {path}: its folder, or the temporary file in it, was removed") from error
        raise StorageError(f"{error}; the complete file was saved as {_saved(scratch, path)}") from error


def _replace(scratch: Path, path: Path, kind: Kind, *, force: bool) -> None:
    """Rename a file to `path`. Raises StorageError if there is a file that may not be overwritten."""
    if _is_renamed(scratch, path):
        return
    if _is_special(path) or (not force and _is_other(path, kind)):
        raise StorageError(f"{path} exists and is no {kind.name} file")
    scratch.replace(path)


def _is_renamed(scratch: Path, path: Path) -> bool:
    """Rename a file to `path` if there is no such file yet. Returns whether it was renamed."""
    try:
        os.link(scratch, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links, or another fault, which the renaming meets too
        if os.path.lexists(path):
            return False
        scratch.replace(path)
    else:
        scratch.unlink()
    return True


def _saved(scratch: Path, path: Path) -> Path:
    """Rename a file to a free name similar to that of `path`, and return its path, also if it cannot be renamed."""
    with suppress(OSError):
        for number in count(1):
            spare = path.with_name(f"{path.stem[:40]}.{number}{path.suffix[:20]}")  # at most 255 bytes in UTF-8
            if _is_renamed(scratch, spare):
                return spare
    return scratch


def _followed(path: Path) -> Path:
    """The absolute path with all symbolic links followed. Raises StorageError as `_require_trusted` does."""
    here = path.absolute()
    for _ in range(LINKS):
        link = next((part for part in (*reversed(here.parents), here) if part.is_symlink()), None)
        if link is None:
            return here
        _require_trusted(link)
        here = link.parent / link.readlink() / here.relative_to(link)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _require_trusted(link: Path) -> None:
    """Raise StorageError if another user put the link into a folder that all users share, such as /tmp.

    Linux has the same rule, fs.protected_symlinks, but only for files that are opened, not for those that are replaced.
    """
    folder, owner = link.parent.stat(), link.lstat().st_uid
    if folder.st_mode & OPEN_TO_ALL == OPEN_TO_ALL and owner not in (os.geteuid(), folder.st_uid):
        raise StorageError(f"cannot write through {link}: it is a link of another user; write to another folder")


def _is_special(path: Path) -> bool:
    """Whether there is a device or pipe at `path`."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _is_other(path: Path, kind: Kind) -> bool:
    """Whether there is a file at `path` that has content and is not of `kind`."""
    with storage_errors(f"read {path}"):
        return path.is_file() and bool(path.stat().st_size) and not kind.matches(path)


def _mode(path: Path) -> int:
    """The permission bits of the file to be replaced, or those of a new file."""
    with suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
