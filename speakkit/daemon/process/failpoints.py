"""Points in the start and end of a daemon at which two processes can race; tests prolong them.

A race that occurs once in a thousand runs then occurs in every run.
"""

from collections.abc import Callable

POINTS = (
    "after_refusal",  # the client found no daemon, and has not yet taken spawn.lock
    "before_spawn",  # the client has spawn.lock, found no daemon again, and starts one
    "before_lock",  # the daemon has not yet taken daemon.lock
    "before_unlink",  # it has; the socket of an earlier daemon may be left
    "before_bind",  # there is no socket
    "before_listen",  # the socket exists, and refuses all connections
    "before_ready",  # the socket answers; the client that started the daemon is not notified yet
    "before_unpublish",  # the daemon has decided to end
    "before_exit",  # its socket is gone, and it still holds its lock
)

hook: Callable[[str], None] | None = None
"""Called with the name of each point that is reached; set by tests."""


def at(point: str) -> None:
    """Call the hook, if one is set."""
    if hook is not None:
        hook(point)
