"""The parent's end of one process that answers requests, until it dies or is killed. See `child` for the other end."""

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
"""Runs a child with this Python. -P: a file of the user's in this folder must not pass for one of Python's modules."""

GREETING = 60.0
"""Seconds without progress in which a child says what it is."""

GRACE = 1.0
"""Seconds in which a process that closed its end of the channel may end by itself."""

KILLED = 5.0
"""Seconds in which the system takes away what was killed; a driver may hold it for longer."""

KEPT = 4096
"""Bytes of a process's standard error that are kept, the last ones."""

SHOWN = 200
"""Characters of its last line that an error shows."""

SCARCE = frozenset((errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE))
"""Reasons for which the system starts no process that fewer processes may mend."""

EXPECTED = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SpeakkitError)
}
"""The errors that a handler may raise."""

Answer = bytes | SpeakkitError | WorkerBug
"""A reply, or the error that one item of a request met."""


class Process:
    """A fresh process that serves `place`. It is asked for one thing at a time, and may be killed by any thread.

    place: "package.module:function" of a loader, as in `child`
    command: runs `speakkit.workers.child`, by the Python of another virtual environment perhaps
    resident: bytes of memory that it took when it last ended an answer
    Raises EngineError if it cannot be started.
    """

    def __init__(self, place: str, command: Sequence[str] = COMMAND) -> None:
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
        """Its number, which is that of its process group too."""
        return self._process.pid

    def load(self, settings: bytes, allowance: Allowance) -> None:
        """Have it load its handler.

        Raises as `ask` does, and EngineError if the command runs anything but a child of this version.
        """
        self._watchdog = Watchdog(self.pid, replace(allowance, idle_s=min(allowance.idle_s, GREETING)))
        self._greet()
        self._watchdog = Watchdog(self.pid, allowance)
        for _ in self._answers(Load(self._place), settings):
            pass

    def ask(self, request: bytes, allowance: Allowance) -> Iterator[Answer]:
        """Each reply, as it comes; in place of one, the error that this item of the request met.

        Raises what its handler raised, as a SpeakkitError or a WorkerBug; WorkerDied if it ends, WorkerHung if it takes
        more than the allowance; FrameError for a request that is too large.
        """
        self._watchdog = Watchdog(self.pid, allowance)
        yield from self._answers(WorkItem(), request)

    def settle(self) -> None:
        """Make it ready to be asked: what nobody heard of its last answer is dropped. Raises WorkerDied if it ended."""
        if self._process.poll() is not None:
            raise self._death()
        while self._is_busy:
            try:
                self._hear()
            except WorkerDied:
                raise
            except (SpeakkitError, WorkerBug) as error:
                log.info("nobody heard of this: %s", type(error).__name__)

    def kill(self) -> None:
        """End it at once, with all processes that it started. A thread that waits for its answer hears of its end."""
        if not self._is_killed:
            self._is_killed = True
            with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group without the living
                os.killpg(self.pid, signal.SIGKILL)
            self._process.kill()  # which may have left the group
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        if self._process.stdin:
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILLED)

    def _greet(self) -> None:
        """Read what a child says first."""
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
                    raise self._no_child(f"speaks version {protocol} of its protocol, not {PROTOCOL}")
            raise self._no_child("does not say what it is")

    def _no_child(self, what: str) -> EngineError:
        return EngineError(
            f"the command {self._command[0]} {what}; it must run speakkit.workers.child of this version of speakkit"
        )

    def _answers(self, message: Message, payload: bytes) -> Iterator[Answer]:
        packed = messages.packed(message, payload)
        with self._watched():
            self._is_busy = True
            self._send(packed)
        while (answer := self._hear()) is not None:
            yield answer

    def _hear(self) -> Answer | None:
        """The next reply, or None at the end of the answer. Raises what its handler raised."""
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
                    raise FrameError(f"an answer to nothing: {type(message).__name__}")
        if message.is_of_item:
            return error
        self._is_busy = False
        raise error

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self._wait(select.POLLOUT)
            left = left[self._channel.send(left, socket.MSG_DONTWAIT) :]

    def _received(self, buffer: "WriteableBuffer") -> int:
        self._wait(select.POLLIN)
        return self._channel.recv_into(buffer)

    def _wait(self, event: int) -> None:
        """Wait until the channel is ready for `event`. Raises TimeoutError, which says why, if the process hangs."""
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
        """Speak with it. Whatever goes wrong, or a Ctrl-C, may have cut a frame in two: that is its end."""
        is_well = False
        try:
            yield
            is_well = True
        except TimeoutError as error:
            raise self._died(str(error), WorkerHung) from error
        except FrameError as error:
            raise self._died(f"sent what is no frame ({error})") from error
        except (EOFError, OSError) as error:
            raise self._death() from error
        finally:
            if not is_well:
                self.kill()

    def _death(self) -> WorkerDied:
        """How it ended, once it has."""
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
        self.kill()
        self._listener.join(GRACE)
        lines = self._last_words.decode(errors="replace").strip().splitlines()
        last = f": {lines[-1].strip()[:SHOWN]}" if lines else ""
        return kind(f"the worker of {self._place} {how}{last}")


class _Incoming(io.RawIOBase):
    """Bytes from `receive`, which fills a buffer and tells how many bytes it put there."""

    def __init__(self, receive: Callable[["WriteableBuffer"], int]) -> None:
        self._receive = receive

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        return self._receive(buffer)


def _spawned(place: str, command: Sequence[str]) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    with ExitStack() as unless_started:
        try:
            ours, theirs = socket.socketpair()
            unless_started.enter_context(ours)
            with theirs:
                process = subprocess.Popen(
                    [*command, str(theirs.fileno())],
                    bufsize=0,
                    stdin=subprocess.PIPE,  # never written to: that it closes tells of our end
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,  # a Ctrl-C or Ctrl-Z in the terminal is for the parent alone
                )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            if error.errno in SCARCE:
                raise EngineError(f"cannot start a worker of {place}: {reason}; run fewer of them") from error
            raise EngineError(f"cannot run {command[0]}, which was to serve {place}: {reason}") from error
        unless_started.pop_all()
    return ours, process


def _listen(stream: IO[bytes], last_words: bytearray) -> None:
    with stream:
        while data := stream.read(KEPT):
            last_words += data
            del last_words[:-KEPT]


def _error(message: Failed | Bug, text: str) -> SpeakkitError | WorkerBug:
    """The error that the handler raised. Raises FrameError for a class that `errors` does not have."""
    if isinstance(message, Bug):
        return WorkerBug(message.kind, message.message, text)
    if message.error not in EXPECTED:
        raise FrameError(f"an unknown error: {message.error}")
    return EXPECTED[message.error](text)
