"""What was paused and is to be played again, in a file: if this process is killed, the next one reads it.

The file is in the runtime directory, which is the user's alone, and tells what somebody listens to: it is, too.
"""

import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "media.json"

OLDEST = 120.0
"""Seconds since a file was written or refreshed. Whoever finds music paused for longer has seen to it."""

LARGEST = 1 << 16
"""Bytes: hundreds of players."""


@dataclass(frozen=True)
class HeldPlayer:
    """A program that plays.

    name: for people, and for the setting media_ignore
    owner: what tells it from one of the same name that was started later, "" where nothing does
    """

    name: str
    owner: str


@dataclass(frozen=True)
class Hold:
    """A player that was asked to pause.

    track: what it played, "" where it does not tell
    at: seconds of time.time()
    """

    player: HeldPlayer
    track: str
    at: float


class Holds:
    """All of them, in memory and in the file, which is there only while there are some."""

    def __init__(self, folder: Path) -> None:
        """`folder` must be the user's alone, and be there."""
        self._path = folder / NAME
        self._holds: dict[HeldPlayer, Hold] = {}

    def add(self, hold: Hold) -> None:
        """Remember one. Raises OSError where the file cannot be written."""
        self._holds[hold.player] = hold
        self._write()

    def discard(self, player: HeldPlayer) -> None:
        """Forget one. Raises OSError where the file cannot be written."""
        if self._holds.pop(player, None):
            self._write()

    def refresh(self) -> None:
        """Tell that whoever wrote the file is alive."""
        with suppress(OSError):
            os.utime(self._path, follow_symlinks=False)

    def left(self) -> list[Hold]:
        """Those in a file that is not too old. Whatever is no such file, or can be changed by others, has none."""
        with suppress(OSError, ValueError, RecursionError):
            return list(_holds(json.loads(self._read())))
        return []

    def _read(self) -> bytes:
        with open(self._path, "rb", opener=_unfollowed) as file:
            found = os.fstat(file.fileno())
            is_private = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
            is_fresh = abs(time.time() - found.st_mtime) <= OLDEST
            return file.read(LARGEST) if is_private and is_fresh else b"[]"

    def _write(self) -> None:
        if not self._holds:
            self._path.unlink(missing_ok=True)
            return
        rows = [
            {"name": hold.player.name, "owner": hold.player.owner, "trackid": hold.track, "at": hold.at}
            for hold in self._holds.values()
        ]
        scratch = self._path.with_name(f".{NAME}.partial")
        scratch.unlink(missing_ok=True)  # of a process that was killed
        with open(scratch, "xb", opener=_unfollowed) as file:
            file.write(json.dumps(rows).encode())
        scratch.replace(self._path)


def _unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)


def _holds(rows: Any) -> Iterator[Hold]:
    """Raises ValueError for what nobody here wrote."""
    for row in rows if isinstance(rows, list) else ():
        match row:
            case {"name": str(name), "owner": str(owner), "trackid": str(track), "at": float(at)}:
                yield Hold(HeldPlayer(name, owner), track, at)
