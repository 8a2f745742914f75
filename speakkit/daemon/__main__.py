"""`python -m speakkit.daemon`: becomes the user's daemon, says so on standard error, and serves while it is needed."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from speakkit import config
from speakkit.config import Settings
from speakkit.daemon.containers import listener
from speakkit.daemon.containers.listener import Containers
from speakkit.daemon.process import failpoints, lifecycle, logfile, rundir, version
from speakkit.daemon.process.lifecycle import Published
from speakkit.daemon.process.logfile import LogFile
from speakkit.daemon.process.spawn import READY
from speakkit.daemon.server import Server
from speakkit.daemon.speaking import scheduler
from speakkit.daemon.speaking.controller import Controller
from speakkit.daemon.speaking.loudspeaker import Loudspeaker
from speakkit.daemon.wire.messages import Mode
from speakkit.errors import ExitCode, SpeakkitError
from speakkit.playback import media, sinks
from speakkit.playback.beep import sound_of
from speakkit.playback.events import Event
from speakkit.playback.media import Interlude

log = logging.getLogger(__name__)


def main() -> int:
    """The program. Whoever started it reads its standard error until that ends: the last line says how it went."""
    try:
        return _run()
    except SpeakkitError as error:
        with suppress(OSError):
            print(f"speakkitd: {error}", file=sys.stderr, flush=True)  # noqa: T201  nobody else has this stream
        return error.exit_code


def _run() -> int:
    lifecycle.harden()
    settings, place, ours = config.load(), rundir.find(), version.mine()
    passed = lifecycle.passed()
    lock = lifecycle.claim(place, is_passed=passed is not None)
    if lock is None:
        _tell(sys.stderr.fileno(), f"{READY}: a daemon is there already")
        return ExitCode.DONE
    with lock:
        published = passed or lifecycle.publish(place)
        told = os.dup(sys.stderr.fileno())
        file = logfile.start()
        log.info("starts: speakkit %s, idle exit %g s", ours.version, settings.idle_exit)
        where = f"{published.path}, and {f'the log is {file.baseFilename}' if file else 'there is no log'}"
        guests = listener.listen(place, settings) if settings.containers else None
        asyncio.run(_serve(published, settings, file, told, where, guests))
    return ExitCode.DONE


async def _serve(
    published: Published, settings: Settings, file: LogFile | None, told: int, where: str, guests: Containers | None
) -> None:
    loop = asyncio.get_running_loop()
    loudspeaker = partial(_loudspeaker, settings, published.path.parent)
    controller = Controller(loudspeaker, settings.keep_alive, autosave=settings.autosave, place=scheduler.PLACE)
    idle_exit = -1.0 if guests else settings.idle_exit  # a container can start no daemon
    server = Server(published, controller, idle_exit, logfile=file, containers=guests)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, server.end, Mode.now, number.name)
    failpoints.at("before_ready")
    _tell(told, f"{READY}: {where}")
    os.close(told)
    await server.run()


def _loudspeaker(settings: Settings, folder: Path, tell: Callable[[Event], None]) -> Loudspeaker:
    """As the settings have it. A beep that cannot be read is none, since speech matters more."""
    interlude = Interlude(lambda: media.players(folder, settings.media_ignore)) if settings.media else None
    beep = b""
    try:
        beep = sound_of(settings.beep, settings.beep_volume)
    except SpeakkitError as error:
        log.warning("%s", error)
    return Loudspeaker(tell, sinks.opener(settings.sink), interlude, beep)


def _tell(descriptor: int, line: str) -> None:
    """Say a line to whoever may listen."""
    with suppress(OSError):
        os.write(descriptor, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
