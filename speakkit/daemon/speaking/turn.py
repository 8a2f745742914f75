"""The lock that a daemon holds while it plays, so that two daemons of a user are never heard at once.

If the runtime folder is removed while a daemon speaks, the next client starts another one in a new folder. This lock is
in another folder, beside the log, where the new daemon finds it held, and waits until the old one has finished.
"""

import logging
import os
import platform
import threading
from pathlib import Path

from speakkit.daemon.process import rundir
from speakkit.errors import DaemonError

log = logging.getLogger(__name__)

PAUSE = 0.05
"""Seconds between two attempts to take the lock."""


class Turn:
    """The right to play. `take` and `give_back` are called on one thread, `close` on any.

    waits_for: id of the process whose speech is waited for, or None
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is that of the lock file. Machines that share the folder have loudspeakers of their own."""
        self.waits_for: int | None = None
        self._path = folder / f"{platform.node()}.lock"
        self._lock: rundir.Lock | None = None
        self._is_closed = threading.Event()

    def take(self) -> None:
        """Take the lock. Returns when no other daemon plays, or after `close`. Without a file, playback goes on."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            while (lock := rundir.try_lock(self._path)) is None and not self._is_closed.wait(PAUSE):
                self._wait_for(rundir.holder(self._path))
        except (OSError, DaemonError) as error:
            log.warning("another daemon could be heard at the same time: %s", error)
            return
        finally:
            self.waits_for = None
        self._lock = lock
        if lock:
            lock.write(f"{os.getpid()}\n")

    def give_back(self) -> None:
        """Release the lock, if it is held."""
        if self._lock:
            self._lock.release()
            self._lock = None

    def close(self) -> None:
        """Wait no longer."""
        self._is_closed.set()

    def _wait_for(self, process: int | None) -> None:
        if self.waits_for is None and process is not None:
            log.info("waits until process %d, another daemon, has spoken", process)
        self.waits_for = process
