"""Points of the start and end of a daemon at which two processes could meet: tests make them last longer.

With that, a race that a machine shows once in a thousand times shows itself each time.
"""

from collections.abc import Callable

POINTS = (
    "after_refusal",  # the client found no daemon, and has not yet taken spawn.lock
    "before_spawn",  # it has spawn.lock, has found none again, and starts one
    "before_lock",  # the daemon has not yet taken daemon.lock
    "before_unlink",  # it has, and a socket of another may be left
    "before_bind",  # no socket is there
    "before_listen",  # the socket is there, and refuses all connections
    "before_ready",  # the socket answers, and the client that started the daemon does not know it yet
    "before_unpublish",  # the daemon has decided to end
    "before_exit",  # its socket is gone, and its lock is held
)

hook: Callable[[str], None] | None = None
"""Called with the name of each point that is reached; set by tests."""


def at(point: str) -> None:
    """Call the hook, if there is one."""
    if hook is not None:
        hook(point)
