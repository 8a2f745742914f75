"""Ends a daemon that does not answer, and never another process that has reused its process id."""

import os
import signal
import time

from speakkit.daemon.process import lifecycle, peer, rundir
from speakkit.daemon.process.rundir import RuntimeDir
from speakkit.errors import DaemonError

GONE = 5.0
"""Seconds within which a killed process must disappear."""


def kill(place: RuntimeDir) -> int | None:
    """Kill the daemon. Returns its process id; None if none runs.

    Raises DaemonError if it is not certain which process it is, or if the process does not end.
    """
    process = send(place, signal.SIGKILL)
    if process and not wait(place, GONE):
        raise DaemonError(f"the daemon, process {process}, was killed but has not ended; see what it waits for")
    return process


def send(place: RuntimeDir, number: signal.Signals) -> int | None:
    """Send a signal to the daemon. Returns its process id; None if none runs. Raises as `kill`."""
    if not rundir.is_locked(place.daemon_lock):
        return None
    process, start = _noted(place)
    _require_listening(place, process)
    if not hasattr(os, "pidfd_open"):
        raise DaemonError(f"the daemon does not answer; end it with: kill -{number.value} {process}")
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return None
    try:
        # The handle stays bound to one process; the start time tells whether that is the daemon.
        if lifecycle.started(process) != start:
            raise DaemonError(f"{place.daemon_lock} is locked, but names a process that has ended; try again")
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return None
    finally:
        os.close(handle)
    return process


def wait(place: RuntimeDir, seconds: float) -> bool:
    """Whether the daemon's lock becomes free within `seconds`."""
    until = time.monotonic() + seconds
    for pause in lifecycle.pauses():
        if not rundir.is_locked(place.daemon_lock):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return False


def _noted(place: RuntimeDir) -> tuple[int, int]:
    """Process id and start time of the process that holds the lock, from the lock file. Raises DaemonError."""
    try:
        process, start = map(int, place.daemon_lock.read_text().split())
    except (OSError, ValueError):
        raise DaemonError(f"{place.daemon_lock} does not name the process that holds it; try again") from None
    return process, start


def _require_listening(place: RuntimeDir, process: int) -> None:
    """Raises DaemonError if, by the kernel, another process listens at the socket, such as systemd."""
    channel = lifecycle.reach(place.socket)
    if channel is None:
        return
    with channel:
        found = peer.of(channel)
    if found and found.pid not in (None, process):
        raise DaemonError(
            f"process {found.pid} listens at {place.socket}, but the daemon is process {process}; "
            "if systemd started it: systemctl --user stop speakkit.service"
        )
