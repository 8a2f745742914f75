"""The seam between the daemon's server and those who do its work: queue, player, synthesis."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import Request
from speakkit.daemon.wire.protocol import Code

Operation = Callable[[Connection, Request], Awaitable[None]]
"""Answers one request through its connection, and returns soon: the next request of the connection waits for it.

What takes long is begun in a task or thread, and answered later by `post` or `send`. It may raise Refused or
ProtocolError, which are answered as they say.
"""


class Refused(Exception):
    """What a handler answers with in place of a result. The message must quote nothing that a client sent.

    retry_ms: when to ask again, where that may help
    """

    def __init__(self, code: Code, message: str, retry_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_ms = retry_ms


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


class Nothing:
    """Work that knows no op."""

    ops: Mapping[str, Operation] = {}

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def holds(self, connection: Connection) -> bool:  # noqa: ARG002  the Protocol's
        return False

    def is_busy(self) -> bool:
        return False

    def status(self) -> Mapping[str, Any]:
        return {}

    async def drain(self) -> None: ...

    async def stop(self) -> None: ...
