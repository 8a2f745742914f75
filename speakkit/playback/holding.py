"""Pause the media players that are playing, and resume them, through the `Remote` of a platform.

One coroutine, `Holding._attend`, handles one player from the first query to its release: query its state -> write it
to the file -> pause it -> wait until it is paused -> wait until the speech is over -> resume it if it is still paused
on the same track
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from speakkit.playback.holds import HeldPlayer, Hold, Holds

ANSWER = 1.0
"""Timeout in seconds for a player to report its state; a slower player is not paused."""

HOLDING = 0.5
"""Timeout in seconds of `hold`. Players that were sent a pause by then may still pause later."""

LATE = 5.0
"""Seconds after which a player that did not obey a pause is left alone: if it pauses later, the user did that."""

RELEASING = 1.0
"""Timeout in seconds for players to resume, before the next ones are paused."""

GLANCES = (0.01, 0.25)
"""First and longest delay, in seconds, between two polls of a player that is about to pause; each delay doubles."""


class PlayerStatus(StrEnum):
    """Playback status of a media player."""

    playing = "playing"
    paused = "paused"
    stopped = "stopped"


@dataclass(frozen=True)
class PlayerState:
    """State reported by a media player.

    status: its playback status
    can_be_paused: whether it accepts a pause
    track: identifier of the current track, or "" if it reports none
    """

    status: PlayerStatus
    can_be_paused: bool
    track: str

    @property
    def is_pausable(self) -> bool:
        """Whether it is playing and can be paused."""
        return self.status is PlayerStatus.playing and self.can_be_paused


@dataclass(frozen=True)
class PlayerChange:
    """A change signalled by a media player. Fields that have not changed are None."""

    status: PlayerStatus | None
    track: str | None


@dataclass(frozen=True)
class Seen:
    """A media player, as it is listed for the user.

    status: None if it does not respond
    is_ignored: whether the setting media_ignore names it
    """

    name: str
    status: PlayerStatus | None
    is_ignored: bool


class Unreachable(Exception):
    """The interface to this platform's players is not available; the message says why."""


class Unanswered(Exception):
    """A player failed to carry out a request, or no longer exists."""


class Remote(Protocol):
    """Interface to a platform's media players. Its methods have no timeout: the caller must set one.

    glance: seconds between two polls of a paused player; short if the platform sends no signals
    """

    glance: float

    async def connect(self) -> None:
        """Connect to the platform's interface, unless connected. Raises Unreachable."""

    async def players(self) -> Sequence[HeldPlayer]:
        """The running players. Raises Unreachable."""

    async def state(self, player: HeldPlayer) -> PlayerState:
        """The current state of a player. Raises Unanswered."""

    async def pause(self, player: HeldPlayer) -> None:
        """Send a pause to a player, without waiting until it is paused. Raises Unanswered."""

    async def play(self, player: HeldPlayer) -> None:
        """Resume a player, and wait for its reply. Raises Unanswered."""

    async def watch(self, player: HeldPlayer, heard: Callable[[PlayerChange], None]) -> None:
        """Call `heard` with each change that the player signals, if the platform has signals. Raises Unanswered."""

    def unwatch(self, player: HeldPlayer) -> None:
        """Undo `watch`."""

    async def close(self) -> None:
        """Release all resources."""


class Holding:
    """The `media.MediaPlayers` of one platform, on top of its Remote. For use in one event loop."""

    def __init__(self, remote: Remote, folder: Path, ignore: Sequence[str] = ()) -> None:
        """Does not access the players or the platform yet.

        folder: the runtime directory, for the file of paused players
        ignore: names of players to leave alone, or the parts of names before a dot; upper and lower case are equal
        """
        self._remote = remote
        self._holds = Holds(folder)
        self._ignore = tuple(name.casefold() for name in ignore)
        self._over = asyncio.Event()
        self._over.set()
        self._attended: dict[HeldPlayer, asyncio.Task[None]] = {}
        self._paused: dict[HeldPlayer, Hold] = {}
        self._mute: set[HeldPlayer] = set()  # did not answer the last query; `hold` does not wait for it again

    async def hold(self) -> None:
        """Pause the playing players. Returns when all are silent, after HOLDING seconds at the latest.

        Players that cannot be paused keep playing.
        """
        self._over.clear()
        with suppress(Unreachable, TimeoutError):
            async with asyncio.timeout(HOLDING):
                await self._remote.connect()
                players = await self._remote.players()
                self._mute.intersection_update(players)
                silences = {player: self._start(player) for player in players if self._is_free(player)}
                if expected := [silence for player, silence in silences.items() if player not in self._mute]:
                    await asyncio.wait(expected)

    async def release(self) -> None:
        """Resume the paused players, except those that the user has changed since. Takes RELEASING seconds at most."""
        self._over.set()
        if ours := [self._attended[player] for player in self._paused]:
            await asyncio.wait(ours, timeout=RELEASING)

    async def recover(self) -> None:
        """Resume the players that a killed process had paused, and connect to the platform."""
        for hold in self._holds.left():
            self._start(hold.player, hold)
        with suppress(Unreachable):
            await self._remote.connect()

    async def seen(self) -> list[Seen]:
        """All running players. Raises Unreachable."""
        await self._remote.connect()
        try:
            async with asyncio.timeout(ANSWER):
                players = await self._remote.players()
        except TimeoutError as error:
            raise Unreachable("no player answers") from error
        return list(await asyncio.gather(*(self._seen(player) for player in players)))

    async def close(self) -> None:
        """Resume the paused players, and release all resources."""
        self._over.set()
        if tasks := list(self._attended.values()):
            _, late = await asyncio.wait(tasks, timeout=RELEASING)  # includes players that are about to pause
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._remote.close()

    def _is_free(self, player: HeldPlayer) -> bool:
        return player not in self._attended and not self._is_ignored(player)

    def _is_ignored(self, player: HeldPlayer) -> bool:
        name = player.name.casefold()
        return any(name == ignored or name.startswith(f"{ignored}.") for ignored in self._ignore)

    async def _seen(self, player: HeldPlayer) -> Seen:
        status = None
        with suppress(Unanswered, TimeoutError):
            status = (await self._state(player)).status
        return Seen(player.name, status, self._is_ignored(player))

    async def _state(self, player: HeldPlayer) -> PlayerState:
        async with asyncio.timeout(ANSWER):
            return await self._remote.state(player)

    def _start(self, player: HeldPlayer, left: Hold | None = None) -> asyncio.Future[None]:
        """Start `_attend` for a player. The future is done when the player is silent, or will not become so."""
        silent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._attended[player] = task = asyncio.create_task(self._attend(player, left, silent))
        task.add_done_callback(lambda _: self._attended.pop(player))
        return silent

    async def _attend(self, player: HeldPlayer, left: Hold | None, silent: asyncio.Future[None]) -> None:
        hold = left
        try:
            with suppress(Unanswered, Unreachable, TimeoutError, OSError):
                hold = left or await self._found_playing(player)
                if hold:
                    await self._keep(hold, silent, is_asked=bool(left))
        finally:
            if not silent.done():
                silent.set_result(None)
            self._paused.pop(player, None)
            if hold:
                with suppress(OSError):
                    self._holds.discard(player)
                self._remote.unwatch(player)

    async def _found_playing(self, player: HeldPlayer) -> Hold | None:
        self._mute.add(player)
        state = await self._state(player)
        self._mute.discard(player)
        can_begin = state.is_pausable and not self._over.is_set()
        return Hold(player, state.track, time.time()) if can_begin else None

    async def _keep(self, hold: Hold, silent: asyncio.Future[None], *, is_asked: bool) -> None:
        player = hold.player
        self._holds.add(hold)  # before the pause: it must be undone even if this process is killed
        await self._remote.connect()
        await self._remote.watch(player, lambda change: self._hear(player, change))
        if not is_asked:
            await self._remote.pause(player)
        track = await self._silence(hold)
        if is_asked and track != hold.track:
            return
        hold = replace(hold, track=track)  # the track may have changed since the query
        self._holds.add(hold)
        self._paused[player] = hold
        silent.set_result(None)
        if await self._is_to_go_on(hold):
            del self._paused[player]
            async with asyncio.timeout(RELEASING):
                await self._remote.play(player)

    async def _silence(self, hold: Hold) -> str:
        """Wait until a player is paused, and return its track. Raises Unanswered after LATE seconds."""
        left = min(LATE, hold.at + LATE - time.time())
        end, glance = time.monotonic() + left, GLANCES[0]
        while True:
            with suppress(TimeoutError):
                state = await self._state(hold.player)
                if state.status is PlayerStatus.paused:
                    return state.track
            if time.monotonic() > end:
                raise Unanswered
            await asyncio.sleep(glance)
            glance = min(2 * glance, GLANCES[1])

    def _hear(self, player: HeldPlayer, change: PlayerChange) -> None:
        """Handle a change of a paused player: speakkit did not make it, so the player is not resumed."""
        hold = self._paused.get(player)
        if hold and not _fits(
            hold, change.status or PlayerStatus.paused, hold.track if change.track is None else change.track
        ):
            self._attended[player].cancel()

    async def _is_to_go_on(self, hold: Hold) -> bool:
        """Wait until the speech is over. Returns whether the player still exists, paused on the same track."""
        tries = LATE // ANSWER
        while tries > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._remote.glance):
                    await self._over.wait()
            self._holds.refresh()
            is_over = self._over.is_set()
            tries -= is_over
            with suppress(TimeoutError):
                state = await self._state(hold.player)
                if not _fits(hold, state.status, state.track):
                    return False
                if is_over and self._over.is_set():  # otherwise speech has begun again during the query
                    async with asyncio.timeout(ANSWER):
                        return hold.player in await self._remote.players()
        return False


def _fits(hold: Hold, status: PlayerStatus, track: str) -> bool:
    return status is PlayerStatus.paused and track == hold.track
