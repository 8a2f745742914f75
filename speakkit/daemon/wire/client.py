"""The client side of the protocol: blocking, and fast to import."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Never, Self, TypeVar

from msgspec import structs

from speakkit.daemon.process import lifecycle, rundir, spawn, version
from speakkit.daemon.process.rundir import RuntimeDir
from speakkit.daemon.process.version import Version
from speakkit.daemon.wire import codec, messages, protocol
from speakkit.daemon.wire.messages import (
    AGENT,
    EXITS,
    LAST,
    DaemonStatus,
    ErrorReply,
    Event,
    Finished,
    Greeting,
    Hello,
    Mode,
    Part,
    Shutdown,
    Welcome,
)
from speakkit.daemon.wire.protocol import Code, FrameDecoder
from speakkit.errors import DaemonError
from speakkit.workers.frames import Frame, JsonValue

PAUSES = (0.02, 0.04, 0.06, 0.08, 0.1)
"""Seconds between attempts to connect while the daemon may be ending; there is one more attempt than pauses."""

ANSWER = 5.0
"""Seconds within which a daemon answers hello, status and shutdown.

Its event loop answers them, however busy the engines are.
"""

SILENCE = 10.0
"""Seconds without a message after which a client that waits for a result requests the status."""

RESPONSE = 20.0
"""Seconds within which a daemon must send something after that; if not, it is hung, or was stopped by a signal."""

FAREWELL = 0.3
"""Seconds to wait for the daemon to confirm a cancellation after Ctrl-C."""

DRAINED = 30.0
"""Seconds within which a daemon of another major protocol version must end. Also the timeout of sending."""

CHUNK = 64 << 10
"""Maximum bytes to read at once."""

T = TypeVar("T")


class Gone(DaemonError):
    """The daemon ended or closed the connection before it answered."""


class Slow(Gone):
    """The daemon sent nothing within the timeout."""

    def __init__(self, seconds: float, process: int | None) -> None:
        """`process` is the id of the daemon; None if it is not known."""
        named = "the daemon" if process is None else f"the daemon, process {process},"
        super().__init__(f"{named} did not answer within {seconds:.3g} s; end it with: speakkit daemon stop --now")


class RequestRefused(DaemonError):
    """The daemon refused or failed a request. code, retry_ms: as in `ErrorReply`; exit_code: from `messages.EXITS`."""

    def __init__(self, failure: ErrorReply) -> None:
        super().__init__(failure.msg)
        self.code, self.retry_ms = failure.code, failure.retry_ms
        self.exit_code = EXITS[failure.code]


class Client:
    """A connection to the daemon. Use it as a context manager: closing it cancels its requests.

    greeting: the daemon's first message
    """

    def __init__(self, channel: socket.socket, process: int | None = None) -> None:
        """Wait for the greeting. Raises Gone, or ProtocolError if it is not valid; `channel` is closed then.

        process: id of the daemon as far as it is known, for error messages
        """
        self._channel, self._decoder, self._process = channel, FrameDecoder(), process
        with ExitStack() as stack:
            stack.callback(channel.close)
            self.greeting = codec.read(Greeting, self.receive(ANSWER).fields)
            self._process = self.greeting.pid
            stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def hello(self, hello: Hello) -> Welcome:
        """Identify this client. Raises RequestRefused, and Gone if the daemon ends."""
        self.send(codec.frame_of(hello))
        return self._answer(Welcome, None)

    def status(self) -> DaemonStatus:
        """Status of the daemon; it can be requested before hello. Raises as `request`."""
        name = self.ask("status")
        return self._answer(DaemonStatus, name)

    def shutdown(self, mode: Mode) -> None:
        """End the daemon; on return no client finds it any more. Raises as `request`."""
        name = _name()
        self.send(codec.frame_of(Shutdown(name, mode)))
        self._answer(messages.Done, name)

    def ask(self, op: str, payload: bytes = b"", **fields: JsonValue) -> str:
        """Send a request. Returns its id, for `events`. Raises Gone, RequestRefused or ProtocolError as `send`."""
        name = _name()
        self.send(Frame({"op": op, "id": name, **fields}, payload))
        return name

    def request(self, op: str, payload: bytes = b"", **fields: JsonValue) -> Iterator[Event]:
        """Send a request. Yields each event of the answer as it arrives. See `events`."""
        return self.events(self.ask(op, payload, **fields))

    def place(self, op: str, payload: bytes = b"", **fields: JsonValue) -> Event:
        """Send a request, and return the first event of the answer. Nothing is cancelled. See `events`."""
        return self._heard(self.ask(op, payload, **fields), ANSWER)

    def events(self, name: str) -> Iterator[Event]:
        """Yield the events that answer the request `name`, up to the last one. Other requests' events are skipped.

        Ctrl-C, or closing the generator early, cancels the request, and waits at most 300 ms for the confirmation.
        Raises RequestRefused if the request fails, Gone if the daemon ends or hangs, ProtocolError if an answer is not
        valid.
        """
        is_over = False
        parts: list[Part] = []
        try:
            while not is_over:
                event = self._heard(name)
                is_over = isinstance(event, LAST)
                if isinstance(event, Part):
                    parts.append(event)
                else:
                    yield codec.joined(parts, event) if isinstance(event, Finished) else event
        except (KeyboardInterrupt, GeneratorExit):
            if not is_over:
                self._cancel(name)
            raise

    def send(self, frame: Frame) -> None:
        """Send a frame. Raises ProtocolError if it is too large, RequestRefused or Gone if the daemon has hung up."""
        data = protocol.packed(frame)
        try:
            self._channel.settimeout(DRAINED)
            self._channel.sendall(data)
        except OSError as error:
            raise self._parting() from error

    def receive(self, seconds: float | None) -> Frame:
        """The next frame. Raises Gone if the connection ends, Slow after `seconds`, or ProtocolError."""
        until = None if seconds is None else time.monotonic() + seconds
        while (frame := self._decoder.frame()) is None:
            try:
                self._channel.settimeout(None if until is None else max(until - time.monotonic(), 0.001))
                data = self._channel.recv(CHUNK)
            except TimeoutError as error:
                raise Slow(seconds or 0.0, self._process) from error
            except OSError as error:
                raise Gone("the connection to the daemon was lost") from error
            if not data:
                raise Gone("the daemon ended before it answered")
            self._decoder.feed(data)
        return frame

    def wait_for_end(self, seconds: float | None) -> bool:
        """Whether the daemon closes the connection within `seconds`. Frames that arrive meanwhile are dropped.

        None waits for as long as the daemon answers.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            try:
                _ = self._received() if left is None else self.receive(left)
            except Slow:
                return False
            except DaemonError:
                return True

    def _received(self) -> Frame:
        """The next frame, however long it takes, while the daemon answers. Raises as `receive`."""
        try:
            return self.receive(SILENCE)
        except Slow:
            self.ask("status")
            return self.receive(RESPONSE)

    def _heard(self, name: str | None, seconds: float | None = None) -> Event:
        """The next event for request `name`. Raises RequestRefused if the request or the connection failed.

        seconds: within which each message must arrive; None for as long as the daemon answers
        """
        while True:
            frame = self._received() if seconds is None else self.receive(seconds)
            event = codec.event_of(frame)
            if isinstance(event, ErrorReply) and event.id in (name, None):
                raise RequestRefused(event)
            if event and not isinstance(event, ErrorReply) and frame.fields.get("id") == name:
                return event

    def _answer(self, kind: type[T], name: str | None) -> T:
        """The answer to request `name`, which must be a `kind`. Raises ProtocolError if it is another event."""
        event = self._heard(name, ANSWER)
        if not isinstance(event, kind):
            raise protocol.ProtocolError(Code.bad_request, f"the daemon sent an unexpected {type(event).__name__}")
        return event

    def _parting(self) -> DaemonError:
        """Why the daemon closed the connection: its own error, if it sent one."""
        with suppress(Gone):
            while True:
                event = codec.event_of(self.receive(FAREWELL))
                if isinstance(event, ErrorReply) and event.id is None:
                    return RequestRefused(event)
        return Gone("the daemon closed the connection")

    def _cancel(self, name: str) -> None:
        """Cancel the request `name`, within 300 ms."""
        until = time.monotonic() + FAREWELL
        try:
            self._channel.settimeout(FAREWELL)
            self._channel.sendall(protocol.packed(Frame({"op": "cancel", "id": name})))
            while not isinstance(self._heard(name, max(until - time.monotonic(), 0.001)), LAST):
                pass
        except (DaemonError, OSError):
            pass  # the connection is closed next, which cancels it as well


def connect(agent: str = AGENT, program: str = "speakkit", ours: Version | None = None) -> Client:
    """A connection to the daemon of this user, after hello. The daemon is started or replaced if necessary.

    agent: name of the agent: 1 to 64 letters, digits or . _ : -
    program: name of the client program, for `Hello.client`
    ours: version of this client; by default that of this process
    Raises DaemonError if no daemon answers within 15 s, and RequestRefused if the daemon refuses the client.
    """
    until = time.monotonic() + spawn.PATIENCE
    place, ours = rundir.find(), ours or version.mine()
    hello = Hello(agent=agent, client=f"{program}/{ours.version}", version=ours.version, build=ours.build)
    for pause in PAUSES:
        try:
            return _welcomed(place, hello)
        except Gone:
            if time.monotonic() > until:
                raise
        except RequestRefused as error:
            if error.code not in (Code.shutting_down, Code.busy):
                raise
            if error.code is Code.shutting_down:  # the successor is new enough, and must stay
                hello = structs.replace(hello, upgrade=False)
        time.sleep(pause)
    return _welcomed(place, hello)


def running(agent: str = AGENT, program: str = "speakkit") -> Client | None:
    """A connection to the running daemon, as by `connect`; None if none runs. Raises as `connect`."""
    found = reached(rundir.find())
    if found is None:
        return None
    found.close()
    return connect(agent, program)


def reached(place: RuntimeDir) -> Client | None:
    """A connection to the running daemon, before hello; None if none runs. Raises DaemonError."""
    channel = lifecycle.reach(place.socket)
    return Client(channel, rundir.holder(place.daemon_lock)) if channel else None


def _welcomed(place: RuntimeDir, hello: Hello) -> Client:
    """A connection after hello. Replaces a daemon of another major protocol version."""
    client = Client(spawn.connected(place), rundir.holder(place.daemon_lock))
    with ExitStack() as stack:
        stack.callback(client.close)
        if not version.same_major(client.greeting.proto, hello.proto):
            _make_room(client)
        client.hello(hello)
        stack.pop_all()
    return client


def _make_room(client: Client) -> Never:
    """Have a daemon of another major protocol version end.

    Raises Gone after it has ended, DaemonError if it is still speaking.
    """
    theirs = client.greeting.version
    client.shutdown(Mode.drain)
    if client.wait_for_end(DRAINED):
        raise Gone(f"the daemon of speakkit {theirs} ended, and no new one started")
    raise DaemonError(
        f"the daemon is of speakkit {theirs}, and still speaks; wait until it has finished, or end it with: "
        "speakkit daemon stop --now"
    )


def _name() -> str:
    """A unique request id."""
    return os.urandom(8).hex()
