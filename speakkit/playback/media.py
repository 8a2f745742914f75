"""Other people's music: it pauses once while speech sounds, and comes back exactly.

Whatever players do, speech is delayed by no more than PATIENCE; and whatever happens to this process, the next one
plays again what it had paused, unless two minutes have passed or somebody has touched it since.
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
"""Seconds that speech waits for silence, so that it is delayed by at most 0.25."""

GLUE = 0.8
"""Seconds after a burst until music plays again; where another burst begins before, it stays paused."""

CLOSING = 2.0
"""Seconds in which music plays again at the end."""

log = logging.getLogger(__name__)


class MediaPlayers(Protocol):
    """The players of a platform. Each method waits for the one before."""

    async def hold(self) -> None:
        """Pause what plays; returns when it is silent, or after half a second."""

    async def release(self) -> None:
        """Play what was paused, but for what somebody else has touched since."""

    async def recover(self) -> None:
        """Play what a process that was killed had paused, and be ready to hold."""

    async def seen(self) -> list[Seen]:
        """All that are there. Raises Unreachable."""

    async def close(self) -> None:
        """Release, and be of no more use."""


class Nobody:
    """Where there is nothing to pause: with the setting `media` off, and on systems of which we know no players."""

    async def hold(self) -> None: ...

    async def release(self) -> None: ...

    async def recover(self) -> None: ...

    async def seen(self) -> list[Seen]:
        return []

    async def close(self) -> None: ...


def players(folder: Path, ignore: Sequence[str] = ()) -> MediaPlayers:
    """Those of this machine; call it in the event loop.

    folder: the runtime directory, the user's alone
    ignore: the setting media_ignore
    """
    remote = _remote()
    return Holding(remote, folder, ignore) if remote else Nobody()


def seen(ignore: Sequence[str] = ()) -> list[Seen]:
    """All players of this machine at this moment, for people. Raises Unreachable where nobody tells of them."""

    async def look() -> list[Seen]:
        found = players(Path(os.devnull), ignore)  # nothing is written, since nothing is paused
        try:
            return await found.seen()
        finally:
            await found.close()

    return asyncio.run(look())


def _remote() -> Remote | None:
    if sys.platform == "win32" or "microsoft" in platform.release().lower():  # on WSL it is Windows that plays
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
    """Speech between music: holds players for as long as bursts follow one another, on a thread of its own."""

    def __init__(self, players: Callable[[], MediaPlayers], *, patience: float = PATIENCE, glue: float = GLUE) -> None:
        """`players` is called on that thread, when they are needed first.

        patience: seconds for which `begin` waits at most; glue: seconds until music plays again
        """
        self._make = players
        self._patience = patience
        self._glue = glue
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        # What only the thread touches:
        self._players: MediaPlayers | None = None
        self._turn = asyncio.Lock()
        self._in_burst = False
        self._is_holding = False
        self._release_soon: asyncio.TimerHandle | None = None

    def recover(self) -> None:
        """Play what a process that was killed had paused, and be ready. Call it at the start; it does not wait."""
        self._order(self._recover())

    def begin(self) -> None:
        """A burst begins: pause what plays. Returns when it is silent, and after `patience` in any case."""
        if order := self._order(self._begin()):
            futures.wait([order], self._patience)

    def end(self) -> None:
        """A burst has ended: what was paused plays again soon. Does not wait."""
        self._order(self._end())

    def close(self) -> None:
        """Play at once what was paused, and end; takes CLOSING seconds at most. Nothing that is called later counts."""
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
        """The loop of a new thread."""
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
