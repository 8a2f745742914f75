"""The daemon's log: what it did, and never a text. What C libraries print on standard error ends there too."""

import logging
import os
import sys
import threading
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from speakkit import paths
from speakkit.errors import StorageError, storage_error

log = logging.getLogger(__name__)

SIZE = 1 << 20
"""Bytes of a file."""

FILES = 3
"""The one that is written, and those before it: daemon.log.1 and daemon.log.2."""

STANDARD_ERROR = 2


class LogFile(RotatingFileHandler):
    """A file for its owner alone, which standard error leads to: that descriptor follows it when files are changed."""

    def __init__(self, path: Path) -> None:
        """Raises StorageError where it cannot be written."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            super().__init__(path, maxBytes=SIZE, backupCount=FILES - 1, encoding="utf-8")
        except OSError as error:
            raise storage_error(error, f"write {path}") from error
        self.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.baseFilename, flags, 0o600)
        os.fchmod(descriptor, 0o600)  # an older one may have been made by hand
        os.dup2(descriptor, STANDARD_ERROR)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def rotate_if_full(self) -> None:
        """What C libraries print counts as well: ask for this now and then."""
        self.acquire()
        try:
            if Path(self.baseFilename).stat().st_size > SIZE:
                self.doRollover()
        finally:
            self.release()


def start() -> LogFile | None:
    """Have everything logged from here on; nothing where no log can be written: that must not stop a voice."""
    logging.raiseExceptions = False  # nor must a disk that is full
    sys.excepthook = lambda _, error, __: log_bug(error)
    threading.excepthook = lambda found: log_bug(found.exc_value)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    try:
        handler = LogFile(paths.daemon_log())
    except StorageError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), STANDARD_ERROR)
        root.handlers = [logging.NullHandler()]
        return None
    root.handlers = [handler]
    return handler


def log_bug(error: BaseException | None) -> None:
    """Note a bug by its name and its place: what it says may quote a text."""
    frames = "".join(traceback.format_tb(error.__traceback__)) if error else ""
    log.error("a bug: %s\n%s", type(error).__name__, frames)


def last_lines(count: int) -> list[str]:
    """The end of the log, the oldest line first; none where there is no log. Raises StorageError."""
    path = paths.daemon_log()
    lines: list[str] = []
    for file in (path, path.with_name(f"{path.name}.1")):
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines() + lines
        except FileNotFoundError:
            break
        except OSError as error:
            raise storage_error(error, f"read {file}") from error
        if len(lines) >= count:
            break
    return lines[max(len(lines) - count, 0) :]
