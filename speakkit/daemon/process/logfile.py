"""The daemon's log: what the daemon did, and never a text. Output of C libraries on standard error goes there too."""

import logging
import os
import sys
import threading
import traceback
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from speakkit import paths
from speakkit.errors import StorageError, storage_error
from speakkit.printable import printable

log = logging.getLogger(__name__)

SIZE = 1 << 20
"""Maximum bytes of a file."""

FILES = 3
"""Number of files: the current one, and daemon.log.1 and daemon.log.2."""

STANDARD_ERROR = 2


class Formatter(logging.Formatter):
    """Formats each record as one printable line, so that foreign text in it cannot imitate another record.

    Only a message whose template has a line break, as that of `log_bug`, has several lines.
    """

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        lines = text.split("\n") if "\n" in str(record.msg) else [text]
        return "\n".join(map(printable, lines))


class LogFile(RotatingFileHandler):
    """A log file that only its owner can read.

    Standard error is redirected to the file, and again after each rotation.
    """

    def __init__(self, path: Path) -> None:
        """Open the file at `path`. Raises StorageError if it cannot be written."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            super().__init__(path, maxBytes=SIZE, backupCount=FILES - 1, encoding="utf-8")
        except OSError as error:
            raise storage_error(error, f"write {path}") from error
        self.setFormatter(Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.baseFilename, flags, 0o600)
        os.fchmod(descriptor, 0o600)  # a file that exists may have another mode
        os.dup2(descriptor, STANDARD_ERROR)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def doRollover(self) -> None:  # noqa: N802  logging's own name
        """Rotate. If the older files cannot be moved, start the current one anew, so that its size stays bounded."""
        try:
            super().doRollover()
        except OSError:
            with suppress(OSError):
                os.truncate(self.baseFilename, 0)
            self._reopen()

    def rotate_if_full(self) -> None:
        """Rotate if the file is too large, and make it again if it was removed. Never raises OSError.

        Call it periodically: output of C libraries counts as well.
        """
        self.acquire()
        try:
            if Path(self.baseFilename).stat().st_size > SIZE:
                self.doRollover()
        except OSError:
            self._reopen()
        finally:
            self.release()

    def _reopen(self) -> None:
        """Open the file again; if that fails, the next record tries once more."""
        if self.stream:
            self.stream.close()
        self.stream = None
        with suppress(OSError):
            Path(self.baseFilename).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.stream = self._open()


def start() -> LogFile | None:
    """Send all log records to the file. Returns None if it cannot be written: a missing log must not stop speech."""
    logging.raiseExceptions = False  # a full disk must not stop speech either
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
    """Log a bug by its type and traceback, without its message, which may quote a text."""
    frames = "".join(traceback.format_tb(error.__traceback__)) if error else ""
    log.error("a bug: %s\n%s", type(error).__name__, frames)


def last_lines(count: int) -> list[str]:
    """The last `count` lines of the log, oldest first; empty if there is no log. Raises StorageError."""
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
