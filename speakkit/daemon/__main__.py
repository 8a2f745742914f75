"""`python -m speakkit.daemon`: starts the user's daemon, reports the result on standard error, and serves."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from speakkit import config, paths
from speakkit.config import Settings
from speakkit.daemon.containers import listener
from speakkit.daemon.containers.listener import Containers
from speakkit.daemon.handler import Combined
from speakkit.daemon.process import failpoints, lifecycle, logfile, rundir, version
from speakkit.daemon.process.lifecycle import Published
from speakkit.daemon.process.logfile import LogFile
from speakkit.daemon.process.rundir import Lock
from speakkit.daemon.process.spawn import READY
from speakkit.daemon.server import Server
from speakkit.daemon.speaking import scheduler
from speakkit.daemon.speaking.controller import Controller
from speakkit.daemon.speaking.loudspeaker import Loudspeaker
from speakkit.daemon.speaking.turn import Turn
from speakkit.daemon.transcription import recognizer
from speakkit.daemon.transcription.controller import TranscriptionController
from speakkit.daemon.wire.messages import Mode
from speakkit.engines import locations
from speakkit.errors import ExitCode, SpeakkitError
from speakkit.playback import media, sinks
from speakkit.playback.beep import sound_of
from speakkit.playback.events import Event
from speakkit.playback.media import Interlude
from speakkit.printable import printable

log = logging.getLogger(__name__)


def main() -> int:
    """Run the program. The parent process reads its standard error to the end; the last line is the result."""
    try:
        return _run()
    except SpeakkitError as error:
        with suppress(OSError):
            print(printable(f"speakkitd: {error}"), file=sys.stderr, flush=True)  # noqa: T201  only here
        return error.exit_code


def _run() -> int:
    """Become the daemon and serve, or report that one is running. Raises SpeakkitError if the daemon cannot start."""
    lifecycle.harden()
    locations.use(config.locations, fetches=False)  # for the voices that containers may request
    settings, place, ours = config.load(), rundir.find(), version.mine()
    passed = lifecycle.passed()
    lock = lifecycle.claim(place, is_passed=passed is not None)
    if lock is None:
        _tell(sys.stderr.fileno(), f"{READY}: a daemon is running already")
        return ExitCode.DONE
    with lock:
        published = passed or lifecycle.publish(place)
        told = os.dup(sys.stderr.fileno())
        file = logfile.start()
        log.info("starts: speakkit %s, idle exit %g s", ours.version, settings.idle_exit)
        where = f"{published.path}, and {f'the log is {file.baseFilename}' if file else 'there is no log'}"
        guests = listener.listen(place, settings) if settings.containers else None
        asyncio.run(_serve(published, lock, settings, file, told, where, guests))
    return ExitCode.DONE


async def _serve(
    published: Published,
    lock: Lock,
    settings: Settings,
    file: LogFile | None,
    told: int,
    where: str,
    guests: Containers | None,
) -> None:
    """Serve until the daemon ends.

    told: descriptor for the `READY` line, closed after it was written; where: paths of socket and log, for that line
    guests: the listener for containers, or None
    """
    loop = asyncio.get_running_loop()
    loudspeaker = partial(_loudspeaker, settings, published.path.parent)

    def keeps_place() -> bool:
        return server.keeps_place()

    speech = Controller(
        loudspeaker,
        settings.keep_alive,
        autosave=settings.autosave,
        place=scheduler.PLACE,
        keeps_place=keeps_place,
    )
    transcriptions = TranscriptionController(settings.keep_alive, place=recognizer.PLACE, keeps_place=keeps_place)
    work = Combined(transcriptions, speech)
    idle_exit = -1.0 if guests else settings.idle_exit  # never: a container cannot start a daemon
    server = Server(published, work, idle_exit, logfile=file, containers=guests, lock=lock)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, server.end, Mode.now, number.name)
    failpoints.at("before_ready")
    _tell(told, f"{READY}: {where}")
    os.close(told)
    await server.run()


def _loudspeaker(settings: Settings, folder: Path, tell: Callable[[Event], None]) -> Loudspeaker:
    """The `Loudspeaker` of these settings. A beep that cannot be read is left out: speech matters more."""
    interlude = Interlude(lambda: media.players(folder, settings.media_ignore)) if settings.media else None
    beep = b""
    try:
        beep = sound_of(settings.beep, settings.beep_volume)
    except SpeakkitError as error:
        log.warning("%s", error)
    return Loudspeaker(tell, sinks.opener(settings.sink), Turn(paths.playback_locks()), interlude, beep)


def _tell(descriptor: int, line: str) -> None:
    """Write a line to a descriptor. Write errors are ignored: the parent process may have closed its end."""
    with suppress(OSError):
        os.write(descriptor, f"{printable(line)}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
