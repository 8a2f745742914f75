"""Control of the media players of macOS, Music and Spotify, through AppleScript. Unverified.

Other players are not supported: MediaRemote, the interface for all players, is closed to other programs since
macOS 15.4.
"""

import asyncio
from collections.abc import Callable

from speakkit.playback import environment, subprocesses
from speakkit.playback.holding import PlayerChange, PlayerState, PlayerStatus, Unanswered, Unreachable
from speakkit.playback.holds import HeldPlayer

PROGRAM = "osascript"

APPS = {"Music": "persistent ID of current track", "Spotify": "id of current track"}
"""Name of a program -> the AppleScript expression that identifies its current track."""

LONGEST = 60.0
"""Timeout of a script in seconds. It is long because the first script waits until the user has allowed it."""

RUNNING = "\n".join(
    [
        'set found to ""',
        *(f'if application "{app}" is running then set found to found & "{app}" & linefeed' for app in APPS),
        "return found",
    ]
)
"""AppleScript that returns the names of those APPS that are running, one per line."""

STATE = """
set theTrack to ""
try
set theTrack to {track}
end try
return (player state as text) & linefeed & theTrack
"""
"""AppleScript template that returns the player's state and the identifier of its track, as two lines."""


class Apps:
    """Remote for Music and Spotify. They send no signals, so changes to a paused player are found by polling."""

    glance = 2.0

    def __init__(self) -> None:
        self._turns = {app: asyncio.Lock() for app in ("", *APPS)}

    async def connect(self) -> None: ...

    async def players(self) -> list[HeldPlayer]:
        try:
            return [HeldPlayer(app, "") for app in (await self._said(RUNNING)).split("\n") if app in APPS]
        except Unanswered as error:
            raise Unreachable(f"{PROGRAM} does not run") from error

    async def state(self, player: HeldPlayer) -> PlayerState:
        status, _, track = (await self._told(player, STATE.format(track=APPS[player.name]))).partition("\n")
        if status not in set(PlayerStatus):  # such as fast forwarding
            raise Unanswered
        return PlayerState(PlayerStatus(status), can_be_paused=True, track=track)

    async def pause(self, player: HeldPlayer) -> None:
        await self._told(player, "pause")

    async def play(self, player: HeldPlayer) -> None:
        await self._told(player, "play")

    async def watch(self, player: HeldPlayer, heard: Callable[[PlayerChange], None]) -> None: ...

    def unwatch(self, player: HeldPlayer) -> None: ...

    async def close(self) -> None: ...

    async def _told(self, player: HeldPlayer, script: str) -> str:
        """The output of `script` in a running program. `tell` alone would start a program that is not running."""
        if player.name not in APPS:
            raise Unanswered
        is_gone = f'if application "{player.name}" is not running then error "gone"'
        return await self._said(f'{is_gone}\ntell application "{player.name}"\n{script}\nend tell', player.name)

    async def _said(self, script: str, app: str = "") -> str:
        # The caller may time out while macOS still asks the user for permission: the script must keep running.
        return await asyncio.shield(asyncio.create_task(self._run(script, app)))

    async def _run(self, script: str, app: str) -> str:
        async with self._turns[app]:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(PROGRAM, "-e", script),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=environment.inherited(),
                    start_new_session=True,  # a Ctrl-C in the terminal must not reach it
                )
            except OSError as error:
                raise Unanswered from error
            try:
                said, _ = await asyncio.wait_for(process.communicate(), LONGEST)
            except TimeoutError as error:
                raise Unanswered from error
            finally:
                await subprocesses.end(process)
        if process.returncode:
            raise Unanswered
        return said.decode(errors="replace").strip()
