"""Pauses what plays, and plays it again, over whatever a platform has for that.

All that happens to one player is told by one coroutine, `Holding._attend`, from the first look at it to its release:
look -> write down -> pause -> see it paused -> wait until the speech is over -> still the same, still paused? -> play
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
"""Seconds in which a player says what it does; one that is slower plays on."""

HOLDING = 0.5
"""Seconds after which those who wait for silence wait no longer. Players that were asked may still pause."""

LATE = 5.0
"""Seconds after which a player that was asked to pause and did not is left alone: who pauses it then is a person."""

RELEASING = 1.0
"""Seconds in which players play again, before the next ones are paused."""

GLANCES = (0.01, 0.25)
"""Seconds between two looks at a player that is about to pause: at first, and at most; each is twice the last."""


class PlayerStatus(StrEnum):
    """What a player does."""

    playing = "playing"
    paused = "paused"
    stopped = "stopped"


@dataclass(frozen=True)
class PlayerState:
    """What a player says of itself.

    track: names what it plays, "" where it does not tell
    """

    status: PlayerStatus
    can_be_paused: bool
    track: str

    @property
    def is_pausable(self) -> bool:
        """Whether there is something to pause, and a way to."""
        return self.status is PlayerStatus.playing and self.can_be_paused


@dataclass(frozen=True)
class PlayerChange:
    """What a player said without being asked; None for what has not changed."""

    status: PlayerStatus | None
    track: str | None


@dataclass(frozen=True)
class Seen:
    """A player, for people.

    status: None where it does not answer
    """

    name: str
    status: PlayerStatus | None
    is_ignored: bool


class Unreachable(Exception):
    """Nobody answers for the players of this platform; the message says why."""


class Unanswered(Exception):
    """A player does not do what it was asked for, or is gone."""


class Remote(Protocol):
    """A platform's players. Whatever asks them may wait for ever: those who call limit it.

    glance: seconds between two looks at a player that is paused; short where it tells nothing unasked
    """

    glance: float

    async def connect(self) -> None:
        """Be ready, if it is not so already. Raises Unreachable."""

    async def players(self) -> Sequence[HeldPlayer]:
        """Those that are there. Raises Unreachable."""

    async def state(self, player: HeldPlayer) -> PlayerState:
        """What it does. Raises Unanswered."""

    async def pause(self, player: HeldPlayer) -> None:
        """Ask it to pause, without waiting until it has. Raises Unanswered."""

    async def play(self, player: HeldPlayer) -> None:
        """Let it play, and wait for its answer. Raises Unanswered."""

    async def watch(self, player: HeldPlayer, heard: Callable[[PlayerChange], None]) -> None:
        """Call `heard` with what it says, if this platform's players say anything. Raises Unanswered."""

    def unwatch(self, player: HeldPlayer) -> None:
        """Do so no longer."""

    async def close(self) -> None:
        """Let go of everything."""


class Holding:
    """The players of one platform, as `media` wants them. For one event loop."""

    def __init__(self, remote: Remote, folder: Path, ignore: Sequence[str] = ()) -> None:
        """Touches neither players nor platform.

        folder: the runtime directory, for the file of what is paused
        ignore: names of players that are left alone, or what they begin with before a dot, in any case
        """
        self._remote = remote
        self._holds = Holds(folder)
        self._ignore = tuple(name.casefold() for name in ignore)
        self._over = asyncio.Event()
        self._over.set()
        self._attended: dict[HeldPlayer, asyncio.Task[None]] = {}
        self._paused: dict[HeldPlayer, Hold] = {}
        self._mute: set[HeldPlayer] = set()  # did not answer when it was asked last; nobody waits for it again

    async def hold(self) -> None:
        """Pause what plays. Returns when all of it is silent, but after HOLDING seconds; what cannot pause plays on."""
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
        """Play what was paused, but for what somebody else has touched since. Returns after RELEASING seconds."""
        self._over.set()
        if ours := [self._attended[player] for player in self._paused]:
            await asyncio.wait(ours, timeout=RELEASING)

    async def recover(self) -> None:
        """Play what a process that was killed had paused, and be ready for what is to come."""
        for hold in self._holds.left():
            self._start(hold.player, hold)
        with suppress(Unreachable):
            await self._remote.connect()

    async def seen(self) -> list[Seen]:
        """All players that are there. Raises Unreachable."""
        await self._remote.connect()
        try:
            async with asyncio.timeout(ANSWER):
                players = await self._remote.players()
        except TimeoutError as error:
            raise Unreachable("no player answers") from error
        return list(await asyncio.gather(*(self._seen(player) for player in players)))

    async def close(self) -> None:
        """Play what was paused, and let go of everything."""
        self._over.set()
        if tasks := list(self._attended.values()):
            _, late = await asyncio.wait(tasks, timeout=RELEASING)  # also those that are about to pause
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
        """Attend to a player. What is returned is done when it is silent, or is not going to be."""
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
        self._holds.add(hold)  # before the pause: it must be undone whatever happens to this process
        await self._remote.connect()
        await self._remote.watch(player, lambda change: self._hear(player, change))
        if not is_asked:
            await self._remote.pause(player)
        track = await self._silence(hold)
        if is_asked and track != hold.track:
            return
        hold = replace(hold, track=track)  # it may have ended in between
        self._holds.add(hold)
        self._paused[player] = hold
        silent.set_result(None)
        if await self._is_to_go_on(hold):
            del self._paused[player]
            async with asyncio.timeout(RELEASING):
                await self._remote.play(player)

    async def _silence(self, hold: Hold) -> str:
        """Wait until a player is paused; returns what it would play. Raises Unanswered where it is too late."""
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
        """What a paused player tells of: it was not we who did that, so it is no longer ours."""
        hold = self._paused.get(player)
        if hold and not _fits(
            hold, change.status or PlayerStatus.paused, hold.track if change.track is None else change.track
        ):
            self._attended[player].cancel()

    async def _is_to_go_on(self, hold: Hold) -> bool:
        """Wait until nobody speaks. Returns whether the player is still there, and as we left it."""
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
                if is_over and self._over.is_set():  # else somebody began to speak while it answered
                    async with asyncio.timeout(ANSWER):
                        return hold.player in await self._remote.players()
        return False


def _fits(hold: Hold, status: PlayerStatus, track: str) -> bool:
    return status is PlayerStatus.paused and track == hold.track
