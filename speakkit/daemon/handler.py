"""Interface between the daemon's server and the implementation of its operations."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import Request
from speakkit.daemon.wire.protocol import Code
from speakkit.daemon.wire.requests import Operation, Refused


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


class Combined:
    """Several handlers as one. They have different operations, except `cancel`."""

    def __init__(self, *handlers: RequestHandler) -> None:
        self._handlers = handlers
        self.ops: Mapping[str, Operation] = {
            **{name: operation for each in handlers for name, operation in each.ops.items()},
            "cancel": self._cancel,
        }

    def opened(self, connection: Connection) -> None:
        """See `RequestHandler`."""
        for each in self._handlers:
            each.opened(connection)

    def closed(self, connection: Connection) -> None:
        """See `RequestHandler`."""
        for each in self._handlers:
            each.closed(connection)

    def holds(self, connection: Connection) -> bool:
        """See `RequestHandler`."""
        return any(each.holds(connection) for each in self._handlers)

    def is_busy(self) -> bool:
        """See `RequestHandler`."""
        return any(each.is_busy() for each in self._handlers)

    def status(self) -> Mapping[str, Any]:
        """See `RequestHandler`."""
        return {name: value for each in self._handlers for name, value in each.status().items()}

    async def drain(self) -> None:
        """See `RequestHandler`."""
        await asyncio.gather(*(each.drain() for each in self._handlers))

    async def stop(self) -> None:
        """See `RequestHandler`."""
        await asyncio.gather(*(each.stop() for each in self._handlers))

    async def _cancel(self, connection: Connection, request: Request) -> None:
        """Cancel a request of any handler. Raises Refused, as the last of them, if none has it."""
        *others, last = self._handlers
        for each in others:
            try:
                await each.ops["cancel"](connection, request)
            except Refused as error:
                if error.code is not Code.not_found:
                    raise
            else:
                return
        await last.ops["cancel"](connection, request)
