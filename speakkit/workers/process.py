"""The parent's side of one worker process, which answers requests until it ends or is killed. See `child`."""

import errno
import io
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from threading import Thread
from typing import IO, TYPE_CHECKING

from speakkit import errors
from speakkit.errors import EngineError, SpeakkitError, WorkerBug, WorkerDied, WorkerHung
from speakkit.workers import messages
from speakkit.workers.frames import FrameError
from speakkit.workers.messages import PROTOCOL, Bug, End, Failed, Handshake, Load, Message, Reply, WorkItem
from speakkit.workers.watchdog import UNLIMITED, Allowance, Watchdog

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "speakkit.workers.child")
"""Command that runs a child with this Python. -P keeps files in the current folder from shadowing Python's modules."""

GREETING = 60.0
"""Timeout in seconds without progress for the child's handshake."""

GRACE = 1.0
"""Timeout in seconds for a process to end after it closed its end of the channel."""

KILLED = 5.0
"""Timeout in seconds for a killed process to disappear; a driver may delay it for longer."""

KEPT = 4096
"""Bytes of a process's standard error that are kept, the last ones."""

SHOWN = 200
"""Maximum characters of the last line of standard error in an error message."""

SCARCE = frozenset((errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE))
"""errno values of a failed process start that fewer processes may avoid."""

EXPECTED = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SpeakkitError)
}
"""Class name -> class, for the errors that a handler may raise."""

Answer = bytes | SpeakkitError | WorkerBug
"""A reply, or the error of one item of a request."""


class Process:
    """A fresh process that serves `place`. It takes one request at a time; any thread may kill it.

    resident: memory of the process at the end of its last answer, in bytes
    """

    def __init__(self, place: str, command: Sequence[str] = COMMAND) -> None:
        """Start the process.

        place: "package.module:function" of a loader, as in `child`
        command: command that runs `speakkit.workers.child`, for example with the Python of another virtual environment
        Raises EngineError if the process cannot be started.
        """
        self.resident = 0
        self._place = place
        self._command = command
        self._is_busy = False
        self._is_killed = False
        self._channel, self._process = _spawned(place, command)
        self._stream = io.BufferedReader(_Incoming(self._received))
        self._last_words = bytearray()
        self._listener = Thread(target=_listen, args=(self._process.stderr, self._last_words), daemon=True)
        self._listener.start()
        self._watchdog = Watchdog(self.pid, UNLIMITED)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._process.pid

    def load(self, settings: bytes, allowance: Allowance) -> None:
        """Load the handler.

        Raises as `ask` does, and EngineError if the command runs anything but a child of this version.
        """
        self._watchdog = Watchdog(self.pid, replace(allowance, idle_s=min(allowance.idle_s, GREETING)))
        self._greet()
        self._watchdog = Watchdog(self.pid, allowance)
        for _ in self._answers(Load(self._place), settings):
            pass

    def ask(self, request: bytes, allowance: Allowance) -> Iterator[Answer]:
        """Yield each reply as it arrives, or the error of an item in place of its reply.

        Raises what the handler raised, as a SpeakkitError or a WorkerBug; WorkerDied if the process ends; WorkerHung if
        it exceeds the allowance; FrameError if the request is too large.
        """
        self._watchdog = Watchdog(self.pid, allowance)
        yield from self._answers(WorkItem(), request)

    def settle(self) -> None:
        """Make the process ready for a request, by dropping unread replies to the last one.

        Raises WorkerDied if the process has ended.
        """
        if self._process.poll() is not None:
            raise self._death()
        while self._is_busy:
            try:
                self._hear()
            except WorkerDied:
                raise
            except (SpeakkitError, WorkerBug) as error:
                log.info("dropped an unread error: %s", type(error).__name__)

    def kill(self) -> None:
        """Kill the process and all processes that it started.

        A thread that waits for a reply gets WorkerDied.
        """
        if not self._is_killed:
            self._is_killed = True
            with suppress(ProcessLookupError, PermissionError):  # macOS raises the latter for an ended group
                os.killpg(self.pid, signal.SIGKILL)
            self._process.kill()  # in case it has left its group
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        if self._process.stdin:
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILLED)

    def _greet(self) -> None:
        """Read the handshake. Raises EngineError if the process is not a child of this version."""
        with self._watched():
            try:
                heard = messages.read(self._stream)
            except FrameError as error:
                raise self._no_child("sent garbage") from error
            if heard is None:
                death = self._death()
                raise death if (self._process.returncode or 0) < 0 else self._no_child(f"ended at once ({death})")
            match heard[0]:
                case Handshake(protocol) if protocol == PROTOCOL:
                    return
                case Handshake(protocol):
                    raise self._no_child(f"uses protocol version {protocol}, not {PROTOCOL}")
            raise self._no_child("sent no handshake")

    def _no_child(self, what: str) -> EngineError:
        """Return the error for a command that does not run a child of this version."""
        return EngineError(
            f"the command {self._command[0]} {what}; it must run speakkit.workers.child of this version of speakkit"
        )

    def _answers(self, message: Message, payload: bytes) -> Iterator[Answer]:
        """Send a message and yield the answers to it."""
        packed = messages.packed(message, payload)
        with self._watched():
            self._is_busy = True
            self._send(packed)
        while (answer := self._hear()) is not None:
            yield answer

    def _hear(self) -> Answer | None:
        """Return the next reply, or None at the end of the answer. Raises what the handler raised."""
        with self._watched():
            heard = messages.read(self._stream)
            if heard is None:
                raise EOFError
            message, payload = heard
            match message:
                case Reply():
                    return payload
                case End(resident):
                    self.resident, self._is_busy = resident, False
                    return None
                case Failed() | Bug():
                    error = _error(message, payload.decode(errors="replace"))
                case _:
                    raise FrameError(f"an unexpected message: {type(message).__name__}")
        if message.is_of_item:
            return error
        self._is_busy = False
        raise error

    def _send(self, data: bytes) -> None:
        """Send all of `data`. Raises TimeoutError if the process hangs."""
        left = memoryview(data)
        while left:
            self._wait(select.POLLOUT)
            left = left[self._channel.send(left, socket.MSG_DONTWAIT) :]

    def _received(self, buffer: "WriteableBuffer") -> int:
        """Receive into `buffer`, and return the number of bytes. Raises TimeoutError if the process hangs."""
        self._wait(select.POLLIN)
        return self._channel.recv_into(buffer)

    def _wait(self, event: int) -> None:
        """Wait until the channel is ready for `event`.

        Raises TimeoutError, with the reason, if the process hangs.
        """
        number = self._channel.fileno()
        if number < 0:
            raise EOFError
        poll = select.poll()
        poll.register(number, event)
        self._watchdog.heard()
        while not poll.poll(1000 * self._watchdog.tick):
            reason = self._watchdog.look()
            if reason:
                raise TimeoutError(reason)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Return a context for communication, which kills the process on any failure, including Ctrl-C.

        A failure may have cut a frame in two, so that the channel cannot be used again.
        """
        is_well = False
        try:
            yield
            is_well = True
        except TimeoutError as error:
            raise self._died(str(error), WorkerHung) from error
        except FrameError as error:
            raise self._died(f"sent an invalid frame ({error})") from error
        except (EOFError, OSError) as error:
            raise self._death() from error
        finally:
            if not is_well:
                self.kill()

    def _death(self) -> WorkerDied:
        """Wait until the process ends, and return the error that says how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        code = self._process.returncode
        if code is None:
            return self._died("closed its channel")
        if code >= 0:
            return self._died(f"ended with exit code {code}")
        name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
        return self._died(f"was ended by {name}" + ", for lack of memory perhaps" * (name == "SIGKILL"))

    def _died(self, how: str, kind: type[WorkerDied] = WorkerDied) -> WorkerDied:
        """Kill the process, and return an error with `how` it ended and its last line of standard error."""
        self.kill()
        self._listener.join(GRACE)
        lines = self._last_words.decode(errors="replace").strip().splitlines()
        last = f": {lines[-1].strip()[:SHOWN]}" if lines else ""
        return kind(f"the worker of {self._place} {how}{last}")


class _Incoming(io.RawIOBase):
    """Raw stream over `receive`, which fills a buffer and returns the number of bytes."""

    def __init__(self, receive: Callable[["WriteableBuffer"], int]) -> None:
        self._receive = receive

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        return self._receive(buffer)


def _spawned(place: str, command: Sequence[str]) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start the process. Returns its channel and the process. Raises EngineError if it cannot be started."""
    with ExitStack() as unless_started:
        try:
            ours, theirs = socket.socketpair()
            unless_started.enter_context(ours)
            with theirs:
                process = subprocess.Popen(
                    [*command, str(theirs.fileno())],
                    bufsize=0,
                    stdin=subprocess.PIPE,  # never written to; the child ends when it closes
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,  # Ctrl-C and Ctrl-Z in the terminal must not reach the child
                )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            if error.errno in SCARCE:
                raise EngineError(f"cannot start a worker of {place}: {reason}; run fewer of them") from error
            raise EngineError(f"cannot run {command[0]} as the worker of {place}: {reason}") from error
        unless_started.pop_all()
    return ours, process


def _listen(stream: IO[bytes], last_words: bytearray) -> None:
    """Read standard error to its end, keeping the last KEPT bytes in `last_words`."""
    with stream:
        while data := stream.read(KEPT):
            last_words += data
            del last_words[:-KEPT]


def _error(message: Failed | Bug, text: str) -> SpeakkitError | WorkerBug:
    """Return the error that the handler raised.

    Raises FrameError if its class is not in `errors`.
    """
    if isinstance(message, Bug):
        return WorkerBug(message.kind, message.message, text)
    if message.error not in EXPECTED:
        raise FrameError(f"an unknown error: {message.error}")
    return EXPECTED[message.error](text)
