"""A file of the media players that were paused. If this process is killed, the next one reads it and resumes them.

The file is private (mode 0600), because it shows what the user listens to. It is in the runtime directory, which is
private too.
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
"""Seconds since the last write or refresh after which a file is ignored: by then, the user has resumed the music."""

LARGEST = 1 << 16
"""Bytes of the file that are read at most: enough for hundreds of players."""


@dataclass(frozen=True)
class HeldPlayer:
    """Identity of a media player.

    name: as shown to the user, and matched by the setting media_ignore
    owner: distinguishes it from a later player of the same name; "" if the platform has no such identifier
    """

    name: str
    owner: str


@dataclass(frozen=True)
class Hold:
    """A player that was sent a pause.

    track: identifier of its track, or "" if it reports none
    at: time of the pause, in seconds of time.time()
    """

    player: HeldPlayer
    track: str
    at: float


class Holds:
    """The current holds, in memory and in the file. The file exists only while there are any."""

    def __init__(self, folder: Path) -> None:
        """`folder` must exist, and be private to the user."""
        self._path = folder / NAME
        self._holds: dict[HeldPlayer, Hold] = {}

    def add(self, hold: Hold) -> None:
        """Add a hold, or replace that of the same player. Raises OSError if the file cannot be written."""
        self._holds[hold.player] = hold
        self._write()

    def discard(self, player: HeldPlayer) -> None:
        """Remove the hold of a player. Raises OSError if the file cannot be written."""
        if self._holds.pop(player, None):
            self._write()

    def refresh(self) -> None:
        """Update the file's time stamp, which shows that this process is alive."""
        with suppress(OSError):
            os.utime(self._path, follow_symlinks=False)

    def left(self) -> list[Hold]:
        """The holds in the file; none if it is older than OLDEST, malformed, or accessible to other users."""
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
        scratch.unlink(missing_ok=True)  # a killed process may have left one
        with open(scratch, "xb", opener=_unfollowed) as file:
            file.write(json.dumps(rows).encode())
        scratch.replace(self._path)


def _unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)


def _holds(rows: Any) -> Iterator[Hold]:
    """The holds of the valid rows; other rows are skipped."""
    for row in rows if isinstance(rows, list) else ():
        match row:
            case {"name": str(name), "owner": str(owner), "trackid": str(track), "at": float(at)}:
                yield Hold(HeldPlayer(name, owner), track, at)
