"""Small TOML files that people edit: read with the line of each key, and replaced whole or not at all."""

import os
import re
import shlex
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from speakkit.errors import ConfigError, storage_error

LARGEST = 1 << 20
"""Bytes: a thousand times what anyone writes by hand."""

PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
KEY = re.compile(rf"\s*({PART}(?:\s*\.\s*{PART})*)\s*=")
HEADER = re.compile(rf"\s*\[\[?\s*({PART}(?:\s*\.\s*{PART})*)\s*\]")
POSITION = re.compile(r"\(at [^)]*\)$")


@dataclass(frozen=True)
class TomlFile:
    """A file as it was read; one that is not there is empty.

    values: as tomllib reads them
    """

    path: Path
    text: str
    values: Mapping[str, Any]

    def where(self, *keys: str) -> str:
        """The place of a key, or of what holds it, such as "config.toml line 3"; the file where no line is found."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self._lines:
                return f"{self.path.name} line {self._lines[keys[:length]]}"
        return self.path.name

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        """Tables and keys -> lines, by a scan, since tomllib tells none. A key inside an inline table has no line."""
        lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        quotes = ""
        for number, line in enumerate(self.text.split("\n"), 1):
            inside, quotes = quotes, _open_quotes(line, quotes)
            if inside:
                continue
            if header := HEADER.match(line):
                table = _parts(header[1])
                lines.setdefault(table, number)
            elif key := KEY.match(line):
                lines.setdefault(table + _parts(key[1]), number)
        return lines


def read(path: Path, *, private: bool = False) -> TomlFile:
    """The file at `path`, which may be missing.

    private: refuse a file that others can read or change, and quote none of its text in an error
    Raises ConfigError where the file cannot be read, is no TOML, or is not private.
    """
    text = _text(path, private=private)
    return TomlFile(path, text, parsed(path, text, private=private))


def parsed(path: Path, text: str, *, private: bool = False) -> dict[str, Any]:
    """`text` as tomllib reads it. Raises ConfigError, which names `path`, where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        position = POSITION.search(str(error))
        reason = (position[0] if position else "") if private else f"{error}"
    except (ValueError, RecursionError):
        reason = "a number in it is too long, or a list too deep"
    raise ConfigError(f"{path} is not TOML: {reason[:1].lower()}{reason[1:]}".rstrip(": "))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of the file at `path`, whose folder is made for its owner alone. Raises StorageError."""
    import filelock  # noqa: PLC0415  it takes longer to load than all else that reading settings takes

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
        lock.acquire()
    except OSError as error:
        raise storage_error(error, f"write {path}") from error
    try:
        yield
    finally:
        lock.release()


def replace(path: Path, text: str) -> None:
    """Put `text` in the place of the file, whole or not at all; call it with the lock held.

    A new file can be read by its owner alone; a link stays one. Raises StorageError.
    """
    target = Path(os.path.realpath(path))
    scratch = target.with_name(f".{target.name}.partial")
    try:
        scratch.unlink(missing_ok=True)  # of a run that was killed
        with open(scratch, "xb", opener=_private) as file:
            if target.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        raise storage_error(error, f"write {path}") from error
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe in its place is not waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def _text(path: Path, *, private: bool) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(f"{path} is no regular file")
            if private:
                _require_private(path, found)
            raw = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ConfigError(str(storage_error(error, f"read {path}"))) from error
    if len(raw) > LARGEST:
        raise ConfigError(f"{path} is longer than {LARGEST >> 20} MB, which no file of settings is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (at offset {error.start})") from None


def _require_private(path: Path, found: os.stat_result) -> None:
    """Raises ConfigError where somebody else could read the file, or put another one in its place."""
    user = os.geteuid()
    if found.st_uid != user:
        raise ConfigError(f"{path} belongs to another user; remove it, and store your keys anew")
    if path.is_symlink() and Path(os.path.realpath(path)).parent.stat().st_uid != user:
        raise ConfigError(f"{path} leads to a folder of another user; put the file itself in its place")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(f"{path} can be read or changed by others; try: chmod 600 {shlex.quote(str(path))}")


def _open_quotes(line: str, before: str) -> str:
    """The quotes of a text of several lines that is still open after `line`."""
    if before:
        return "" if before in line else before
    is_comment = line.lstrip().startswith("#")
    return "" if is_comment else next((quotes for quotes in ('"""', "'''") if line.count(quotes) % 2), "")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(PART, dotted))
