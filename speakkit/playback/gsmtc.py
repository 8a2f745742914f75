"""Control of the media players of Windows, also from WSL, through its media sessions. Unverified.

The sessions are those of GlobalSystemMediaTransportControls. `data/gsmtc.ps1` accesses them, in one PowerShell process
that is kept, because it takes a second or more to start.
"""

import asyncio
import base64
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from speakkit import paths
from speakkit.playback import environment, subprocesses
from speakkit.playback.holding import PlayerChange, PlayerState, PlayerStatus, Unanswered, Unreachable
from speakkit.playback.holds import HeldPlayer

PROGRAM = "powershell.exe"
USUAL = Path("/mnt/c/Windows/System32/WindowsPowerShell/v1.0") / PROGRAM
"""Its usual path in WSL, for when the PATH of Windows is not available there."""

START = 5.0
"""Timeout in seconds for PowerShell to be ready."""

AGAIN = 60.0
"""Seconds between two attempts to start it, if it was not ready."""

END = 1.0
"""Timeout in seconds for it to end by itself."""


class Sessions:
    """Remote for the media sessions of Windows.

    A change to a paused session is found by polling: it is noticed if the session plays or is gone a second later.
    """

    glance = 1.0

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._start: asyncio.Task[None] | None = None
        self._started_at = 0.0
        self._reader: asyncio.Task[None] | None = None
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def connect(self) -> None:
        if self._process:
            return
        if not self._start or (self._start.done() and time.monotonic() > self._started_at + AGAIN):
            self._started_at = time.monotonic()
            self._start = asyncio.create_task(self._run())
        await asyncio.shield(self._start)  # the start must continue even if this call times out
        if not self._process:
            raise Unreachable(f"{PROGRAM} has ended")

    async def players(self) -> list[HeldPlayer]:
        try:
            return [HeldPlayer(session, "") for session in await self._sessions()]
        except Unanswered as error:
            raise Unreachable(f"{PROGRAM} has ended") from error

    async def state(self, player: HeldPlayer) -> PlayerState:
        sessions = await self._sessions()
        if player.name not in sessions:
            raise Unanswered
        return sessions[player.name]

    async def pause(self, player: HeldPlayer) -> None:
        await self._ask("pause", id=player.name)

    async def play(self, player: HeldPlayer) -> None:
        await self._ask("play", id=player.name)

    async def watch(self, player: HeldPlayer, heard: Callable[[PlayerChange], None]) -> None: ...

    def unwatch(self, player: HeldPlayer) -> None: ...

    async def close(self) -> None:
        if self._start:
            self._start.cancel()
            with suppress(asyncio.CancelledError, Unreachable):
                await self._start
        if self._process:
            assert self._process.stdin
            self._process.stdin.close()
        if self._reader:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._reader), END)
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def _sessions(self) -> dict[str, PlayerState]:
        """State of each session by its name; if a program has several sessions, the first one is used."""
        answer = await self._ask("list")
        found: dict[str, PlayerState] = {}
        for session in answer.get("sessions", ()):
            match session:
                case {"id": str(name), "status": str(status), "can_pause": bool(can_be_paused)}:
                    # A session can also be closed, opened or changing.
                    known = PlayerStatus(status) if status in set(PlayerStatus) else PlayerStatus.stopped
                    found.setdefault(name, PlayerState(known, can_be_paused, ""))
        return found

    async def _ask(self, what: str, **more: str) -> dict[str, Any]:
        process = self._process
        if not process:
            raise Unanswered
        assert process.stdin
        self._number += 1
        number = self._number
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            process.stdin.write(json.dumps({"n": number, "do": what, **more}).encode() + b"\n")
            found: dict[str, Any] = await answer
        finally:
            del self._answers[number]
        if found.get("ok") is not True:
            raise Unanswered
        return found

    async def _run(self) -> None:
        """Start PowerShell, and wait until it is ready. Raises Unreachable if it does not start."""
        program = shutil.which(PROGRAM) or str(USUAL)
        script = (paths.data() / "gsmtc.ps1").read_text()
        encoded = base64.b64encode(script.encode("utf-16-le")).decode()
        try:
            process = await asyncio.create_subprocess_exec(
                *(program, "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment.inherited(),
                cwd=Path(program).parent,  # a Windows folder, so that it need not look up a WSL path
                start_new_session=True,  # a Ctrl-C in the terminal must not reach it
            )
        except OSError as error:
            raise Unreachable(f"{PROGRAM} cannot be started") from error
        try:
            await asyncio.wait_for(_ready(process), START)
        except (TimeoutError, ValueError, asyncio.CancelledError) as error:
            await subprocesses.end(process)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise Unreachable(f"{PROGRAM} cannot read the media sessions of Windows") from error
        self._process = process
        self._reader = asyncio.create_task(self._read(process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        try:
            with suppress(ValueError, OSError):
                while line := await process.stdout.readline():
                    answer = json.loads(line)
                    waiting = self._answers.get(answer.get("n", 0)) if isinstance(answer, dict) else None
                    if waiting and not waiting.done():
                        waiting.set_result(answer)
        finally:
            self._process = self._start = None
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(Unanswered())
            await subprocesses.end(process)


async def _ready(process: asyncio.subprocess.Process) -> None:
    """Wait for the line "ready". Raises ValueError if another line comes first, or the process ends."""
    assert process.stdout
    if (await process.stdout.readline()).decode("utf-8-sig").strip() != "ready":
        raise ValueError
