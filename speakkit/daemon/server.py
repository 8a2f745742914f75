"""The daemon's server: accepts connections, answers hello, status and shutdown, routes other requests, and ends."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from speakkit.daemon.containers.listener import Containers, Guest
from speakkit.daemon.handler import RequestHandler
from speakkit.daemon.process import failpoints, peer, version
from speakkit.daemon.process.lifecycle import Published
from speakkit.daemon.process.logfile import LogFile, log_bug
from speakkit.daemon.process.rundir import Lock
from speakkit.daemon.process.version import Version
from speakkit.daemon.wire import codec, messages
from speakkit.daemon.wire.connection import Closed, Connection, ConnectionLimits
from speakkit.daemon.wire.messages import (
    ENDING,
    DaemonStatus,
    Done,
    Greeting,
    Hello,
    Mode,
    Request,
    Shutdown,
    Welcome,
)
from speakkit.daemon.wire.protocol import Code, ProtocolError
from speakkit.daemon.wire.requests import Refused
from speakkit.workers.frames import Frame

log = logging.getLogger(__name__)

FAILED_CHECK = 1.0
"""Seconds until the next check after one that failed."""

ARRIVAL = 1.0
"""Seconds added to the first idle period, so that the client that started the daemon can connect."""

SOON_MS = 100
"""`retry_ms` for a client that the daemon has no room for, in milliseconds."""


class Server:
    """A daemon that serves one published socket until it is shut down or was idle for too long."""

    def __init__(
        self,
        published: Published,
        work: RequestHandler,
        idle_exit: float,
        limits: ConnectionLimits | None = None,
        logfile: LogFile | None = None,
        containers: Containers | None = None,
        lock: Lock | None = None,
    ) -> None:
        """Serve `published`; `work` handles the operations.

        idle_exit: seconds without use after which the daemon ends; negative for never
        limits: timeouts and maximum number of connections; logfile: rotated when it is full
        containers: the listener for containers, or None
        lock: of the daemon; if another process can take it at its path, the daemon ends
        """
        self._published, self._work, self._idle_exit = published, work, idle_exit
        self._limits, self._logfile, self._containers = limits or ConnectionLimits(), logfile, containers
        self._lock = lock
        self._is_displaced = False
        self._edition = version.mine()
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._accepted = 0
        self._is_outdated = False
        self._ending: Mode | None = None
        self._changed = asyncio.Event()
        self._born = time.monotonic()
        self._used = self._born + ARRIVAL
        self._ops = {"hello": self._hello, "status": self._status, "shutdown": self._shutdown}

    async def run(self) -> None:
        """Serve until the end. On return playback has stopped, all connections are closed, and the socket is gone."""
        asyncio.get_running_loop().set_exception_handler(lambda _, context: log_bug(context.get("exception")))
        self._listeners = [await asyncio.start_unix_server(self._accept, sock=self._published.listener)]
        if self._containers:
            await self._listen_for(self._containers)
        while self._ending is None:
            await self._wait(self._until_check())
            try:
                await self._check()
            except Exception as error:  # noqa: BLE001  only its own decision ends the daemon
                log_bug(error)
                await asyncio.sleep(FAILED_CHECK)
        await self._finish()
        for _ in range(3):
            await asyncio.sleep(0)  # clients that connected meanwhile get the error "shutting_down"
        for listener in self._listeners:
            listener.close()
        for connection in tuple(self._connections):
            connection.hang_up()
        while self._connections:
            await self._wait(self._limits.farewell)
        failpoints.at("before_exit")
        log.info("ends")

    async def _listen_for(self, containers: Containers) -> None:
        """Accept connections of containers at the socket that is published now, and at no earlier one."""
        for earlier in self._listeners[1:]:
            earlier.close()
        accept, listener = self._accept_from(containers), containers.published.listener
        self._listeners[1:] = [await asyncio.start_unix_server(accept, sock=listener)]

    def end(self, mode: Mode, why: str) -> None:
        """Unpublish the socket and begin to end. A second call with `Mode.now` turns a drain into an immediate end."""
        if self._ending is None:
            log.info("shutting down (%s): %s", mode, why)
            self._published.unpublish()
            if self._containers:
                self._containers.published.unpublish()
        if self._ending is not Mode.now:
            self._ending = mode
        self._changed.set()

    def keeps_place(self) -> bool:
        """Whether clients still find this daemon, unless it ends by request, and no other one can have started.

        If its socket or its folder was removed or replaced, it begins to end.
        """
        is_hidden = self._ending is None and not self._published.is_found
        if is_hidden or (self._lock is not None and not self._lock.is_found):
            self._is_displaced = True
            self.end(Mode.drain, "the socket or its folder was removed or replaced")
        return not self._is_displaced

    async def _wait(self, seconds: float) -> None:
        """Wait until something changes, for at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    async def _finish(self) -> None:
        """Drain the work, or stop it as soon as the mode is `Mode.now`."""
        draining = asyncio.create_task(self._work.drain())
        while self._ending is Mode.drain and not draining.done():
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait({draining, changed}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            self._changed.clear()
        if not draining.done():
            await self._work.stop()
            draining.cancel()
        with suppress(asyncio.CancelledError):
            await draining

    def _is_idle(self) -> bool:
        return not self._connections and not self._work.is_busy()

    def _until_check(self) -> float:
        """Seconds until the next check of the socket and of the idle time."""
        left = self._idle_left()
        if left is None:  # the end of work does not set `_changed`
            left = self._limits.check if self._idle_exit < 0 else max(self._idle_exit, 1.0)
        return min(self._limits.check, max(left, 0.001))

    def _idle_left(self) -> float | None:
        """Seconds until the idle exit; None while the daemon is in use, or if it never exits when idle."""
        if self._idle_exit < 0 or not self._is_idle():
            return None
        return self._used + self._idle_exit - time.monotonic()

    async def _check(self) -> None:
        """Begin to end if the socket was replaced, a newer client waits, or the idle time is over. Rotate the log."""
        if self.keeps_place():
            self._check_use()
        if self._containers and self._ending is None and self._containers.restore():
            await self._listen_for(self._containers)
        if self._logfile is not None:
            self._logfile.rotate_if_full()

    def _check_use(self) -> None:
        """Begin to end if a newer client waits, or the idle time is over."""
        left = self._idle_left()
        if self._is_outdated and self._is_idle():
            self.end(Mode.drain, "a newer version replaces it")
        elif left is not None and left <= 0:
            self.end(Mode.drain, "idle")
        elif not self._is_idle():
            self._used = time.monotonic()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not peer.is_ours(writer.get_extra_info("socket")):
            log.warning("another user tried to connect")
            writer.transport.abort()
            return
        self._accepted += 1
        own = sum(not each.guest for each in self._connections)
        connection = Connection(self._accepted, reader, writer, self._limits)
        await self._greet(connection, has_room=own < self._limits.connections)

    def _accept_from(
        self, containers: Containers
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            uid = containers.admitted(writer.get_extra_info("socket"))
            if uid is None:
                writer.transport.abort()
                return
            self._accepted += 1
            guest = Guest(self._accepted, reader, writer, self._limits, containers, uid)
            has_room = containers.make_room(uid)
            if has_room:
                containers.guests.add(guest)
            await self._greet(guest, has_room=has_room)

        return accept

    async def _greet(self, connection: Connection, *, has_room: bool) -> None:
        """Serve a client, if there is room for one more connection of its type."""
        connection.post(Greeting(messages.PROTO, self._edition.version, os.getpid()))
        if self._ending is not None:
            connection.fail(None, Code.shutting_down, ENDING, SOON_MS)
        elif not has_room:
            connection.fail(None, Code.busy, "the daemon has too many connections", SOON_MS)
        else:
            await self._lease(connection)
            return
        await connection.close()

    async def _lease(self, connection: Connection) -> None:
        """Serve a client until it disconnects, then cancel its requests."""
        self._connections.add(connection)
        try:
            await self._serve(connection)
        finally:
            try:
                if connection.is_known:
                    self._work.closed(connection)
            finally:
                await connection.close()
                self._connections.discard(connection)
                self._used = time.monotonic()
                self._changed.set()

    async def _serve(self, connection: Connection) -> None:
        """Answer a client until it disconnects, sends an invalid frame, or sends nothing for too long."""
        try:
            frame = await connection.receive(self._limits.hello)
            while frame is not None:
                await self._answer(connection, frame)
                frame = await self._next(connection)
        except ProtocolError as error:
            connection.fail(None, error.code, str(error))
        except TimeoutError:
            connection.fail(None, Code.bad_request, "the client sent nothing for too long")
        except ConnectionError:
            log.info("connection %d broke", connection.number)

    async def _next(self, connection: Connection) -> Frame | None:
        """The client's next frame. Raises TimeoutError if it sends nothing and waits for no result."""
        while True:
            try:
                return await connection.receive(self._limits.idle)
            except TimeoutError:
                if connection.is_amid or not self._work.holds(connection):
                    raise

    async def _answer(self, connection: Connection, frame: Frame) -> None:
        """Handle one request. An error in it is sent to the client, and affects no other request."""
        identity = None
        try:
            request = codec.request_of(frame)
            identity = request.id
            await self._handle(connection, request)
        except ProtocolError as error:
            connection.fail(identity, error.code, str(error))
        except Refused as error:
            connection.fail(identity, error.code, str(error), error.retry_ms)
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001  a bug in one request must not stop others
            log_bug(error)
            connection.fail(identity, Code.bug, "a bug in the daemon; see: speakkit daemon logs")

    async def _handle(self, connection: Connection, request: Request) -> None:
        """Pass a request to its operation. Raises the errors that `_answer` sends to the client."""
        passed = await connection.passed(request)
        if passed is None:
            return
        request = passed
        if request.op in self._ops:
            self._ops[request.op](connection, request)
        elif request.op not in self._work.ops:
            raise ProtocolError(Code.bad_request, "unknown op")
        elif not connection.is_known:
            raise ProtocolError(Code.bad_request, "say hello first")
        else:
            await self._work.ops[request.op](connection, request)

    def _hello(self, connection: Connection, request: Request) -> None:
        hello = codec.read(Hello, request.fields)
        if not messages.NAME.fullmatch(hello.agent):
            raise ProtocolError(Code.bad_request, "an agent must be 1 to 64 letters, digits or . _ : -")
        if not version.same_major(hello.proto, messages.PROTO):
            raise ProtocolError(Code.version, f"the daemon speaks protocol {messages.PROTO}")
        if self._edition.is_older_than(Version(hello.version, hello.build)):
            self._is_outdated = self._is_outdated or hello.upgrade
            if hello.upgrade and self._connections == {connection} and not self._work.is_busy():
                self.end(Mode.drain, "a newer version replaces it")
        if self._ending is not None:
            raise ProtocolError(Code.shutting_down, ENDING)
        connection.agent = hello.agent
        connection.post(Welcome(self._edition.version, self._edition.build, os.getpid(), id=request.id))
        if not connection.is_known:
            connection.is_known = True
            self._work.opened(connection)

    def _status(self, connection: Connection, request: Request) -> None:
        is_busy = self._work.is_busy()
        connection.post(
            DaemonStatus(
                pid=os.getpid(),
                version=self._edition.version,
                build=self._edition.build,
                uptime=round(time.monotonic() - self._born, 3),
                state="draining" if self._ending else "busy" if is_busy else "idle",
                connections=len(self._connections),
                restart_when_idle=self._is_outdated,
                idle_exit=self._idle_exit,
                work={**self._work.status(), **(self._containers.status if self._containers else {})},
                id=request.id,
            )
        )

    def _shutdown(self, connection: Connection, request: Request) -> None:
        mode = codec.read(Shutdown, request.fields).mode
        self.end(mode, f"requested by connection {connection.number}")
        connection.post(Done(request.id))
