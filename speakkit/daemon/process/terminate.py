"""Ends a daemon that does not answer, and never a stranger that was given its number."""

import os
import signal
import time

from speakkit.daemon.process import lifecycle, peer, rundir
from speakkit.daemon.process.rundir import RuntimeDir
from speakkit.errors import DaemonError

GONE = 5.0
"""Seconds in which the system takes away what was killed."""


def kill(place: RuntimeDir) -> int | None:
    """End the daemon at once, and give back its number; None where there is none.

    Raises DaemonError where it is not certain which process it is, or it does not go.
    """
    process = send(place, signal.SIGKILL)
    if process and not wait(place, GONE):
        raise DaemonError(f"the daemon, process {process}, was killed and does not go; see what it waits for")
    return process


def send(place: RuntimeDir, number: signal.Signals) -> int | None:
    """Send the daemon a signal, and give back its number; None where there is none. Raises as `kill`."""
    if not rundir.is_locked(place.daemon_lock):
        return None
    process, start = _noted(place)
    _require_listening(place, process)
    if not hasattr(os, "pidfd_open"):
        raise DaemonError(f"the daemon does not answer, and must be ended by hand: kill -{number.value} {process}")
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return None
    try:
        # From here on the number cannot be given to another: it is the process that was started then, or it is not.
        if lifecycle.started(process) != start:
            raise DaemonError(f"{place.daemon_lock} names a process that is no more, and yet is locked; try again")
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return None
    finally:
        os.close(handle)
    return process


def wait(place: RuntimeDir, seconds: float) -> bool:
    """Whether nobody holds the daemon's lock, within some seconds."""
    until = time.monotonic() + seconds
    for pause in lifecycle.pauses():
        if not rundir.is_locked(place.daemon_lock):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return False


def _noted(place: RuntimeDir) -> tuple[int, int]:
    """Number and start of the process that has the lock, as it wrote them down."""
    try:
        process, start = map(int, place.daemon_lock.read_text().split())
    except (OSError, ValueError):
        raise DaemonError(f"{place.daemon_lock} does not say which process has it; try again") from None
    return process, start


def _require_listening(place: RuntimeDir, process: int) -> None:
    """Raises DaemonError where the kernel says that another process listens at the socket, such as systemd."""
    channel = lifecycle.reach(place.socket)
    if channel is None:
        return
    with channel:
        found = peer.of(channel)
    if found and found.pid not in (None, process):
        raise DaemonError(
            f"process {found.pid} listens at {place.socket}, and {process} is the daemon; "
            "if systemd started it: systemctl --user stop speakkit.service"
        )
