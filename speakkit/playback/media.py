"""Pause other media players during speech, and resume them at the same place.

Speech is delayed by at most PATIENCE, even if a player does not respond. If this process is killed, the next one
resumes the players that it had paused, unless two minutes have passed or the user has changed them since.
"""

import asyncio
import logging
import os
import platform
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any, Protocol

from speakkit.playback.holding import Holding, Remote, Seen

PATIENCE = 0.24
"""Seconds that speech waits for players to pause, so that it is delayed by at most 0.25 s."""

GLUE = 0.8
"""Seconds between a burst and the resume. If another burst begins before, players stay paused."""

CLOSING = 2.0
"""Timeout in seconds for players to resume when the interlude is closed."""

log = logging.getLogger(__name__)


class MediaPlayers(Protocol):
    """The media players of a platform. Calls must not overlap: each waits for the one before."""

    async def hold(self) -> None:
        """Pause the playing players. Returns when they are silent, or after half a second."""

    async def release(self) -> None:
        """Resume the paused players, except those that the user has changed since."""

    async def recover(self) -> None:
        """Resume the players that a killed process had paused, and get ready to hold."""

    async def seen(self) -> list[Seen]:
        """All running players. Raises Unreachable."""

    async def close(self) -> None:
        """Resume the paused players, and release all resources."""


class Nobody:
    """MediaPlayers without any player: for the setting `media` off, and for unsupported systems."""

    async def hold(self) -> None: ...

    async def release(self) -> None: ...

    async def recover(self) -> None: ...

    async def seen(self) -> list[Seen]:
        return []

    async def close(self) -> None: ...


def players(folder: Path, ignore: Sequence[str] = ()) -> MediaPlayers:
    """The media players of this machine. Must be called in the event loop.

    folder: the runtime directory, private to the user
    ignore: the setting media_ignore
    """
    remote = _remote()
    return Holding(remote, folder, ignore) if remote else Nobody()


def seen(ignore: Sequence[str] = ()) -> list[Seen]:
    """The media players that run on this machine now. Raises Unreachable if they cannot be listed."""

    async def look() -> list[Seen]:
        found = players(Path(os.devnull), ignore)  # nothing is written, since nothing is paused
        try:
            return await found.seen()
        finally:
            await found.close()

    return asyncio.run(look())


def _remote() -> Remote | None:
    if sys.platform == "win32" or "microsoft" in platform.release().lower():  # on WSL, players run in Windows
        from speakkit.playback.gsmtc import Sessions  # noqa: PLC0415  each platform loads its own

        return Sessions()
    if sys.platform == "darwin":
        from speakkit.playback.applescript import Apps  # noqa: PLC0415  likewise

        return Apps()
    if sys.platform.startswith(("linux", "freebsd")):
        from speakkit.playback.mpris import Desktop  # noqa: PLC0415  likewise, and jeepney

        return Desktop()
    return None


class Interlude:
    """Holds the media players while bursts of speech follow one another, on a thread of its own."""

    def __init__(self, players: Callable[[], MediaPlayers], *, patience: float = PATIENCE, glue: float = GLUE) -> None:
        """Does not start the thread yet.

        players: makes the MediaPlayers; called on the thread on first use
        patience: longest wait of `begin`, in seconds
        glue: seconds between the end of a burst and the resume
        """
        self._make = players
        self._patience = patience
        self._glue = glue
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        # Used by the thread only:
        self._players: MediaPlayers | None = None
        self._turn = asyncio.Lock()
        self._in_burst = False
        self._is_holding = False
        self._release_soon: asyncio.TimerHandle | None = None

    def recover(self) -> None:
        """Resume the players that a killed process had paused, without blocking. Call it at the start."""
        self._order(self._recover())

    def begin(self) -> None:
        """Pause the playing players for a burst. Returns when they are silent, after `patience` at the latest."""
        if order := self._order(self._begin()):
            futures.wait([order], self._patience)

    def end(self) -> None:
        """Report the end of a burst, without blocking: the players resume after `glue` seconds."""
        self._order(self._end())

    def close(self) -> None:
        """Resume the paused players and end the thread, in CLOSING seconds at most. Later calls do nothing."""
        order = self._order(self._close())
        with self._lock:
            self._is_closed = True
        if order and self._loop:
            futures.wait([order], CLOSING)
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _order(self, job: Coroutine[Any, Any, None]) -> "futures.Future[None] | None":
        with self._lock:
            if self._is_closed:
                job.close()
                return None
            if not self._loop:
                self._loop = self._started()
            order = asyncio.run_coroutine_threadsafe(job, self._loop)
        order.add_done_callback(_report)
        return order

    def _started(self) -> asyncio.AbstractEventLoop:
        """The event loop of a new thread."""
        loops: futures.Future[asyncio.AbstractEventLoop] = futures.Future()

        def run() -> None:
            with asyncio.Runner() as runner:
                loops.set_result(runner.get_loop())
                runner.get_loop().run_forever()

        threading.Thread(target=run, name="media", daemon=True).start()
        return loops.result()

    def _ours(self) -> MediaPlayers:
        self._players = self._players or self._make()
        return self._players

    async def _recover(self) -> None:
        await self._ours().recover()

    async def _begin(self) -> None:
        self._in_burst = True
        if self._release_soon:
            self._release_soon.cancel()
        async with self._turn:
            if not self._is_holding:
                self._is_holding = True
                await self._ours().hold()

    async def _end(self) -> None:
        self._in_burst = False
        if self._release_soon:
            self._release_soon.cancel()
        loop = asyncio.get_running_loop()
        self._release_soon = loop.call_later(self._glue, lambda: self._order(self._release()))

    async def _release(self) -> None:
        async with self._turn:
            if self._is_holding and not self._in_burst:
                self._is_holding = False
                await self._ours().release()

    async def _close(self) -> None:
        async with self._turn:
            if self._players:
                await self._players.close()


def _report(order: "futures.Future[None]") -> None:
    if not order.cancelled() and (error := order.exception()):
        log.error("media: %s", type(error).__name__, exc_info=error)
