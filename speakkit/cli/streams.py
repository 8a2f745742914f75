"""Standard output and standard error of the programs, for any encoding, and for a full disk behind them."""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from speakkit.errors import storage_error

OUTPUT, MESSAGES = 1, 2
"""Descriptors of standard output and standard error."""

SIZES = ("COLUMNS", "LINES")
"""Variables that override the size of the terminal."""


class _Output(io.FileIO):
    """Standard output. The first write that fails raises StorageError, or BrokenPipeError if its reader has closed it.

    Later writes are dropped: Python writes what it still holds when it exits.
    """

    is_broken = False

    def write(self, data: memoryview) -> int | None:  # type: ignore[override]
        if self.is_broken:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self.is_broken = True
            if isinstance(error, BrokenPipeError):
                raise
            raise storage_error(error, "write standard output") from error


class _Messages(io.FileIO):
    """Standard error. A message that cannot be written is dropped, because speech matters more."""

    def write(self, data: memoryview) -> int | None:  # type: ignore[override]
        with suppress(OSError):
            return super().write(data)
        return len(data)


@contextmanager
def opened() -> Iterator[None]:
    r"""Replace `sys.stdout` and `sys.stderr` for the duration of a block.

    What they cannot encode is written as an escape, such as \xe9. A write to standard output raises StorageError if it
    fails; a write to standard error never fails. An invalid size of the terminal is removed from the environment.
    """
    for name in SIZES:
        if not re.fullmatch("[1-9][0-9]{0,4}", os.environ.get(name, "1")):
            del os.environ[name]  # Rich fails on a superscript, and prints nothing into 0 columns
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _text(OUTPUT, _Output, sys.stdout), _text(MESSAGES, _Messages, sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _text(descriptor: int, kind: type[io.FileIO], before: TextIO | None) -> TextIO:
    """The text stream of a descriptor. before: Python's own stream; None if the parent process has closed it."""
    if before is None:
        _occupy(descriptor)
    raw = kind(descriptor, "w", closefd=False)
    encoding = before.encoding if before else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True)


def _occupy(descriptor: int) -> None:
    """Open a closed descriptor so that writing to it fails; else the next file that is opened would get its number."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), descriptor)
