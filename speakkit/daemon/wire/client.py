"""A program's end of the wire: blocking, and light to import."""

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
"""Seconds between two tries to be welcomed, by a daemon that may be about to end: there is one more try than pauses."""

ANSWER = 5.0
"""Seconds in which a daemon answers hello, status and shutdown: its event loop does, however busy its engines are."""

FAREWELL = 0.3
"""Seconds that a Ctrl-C waits for the daemon to have cancelled what was asked."""

DRAINED = 30.0
"""Seconds in which a daemon of another major version ends."""

CHUNK = 64 << 10

T = TypeVar("T")


class Gone(DaemonError):
    """The daemon ended, or closed the connection, before it had answered."""


class Slow(Gone):
    """It said nothing for too long: to those who asked it is gone."""


class RequestRefused(DaemonError):
    """The daemon did not do what it was asked. exit_code: by `messages.EXITS`."""

    def __init__(self, failure: ErrorReply) -> None:
        super().__init__(failure.msg)
        self.code, self.retry_ms = failure.code, failure.retry_ms
        self.exit_code = EXITS[failure.code]


class Client:
    """A connection to the daemon: what is asked by it is cancelled when it is closed. Use it as a context manager."""

    def __init__(self, channel: socket.socket) -> None:
        """Wait for the greeting. Raises Gone, and ProtocolError for what is none; `channel` is closed then."""
        self._channel, self._decoder = channel, FrameDecoder()
        with ExitStack() as stack:
            stack.callback(channel.close)
            self.greeting = codec.read(Greeting, self.receive(ANSWER).fields)
            stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Go."""
        self._channel.close()

    def hello(self, hello: Hello) -> Welcome:
        """Say who we are. Raises Refused, and Gone where the daemon ends."""
        self.send(codec.frame_of(hello))
        return self._answer(Welcome, None)

    def status(self) -> DaemonStatus:
        """How the daemon is; hello need not be said before. Raises as `request` does."""
        name = self.ask("status")
        return self._answer(DaemonStatus, name)

    def shutdown(self, mode: Mode) -> None:
        """Have the daemon end: on return no client finds it any more. Raises as `request` does."""
        name = _name()
        self.send(codec.frame_of(Shutdown(name, mode)))
        self._answer(messages.Done, name)

    def ask(self, op: str, payload: bytes = b"", **fields: JsonValue) -> str:
        """Ask for something, and give back the id by which `events` knows the answer. Raises Gone, ProtocolError."""
        name = _name()
        self.send(Frame({"op": op, "id": name, **fields}, payload))
        return name

    def request(self, op: str, payload: bytes = b"", **fields: JsonValue) -> Iterator[Event]:
        """Ask for something: each event of the answer, as it comes. See `events`."""
        return self.events(self.ask(op, payload, **fields))

    def place(self, op: str, payload: bytes = b"", **fields: JsonValue) -> Event:
        """Ask for something, and leave it at the first word of the answer: nothing is cancelled. See `events`."""
        return self._heard(self.ask(op, payload, **fields), ANSWER)

    def events(self, name: str, silence: float | None = None) -> Iterator[Event]:
        """Each event of the answer to `name`, the last one last. Answers to others are passed over.

        silence: seconds without a word after which the daemon is taken for hung
        A Ctrl-C, or leaving off, cancels what was asked, and waits for at most 300 ms until that has been done.
        Raises Refused where it is not done, Gone where the daemon ends, ProtocolError for what is no answer.
        """
        is_over = False
        parts: list[Part] = []
        try:
            while not is_over:
                event = self._heard(name, silence)
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
        """Say something. Raises ProtocolError where it does not fit, Refused or Gone where nobody hears it."""
        data = protocol.packed(frame)
        try:
            self._channel.settimeout(DRAINED)
            self._channel.sendall(data)
        except OSError as error:
            raise self._parting() from error

    def receive(self, seconds: float | None) -> Frame:
        """What is said next. Raises Gone at the end, or where nothing was said for so long; ProtocolError."""
        until = None if seconds is None else time.monotonic() + seconds
        while (frame := self._decoder.frame()) is None:
            try:
                self._channel.settimeout(None if until is None else max(until - time.monotonic(), 0.001))
                data = self._channel.recv(CHUNK)
            except TimeoutError as error:
                raise Slow(f"the daemon did not answer within {seconds:.3g} s") from error
            except OSError as error:
                raise Gone("the connection to the daemon broke") from error
            if not data:
                raise Gone("the daemon ended before it had answered")
            self._decoder.feed(data)
        return frame

    def wait_for_end(self, seconds: float | None) -> bool:
        """Whether the daemon closes the connection within some seconds; what it still says is dropped."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            try:
                self.receive(left)
            except Slow:
                return False
            except DaemonError:
                return True

    def _heard(self, name: str | None, seconds: float | None) -> Event:
        """The next event for `name`. Raises Refused for a failure of it, or of the connection."""
        while True:
            frame = self.receive(seconds)
            event = codec.event_of(frame)
            if isinstance(event, ErrorReply) and event.id in (name, None):
                raise RequestRefused(event)
            if event and not isinstance(event, ErrorReply) and frame.fields.get("id") == name:
                return event

    def _answer(self, kind: type[T], name: str | None) -> T:
        event = self._heard(name, ANSWER)
        if not isinstance(event, kind):
            raise protocol.ProtocolError(Code.bad_request, f"the daemon answers a question with {type(event).__name__}")
        return event

    def _parting(self) -> DaemonError:
        """Why the daemon hung up: in its own words, if it had any."""
        with suppress(Gone):
            while True:
                event = codec.event_of(self.receive(FAREWELL))
                if isinstance(event, ErrorReply) and event.id is None:
                    return RequestRefused(event)
        return Gone("the daemon does not listen any more")

    def _cancel(self, name: str) -> None:
        """Have what was asked cancelled, as far as the time suffices."""
        until = time.monotonic() + FAREWELL
        try:
            self._channel.settimeout(FAREWELL)
            self._channel.sendall(protocol.packed(Frame({"op": "cancel", "id": name})))
            while not isinstance(self._heard(name, max(until - time.monotonic(), 0.001)), LAST):
                pass
        except (DaemonError, OSError):
            pass  # the connection is closed next, which cancels it as well


def connect(agent: str = AGENT, program: str = "speakkit", ours: Version | None = None) -> Client:
    """A connection to the daemon of this user, which is started or replaced where need be, and has welcomed us.

    agent: who speaks: 1 to 64 letters, digits or . _ : -
    program: who asks, for `Hello.client`
    Raises DaemonError where there is none within 15 s, and Refused where it wants none of us.
    """
    place, ours = rundir.find(), ours or version.mine()
    hello = Hello(agent=agent, client=f"{program}/{ours.version}", version=ours.version, build=ours.build)
    for pause in PAUSES:
        try:
            return _welcomed(place, hello)
        except Gone:
            pass
        except RequestRefused as error:
            if error.code not in (Code.shutting_down, Code.busy):
                raise
            if error.code is Code.shutting_down:  # for us perhaps: whoever follows is new enough, and stays
                hello = structs.replace(hello, upgrade=False)
        time.sleep(pause)
    return _welcomed(place, hello)


def running(agent: str = AGENT, program: str = "speakkit") -> Client | None:
    """As `connect` to the daemon that there is, or None where none runs. Raises as `connect`."""
    found = reached(rundir.find())
    if found is None:
        return None
    found.close()
    return connect(agent, program)


def reached(place: RuntimeDir) -> Client | None:
    """A connection to the daemon that there is, or None. Raises DaemonError."""
    channel = lifecycle.reach(place.socket)
    return Client(channel) if channel else None


def _welcomed(place: RuntimeDir, hello: Hello) -> Client:
    client = Client(spawn.connected(place))
    with ExitStack() as stack:
        stack.callback(client.close)
        if not version.same_major(client.greeting.proto, hello.proto):
            _make_room(client)
        client.hello(hello)
        stack.pop_all()
    return client


def _make_room(client: Client) -> Never:
    """Have a daemon end that speaks another protocol. Raises Gone when it has, DaemonError where it still speaks."""
    theirs = client.greeting.version
    client.shutdown(Mode.drain)
    if client.wait_for_end(DRAINED):
        raise Gone(f"the daemon of speakkit {theirs} made room, and no other came")
    raise DaemonError(
        f"the daemon is of speakkit {theirs}, and still speaks; wait until it has done so, or end it with: "
        "speakkit daemon stop --now"
    )


def _name() -> str:
    """An id that nobody else has."""
    return os.urandom(8).hex()
