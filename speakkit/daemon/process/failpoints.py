"""Delays that tests put where two processes could meet: SPEAKKIT_TEST_DELAY=before_unlink:500,before_bind:100.

With them, a race that a machine shows once in a thousand times shows itself each time.
"""

import os
import time

VARIABLE = "SPEAKKIT_TEST_DELAY"

POINTS = (
    "after_refusal",  # the client found nobody, and has not yet taken spawn.lock
    "before_spawn",  # it has spawn.lock, has found nobody again, and starts a daemon
    "before_lock",  # the daemon has not yet taken daemon.lock
    "before_unlink",  # it has, and a socket may be left of another
    "before_bind",  # nothing is there
    "before_listen",  # the socket is there, and refuses all
    "before_ready",  # the socket answers, and nobody was told
    "before_unpublish",  # the daemon has decided to end
    "before_exit",  # its socket is gone, and its lock is held
)


def at(point: str) -> None:
    """Wait here if the environment says so."""
    for part in os.environ.get(VARIABLE, "").split(","):
        name, _, milliseconds = part.partition(":")
        if name == point and milliseconds.isdecimal():
            time.sleep(int(milliseconds) / 1000)
