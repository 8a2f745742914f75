"""Control of media players over D-Bus, as on Linux desktops, by https://specifications.freedesktop.org/mpris/latest/.

A player is addressed by its unique name, because a new process behind the same well-known name is another player.
Only `Pause` and `Play` are used: `PlayPause` would start a player that is already paused, and `Stop` loses the place.
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
"""A proxy for another player, which is listed too."""

FLOOD = 300
"""Signals of a paused player after which its signals are ignored: each costs time that audio needs."""

STATUSES = {status.value.capitalize(): status for status in PlayerStatus}
"""PlaybackStatus of MPRIS -> PlayerStatus."""


@dataclass
class _Watched:
    """A player whose signals are handled.

    heard: called with each change
    signals: number of signals so far
    """

    heard: Callable[[PlayerChange], None]
    signals: int = 0


class Desktop:
    """Remote for the media players on the session bus."""

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
        # Some players own two names, such as vlc and vlc.instance123: the first is used.
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
        """The open connection. Raises Unanswered if it is broken."""
        if not (self._bus and self._bus.is_open):
            raise Unanswered
        return self._bus

    def _ignore(self, owner: str) -> None:
        with suppress(Unanswered):
            self._open().send(DAEMON, "RemoveMatch", _rule(owner))

    async def _owner(self, name: str) -> str:
        """The unique name of the owner of a well-known name; "" if it has no owner any more."""
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
    """The D-Bus match rule for property changes of a player."""
    return (
        f"type='signal',sender='{owner}',path='{PATH}',interface='{PROPERTIES}',"
        f"member='PropertiesChanged',arg0='{INTERFACE}'"
    )


def _change(properties: dict[Any, Any]) -> PlayerChange:
    """The change that `properties` describe; malformed properties are ignored."""
    status = _value(properties, "PlaybackStatus")
    metadata = _value(properties, "Metadata")
    track = _value(metadata, "mpris:trackid") if isinstance(metadata, dict) else None
    return PlayerChange(STATUSES.get(str(status)), track if isinstance(track, str) else None)


def _value(properties: dict[Any, Any], name: str) -> Any:
    """The value of a property without its D-Bus type; None if it is missing or malformed."""
    match properties.get(name):
        case (str(), value):
            return value
    return None
