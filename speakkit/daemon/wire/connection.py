"""One client connection in the daemon: reads frames with timeouts, and writes messages with bounded buffers."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass

from speakkit.daemon.wire import codec, messages, protocol
from speakkit.daemon.wire.messages import AGENT, Message, Request
from speakkit.daemon.wire.protocol import Code, FrameDecoder
from speakkit.workers.frames import Frame

log = logging.getLogger(__name__)

CHUNK = 64 << 10
"""Maximum bytes to read at once."""

HIGH_WATER = 256 << 10
"""Bytes in the write buffer above which `send` waits."""

OVERFLOW = 2 << 20
"""Bytes in the write buffer above which the connection is closed: an idle reader must not use up memory."""


class Closed(ConnectionError):
    """The client has disconnected, so no answer can be sent."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Timeouts in seconds, and the maximum number of connections.

    hello: until the first frame of a client is complete
    idle: until the next frame is complete
    stall: within which a client must read some of its messages
    check: between two checks of the daemon's own socket
    farewell: within which a client must read the last messages before its connection is closed
    connections: at once, at most
    """

    hello: float = 2.0
    idle: float = 60.0
    stall: float = 30.0
    check: float = 60.0
    farewell: float = 1.0
    connections: int = 64


class Connection:
    """A client connection.

    number: counts from 1
    agent: the agent name that the client gave in its hello
    guest: `QueuedUtterance.guest` of its utterances: the number if it is a container's connection, else ""
    is_known: whether the client has said hello
    """

    guest = ""

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: ConnectionLimits
    ) -> None:
        self.number = number
        self.agent = AGENT
        self.is_known = False
        self._reader, self._writer, self._limits = reader, writer, limits
        self._decoder = FrameDecoder()
        self._flush: asyncio.Task[None] | None = None
        writer.transport.set_write_buffer_limits(high=HIGH_WATER)

    @property
    def is_closing(self) -> bool:
        """Whether no more messages can be sent."""
        return self._writer.is_closing()

    @property
    def is_amid(self) -> bool:
        """Whether a frame was received in part."""
        return self._decoder.is_amid

    @property
    def backlog(self) -> int:
        """Bytes in the write buffer that the client has not read yet."""
        return self._writer.transport.get_write_buffer_size()

    async def receive(self, seconds: float) -> Frame | None:
        """The next frame; None if the client has disconnected. Raises TimeoutError or ProtocolError."""
        async with asyncio.timeout(seconds):
            while (frame := self._decoder.frame()) is None:
                data = await self._reader.read(CHUNK)
                if not data:
                    return None
                self._decoder.feed(data)
        return frame

    def post(self, message: Message) -> None:
        """Send a message without waiting. Does nothing if the connection is closing.

        The connection is closed if the client reads nothing for 30 s, or leaves more than 2 MiB unread.
        """
        if self.is_closing:
            return
        for frame in codec.frames_of(message):
            self._writer.write(protocol.packed(frame))
        if self.backlog > OVERFLOW:
            self.abort("left too many bytes unread")
        elif self.backlog > HIGH_WATER and self._flush is None:
            self._flush = asyncio.create_task(self._flushed())

    async def send(self, message: Message) -> None:
        """Send a message, and wait while too many bytes are unread. Raises Closed if the client has disconnected."""
        self.post(message)
        if self._flush is not None:
            await asyncio.wait({self._flush})
        if self.is_closing:
            raise Closed(f"connection {self.number} is closed")

    def fail(self, id: str | None, code: Code, message: str, retry_ms: int | None = None) -> None:  # noqa: A002  the name of the field in the protocol
        """Send an error reply. id: of the request, None for the whole connection."""
        self.post(messages.ErrorReply(id, code, message, retry_ms))

    async def passed(self, request: Request) -> Request | None:
        """The request that the daemon is to handle; None if it was answered here.

        Subclasses may change or refuse it. Raises Refused or ProtocolError, which are sent to the client.
        """
        return request

    def hang_up(self) -> None:
        """Stop reading; messages that were sent are still delivered."""
        self._writer.close()

    async def close(self) -> None:
        """Close the connection, after the client has read its messages or `farewell` seconds."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._limits.farewell):
                await self._writer.wait_closed()
        self._writer.transport.abort()

    def abort(self, why: str) -> None:
        """Close the connection at once. why: for the log."""
        log.info("connection %d closed: it %s", self.number, why)
        self._writer.transport.abort()

    async def _flushed(self) -> None:
        """Wait until the client has read enough, and close the connection if it reads nothing for `stall` seconds."""
        try:
            async with asyncio.timeout(self._limits.stall):
                await self._writer.drain()
        except TimeoutError:
            self.abort(f"read nothing for {self._limits.stall:g} s")
        except OSError:
            self._writer.transport.abort()
        finally:
            self._flush = None
