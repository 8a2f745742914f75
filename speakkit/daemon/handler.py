"""The seam between the daemon's server and the room that does its work."""

from collections.abc import Mapping
from typing import Any, Protocol

from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.requests import Operation


class RequestHandler(Protocol):
    """What the daemon does for its clients. All is called in the event loop.

    ops: the name of each op but hello, status and shutdown -> its handler
    """

    ops: Mapping[str, Operation]

    def opened(self, connection: Connection) -> None:
        """A client has said hello."""

    def closed(self, connection: Connection) -> None:
        """It has gone. The connection is the lease: what it did not detach is over."""

    def holds(self, connection: Connection) -> bool:
        """Whether it waits for something to come; else it is closed when it says nothing for 60 s."""

    def is_busy(self) -> bool:
        """Whether anything is under way or waits, of any connection or of none."""

    def status(self) -> Mapping[str, Any]:
        """What a status tells of the work, in JSON: lengths, never texts."""

    async def drain(self) -> None:
        """Take nothing more, and return when all that was accepted is done."""

    async def stop(self) -> None:
        """Take nothing more, and return when nothing sounds any more. It may be called while `drain` is under way."""
