"""Control of the daemon: show its status, and stop it."""

import signal

from speakkit.daemon.process import lifecycle, rundir, terminate
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import DaemonStatus, Mode
from speakkit.errors import DaemonError

HASTE = 5.0
"""Seconds within which the daemon must end after `shutdown` with `Mode.now`."""


def status() -> DaemonStatus | None:
    """Status of the daemon; None if none runs. Raises DaemonError if a daemon runs and does not answer."""
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
            f"a daemon holds {place.daemon_lock} and does not answer: it is starting, ending or hung; "
            "end it with: speakkit daemon stop --now"
        )
    return None


def stop(mode: Mode) -> bool:
    """Stop the daemon. Returns after it has ended; False if none was running.

    Mode.drain waits until all accepted utterances have been spoken, without a limit. Mode.now kills a daemon that does
    not end. Raises DaemonError if the daemon does not answer, or if it is not certain which process it is.
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
    """Request the shutdown. Returns whether the daemon is about to end, or no process listens any more."""
    try:
        found = client.reached(place)
        if found is None:
            if mode is Mode.now:  # a draining daemon has no socket any more; the signal ends it at once
                terminate.send(place, signal.SIGTERM)
            return True
        with found:
            found.shutdown(mode)
            return found.wait_for_end(None if mode is Mode.drain else HASTE)
    except client.Slow:
        return False
    except client.Gone:
        return True
