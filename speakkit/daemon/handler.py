"""Interface between the daemon's server and the implementation of its operations."""

from collections.abc import Mapping
from typing import Any, Protocol

from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.requests import Operation


class RequestHandler(Protocol):
    """The operations that the daemon provides to clients. All methods are called in the event loop.

    ops: name of each operation but hello, status and shutdown -> its handler
    """

    ops: Mapping[str, Operation]

    def opened(self, connection: Connection) -> None:
        """Called after a client has said hello."""

    def closed(self, connection: Connection) -> None:
        """Called after a client has disconnected: cancel all of its requests that are not detached."""

    def holds(self, connection: Connection) -> bool:
        """Whether the client waits for a result; if not, it is disconnected after 60 s without a request."""

    def is_busy(self) -> bool:
        """Whether any request is queued or in progress, detached ones included."""

    def status(self) -> Mapping[str, Any]:
        """The handler's part of a status reply, as JSON values: lengths, never texts."""

    async def drain(self) -> None:
        """Accept no more requests, and return after all accepted ones are done."""

    async def stop(self) -> None:
        """Accept no more requests, and return after playback has stopped. It may be called during `drain`."""
