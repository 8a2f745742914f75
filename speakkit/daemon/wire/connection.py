"""One client, as the daemon sees it: frames in, each within its time, and messages out, to those who take them."""

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
"""Bytes that are read at once."""

HIGH_WATER = 256 << 10
"""Bytes that may wait to be taken by a client, before `send` waits too."""

OVERFLOW = 2 << 20
"""Bytes for which nobody waits any more: a client that takes nothing must not take up memory."""


class Closed(ConnectionError):
    """The client has gone: there is nobody to answer."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Seconds, but for `connections`.

    hello: until a client has said its first word
    idle: until it has said the next, or the rest of one that it began
    stall: in which it must take something of what it was sent
    check: between two looks at our own socket
    farewell: in which it may take the last messages of a daemon that ends
    """

    hello: float = 2.0
    idle: float = 60.0
    stall: float = 30.0
    check: float = 60.0
    farewell: float = 1.0
    connections: int = 64


class Connection:
    """A client.

    number: counts from 1
    agent: who it says it is
    is_known: it has said hello
    """

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
        """Whether nothing more can be sent."""
        return self._writer.is_closing()

    @property
    def is_amid(self) -> bool:
        """Whether it has begun a frame and not ended it."""
        return self._decoder.is_amid

    @property
    def backlog(self) -> int:
        """Bytes that it has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    async def receive(self, seconds: float) -> Frame | None:
        """What it says next, or None at its end. Raises TimeoutError, and ProtocolError for what is no frame."""
        async with asyncio.timeout(seconds):
            while (frame := self._decoder.frame()) is None:
                data = await self._reader.read(CHUNK)
                if not data:
                    return None
                self._decoder.feed(data)
        return frame

    def post(self, message: Message) -> None:
        """Say something at once; where it takes nothing for 30 s, or leaves 2 MiB, it is closed. Goes nowhere then."""
        if self.is_closing:
            return
        for frame in codec.frames_of(message):
            self._writer.write(protocol.packed(frame))
        if self.backlog > OVERFLOW:
            self.abort("leaves too much of what it is sent")
        elif self.backlog > HIGH_WATER and self._flush is None:
            self._flush = asyncio.create_task(self._flushed())

    async def send(self, message: Message) -> None:
        """Say something, and wait while too much waits already. Raises Closed where it has gone."""
        self.post(message)
        if self._flush is not None:
            await asyncio.wait({self._flush})
        if self.is_closing:
            raise Closed(f"connection {self.number} is closed")

    def fail(self, id: str | None, code: Code, message: str, retry_ms: int | None = None) -> None:  # noqa: A002  that is its name on the wire
        """Say that something was not done."""
        self.post(messages.ErrorReply(id, code, message, retry_ms))

    async def passed(self, request: Request) -> Request | None:
        """What the daemon is to do of what is asked; None where it has been answered. Raises what is answered."""
        return request

    def hang_up(self) -> None:
        """Hear no more of it; it still gets what it was sent."""
        self._writer.close()

    async def close(self) -> None:
        """Let it take what it was sent, for a moment, and end."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._limits.farewell):
                await self._writer.wait_closed()
        self._writer.transport.abort()

    def abort(self, why: str) -> None:
        """End it now. why: for the log."""
        log.info("connection %d %s, and is closed", self.number, why)
        self._writer.transport.abort()

    async def _flushed(self) -> None:
        """Wait until it takes something."""
        try:
            async with asyncio.timeout(self._limits.stall):
                await self._writer.drain()
        except TimeoutError:
            self.abort(f"takes nothing for {self._limits.stall:g} s")
        except OSError:
            self._writer.transport.abort()
        finally:
            self._flush = None
