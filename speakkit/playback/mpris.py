"""The players of a Linux desktop, and of whatever else has D-Bus: https://specifications.freedesktop.org/mpris/latest/.

A player is called by its unique name: a new one behind the same well-known name is another player. `Pause` and `Play`
are all that it is asked for, since `PlayPause` starts what is paused already, and `Stop` loses the place.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from speakkit.playback.bus import DAEMON, Bus, Interface
from speakkit.playback.holding import PlayerChange, PlayerState, PlayerStatus, Unanswered, Unreachable
from speakkit.playback.holds import HeldPlayer

PREFIX = "org.mpris.MediaPlayer2."
PATH = "/org/mpris/MediaPlayer2"
INTERFACE = "org.mpris.MediaPlayer2.Player"
PROPERTIES = "org.freedesktop.DBus.Properties"

PROXY = "playerctld"
"""Stands for another player, which is there too."""

FLOOD = 300
"""So many signals while it is paused, and a player is listened to no longer: each costs time that sound needs."""

STATUSES = {status.value.capitalize(): status for status in PlayerStatus}


@dataclass
class _Watched:
    """A player that is listened to; signals: how many came."""

    heard: Callable[[PlayerChange], None]
    signals: int = 0


class Desktop:
    """A Remote for them."""

    glance = 5.0

    def __init__(self) -> None:
        self._bus: Bus | None = None
        self._turn = asyncio.Lock()
        self._watched: dict[str, _Watched] = {}

    async def connect(self) -> None:
        async with self._turn:
            if not (self._bus and self._bus.is_open):
                self._bus = await Bus.open(self._told)

    async def players(self) -> list[HeldPlayer]:
        try:
            names = [str(name) for answer in await self._open().call(DAEMON, "ListNames") for name in answer]
        except Unanswered as error:
            raise Unreachable("the D-Bus session bus is gone") from error
        known = sorted(name for name in names if name.startswith(PREFIX) and name != PREFIX + PROXY)
        owners = await asyncio.gather(*(self._owner(name) for name in known))
        # Some have two names, such as vlc and vlc.instance123: the first counts.
        first = {owner: name for name, owner in reversed(list(zip(known, owners, strict=True))) if owner}
        return [HeldPlayer(name.removeprefix(PREFIX), owner) for owner, name in reversed(first.items())]

    async def state(self, player: HeldPlayer) -> PlayerState:
        found = await self._open().call(_of(player, PROPERTIES), "GetAll", INTERFACE)
        properties = found[0] if found and isinstance(found[0], dict) else {}
        change = _change(properties)
        if change.status is None:
            raise Unanswered
        can_be_paused = all(_value(properties, name) is True for name in ("CanPause", "CanControl"))
        return PlayerState(change.status, can_be_paused, change.track or "")

    async def pause(self, player: HeldPlayer) -> None:
        self._open().send(_of(player, INTERFACE), "Pause")

    async def play(self, player: HeldPlayer) -> None:
        await self._open().call(_of(player, INTERFACE), "Play")

    async def watch(self, player: HeldPlayer, heard: Callable[[PlayerChange], None]) -> None:
        self._watched[player.owner] = _Watched(heard)
        await self._open().call(DAEMON, "AddMatch", _rule(player.owner))

    def unwatch(self, player: HeldPlayer) -> None:
        if self._watched.pop(player.owner, None):
            self._ignore(player.owner)

    async def close(self) -> None:
        if self._bus:
            await self._bus.close()

    def _open(self) -> Bus:
        """Raises Unanswered where the bus is gone."""
        if not (self._bus and self._bus.is_open):
            raise Unanswered
        return self._bus

    def _ignore(self, owner: str) -> None:
        with suppress(Unanswered):
            self._open().send(DAEMON, "RemoveMatch", _rule(owner))

    async def _owner(self, name: str) -> str:
        """The unique name behind a well-known one, "" where it has just gone."""
        with suppress(Unanswered):
            (owner,) = await self._open().call(DAEMON, "GetNameOwner", name)
            return str(owner)
        return ""

    def _told(self, owner: str, body: Any) -> None:
        watched = self._watched.get(owner)
        if not watched or watched.signals > FLOOD:
            return
        watched.signals += 1
        if watched.signals > FLOOD:
            self._ignore(owner)
        match body:
            case (str(interface), dict(properties), *_) if interface == INTERFACE:
                watched.heard(_change(properties))


def _of(player: HeldPlayer, interface: str) -> Interface:
    return Interface(player.owner, PATH, interface)


def _rule(owner: str) -> str:
    """Which signals are wanted."""
    return (
        f"type='signal',sender='{owner}',path='{PATH}',interface='{PROPERTIES}',"
        f"member='PropertiesChanged',arg0='{INTERFACE}'"
    )


def _change(properties: dict[Any, Any]) -> PlayerChange:
    """What properties say, as far as they have the form that they should have."""
    status = _value(properties, "PlaybackStatus")
    metadata = _value(properties, "Metadata")
    track = _value(metadata, "mpris:trackid") if isinstance(metadata, dict) else None
    return PlayerChange(STATUSES.get(str(status)), track if isinstance(track, str) else None)


def _value(properties: dict[Any, Any], name: str) -> Any:
    """A property without its type; None where there is no such one."""
    match properties.get(name):
        case (str(), value):
            return value
    return None
