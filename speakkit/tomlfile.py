"""Read small user-edited TOML files with the line of each key, and replace them atomically."""

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

LARGEST = 64 << 10
"""Default of the largest accepted file, in bytes: a thousand settings. Reading one takes 0.2 s at most."""

DEEPEST = 32
"""Maximum parts of a dotted key: the time that tomllib takes for a key grows with the square of its parts."""

PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
KEY = re.compile(rf"\s*({PART}(?:\s*\.\s*{PART})*)\s*=")
HEADER = re.compile(rf"\s*\[\[?\s*({PART}(?:\s*\.\s*{PART})*)\s*\]")
TOO_DEEP = re.compile(rf"(?<![\w.-])(?:{PART}[ \t]*\.[ \t]*){{{DEEPEST}}}")
POSITION = re.compile(r"\(at [^)]*\)$")


@dataclass(frozen=True)
class TomlFile:
    """The content of a TOML file; a missing file is empty.

    text: the source text
    values: the parsed values, as returned by tomllib
    """

    path: Path
    text: str
    values: Mapping[str, Any]

    def where(self, *keys: str) -> str:
        """The position of a key, or of its table, such as "config.toml line 3"; the file name if no line is found."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self._lines:
                return f"{self.path.name} line {self._lines[keys[:length]]}"
        return self.path.name

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        """Path of a table or key -> line number, by a scan, because tomllib reports none. Inline keys have no line."""
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


def read(path: Path, *, private: bool = False, largest: int = LARGEST) -> TomlFile:
    """Read the file at `path`, which may be missing.

    private: refuse a file that other users can read or change, and quote none of its text in errors
    largest: maximum bytes of the file
    Raises ConfigError if the file cannot be read, is too large, is not TOML, or should be private and is not.
    """
    text = _text(path, private=private, largest=largest)
    return TomlFile(path, text, parsed(path, text, private=private))


def parsed(path: Path, text: str, *, private: bool = False) -> dict[str, Any]:
    """`text` parsed by tomllib. Raises ConfigError, which names `path`, if it is not TOML, or nested too deep."""
    if found := TOO_DEEP.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ConfigError(f"{path} cannot be used: a key has more than {DEEPEST} parts (at line {line})")
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
    """Hold the lock of the file at `path`. Creates its folder, with mode 0700, if missing. Raises StorageError."""
    import filelock  # noqa: PLC0415  its import takes longer than all the rest of reading settings

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
    """Replace the file's content by `text` atomically. The caller must hold the lock.

    A new file is readable by its owner only. If `path` is a link, its target is replaced. Raises StorageError.
    """
    target = Path(os.path.realpath(path))
    scratch = target.with_name(f".{target.name}.partial")
    try:
        scratch.unlink(missing_ok=True)  # a killed run may have left one
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
    """Opener that does not block if the path is a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _text(path: Path, *, private: bool, largest: int) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(f"{path} is no regular file")
            if private:
                _require_private(path, found)
            raw = file.read(largest + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ConfigError(str(storage_error(error, f"read {path}"))) from error
    if len(raw) > largest:
        raise ConfigError(f"{path} is larger than {largest >> 10} KB, the maximum; shorten it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (at offset {error.start})") from None


def _require_private(path: Path, found: os.stat_result) -> None:
    """Raises ConfigError if another user can read the file, or replace it."""
    user = os.geteuid()
    if found.st_uid != user:
        raise ConfigError(f"{path} belongs to another user; remove it, and store your keys anew")
    if path.is_symlink() and Path(os.path.realpath(path)).parent.stat().st_uid != user:
        raise ConfigError(f"{path} links into a folder of another user; put the file itself in place of the link")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(f"{path} can be read or changed by others; try: chmod 600 {shlex.quote(str(path))}")


def _open_quotes(line: str, before: str) -> str:
    """The delimiter of a multi-line string that is still open after `line`, or ""; `before`: the same before it."""
    if before:
        return "" if before in line else before
    is_comment = line.lstrip().startswith("#")
    return "" if is_comment else next((quotes for quotes in ('"""', "'''") if line.count(quotes) % 2), "")


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(PART, dotted))
