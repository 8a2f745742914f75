"""What people do with the daemon itself: ask how it is, and end it."""

import signal

from speakkit.daemon.process import lifecycle, rundir, terminate
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import DaemonStatus, Mode
from speakkit.errors import DaemonError

HASTE = 5.0
"""Seconds in which a daemon that is to end at once does."""


def status() -> DaemonStatus | None:
    """How the daemon is; None where there is none. Raises DaemonError where there is one that does not answer."""
    place = rundir.find()
    try:
        found = client.reached(place)
        if found is not None:
            with found:
                return found.status()
    except client.Gone:
        pass
    if rundir.is_locked(place.daemon_lock):
        raise DaemonError(
            f"a daemon has {place.daemon_lock}, and does not answer: it starts, ends or hangs; "
            "end it with: speakkit daemon stop --now"
        )
    return None


def stop(mode: Mode) -> bool:
    """End the daemon: on return there is none; False where there was none before.

    drain: however long it takes to speak what it accepted; now: one that does not end is killed.
    Raises DaemonError where it does not answer, or it is not certain which process it is.
    """
    place = rundir.find()
    was_there = rundir.is_locked(place.daemon_lock)
    has_ended = _asked_to_end(place, mode) and terminate.wait(place, lifecycle.LEAVING)
    if has_ended or (not was_there and not rundir.is_locked(place.daemon_lock)):
        return was_there
    if mode is Mode.now:
        return terminate.kill(place) is not None
    raise DaemonError("the daemon does not answer; end it with: speakkit daemon stop --now")


def _asked_to_end(place: rundir.RuntimeDir, mode: Mode) -> bool:
    """Whether it is about to end, or nobody listens any more."""
    try:
        found = client.reached(place)
        if found is None:
            if mode is Mode.now:  # one that drains is found by nobody, and ends at once when it is told to
                terminate.send(place, signal.SIGTERM)
            return True
        with found:
            found.shutdown(mode)
            return found.wait_for_end(None if mode is Mode.drain else HASTE)
    except client.Slow:
        return False
    except client.Gone:
        return True
