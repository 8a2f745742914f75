"""The parent's end of one process that answers requests, until it dies or is killed. See `child` for the other end."""

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Thread
from typing import IO

from speakkit import errors
from speakkit.errors import EngineError, SpeakkitError, WorkerBug, WorkerDied, WorkerHung
from speakkit.workers import frames
from speakkit.workers.frames import Frame, FrameError, JsonValue

log = logging.getLogger(__name__)

GRACE = 1.0
"""Seconds in which a process that closed its end of the channel may end by itself."""

KILLED = 5.0
"""Seconds in which the system takes away what was killed; a driver may hold it for longer."""

KEPT = 4096
"""Bytes of a process's standard error that are kept, the last ones."""

SHOWN = 200
"""Characters of its last line that an error shows."""

EXPECTED = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SpeakkitError)
}
"""The errors that a handler may raise."""

_spawner = ThreadPoolExecutor(1, thread_name_prefix="spawner")
"""Starts every process. The kernel ends a child with the thread that started it, so this thread stays."""


class Process:
    """A fresh Python that serves `place`. It is asked for one thing at a time, and may be killed by any thread.

    resident: bytes of memory that it took when it last ended an answer
    Raises EngineError where the system starts no more processes.
    """

    def __init__(self, place: str) -> None:
        self.resident = 0
        self._place = place
        self._is_busy = False
        try:
            self._channel, self._process = _spawner.submit(_spawned).result()
        except OSError as error:
            raise EngineError(f"cannot start a worker of {place}: {error.strerror}; run fewer of them") from error
        self._stream = self._channel.makefile("rb")
        self._last_words = bytearray()
        self._listener = Thread(target=_listen, args=(self._process.stderr, self._last_words), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def load(self, settings: Mapping[str, JsonValue], silence: float) -> None:
        """Have it load its handler. Raises as `ask` does."""
        for _ in self._answer(Frame({"load": self._place, "settings": settings}), silence):
            pass

    def ask(self, request: Frame, silence: float) -> Iterator[Frame]:
        """Each frame of its answer, as it comes.

        Raises what its handler raised, as a SpeakkitError or a WorkerBug; WorkerDied where it ends, WorkerHung
        where it sends nothing for `silence` seconds; FrameError for a request that is too large.
        """
        yield from self._answer(Frame({"request": request.fields}, request.payload), silence)

    def settle(self, silence: float) -> None:
        """Make it ready to be asked: what nobody heard of its last answer is dropped. Raises WorkerDied if it ended."""
        if self._process.poll() is not None:
            raise self._death()
        while self._is_busy:
            try:
                self._hear(silence)
            except WorkerDied:
                raise
            except (SpeakkitError, WorkerBug) as error:
                log.info("nobody heard of this: %s", type(error).__name__)

    def kill(self) -> None:
        """End it at once, whatever it is at. A thread that waits for its answer hears of its end."""
        self._process.kill()
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILLED)

    def _answer(self, message: Frame, silence: float) -> Iterator[Frame]:
        packed = frames.packed(message)
        with self._watched(silence):
            self._is_busy = True
            self._channel.sendall(packed)
        while reply := self._hear(silence):
            yield reply

    def _hear(self, silence: float) -> Frame | None:
        """The next frame of its answer, or None at the end of that. Raises what its handler raised."""
        with self._watched(silence):
            heard = frames.read(self._stream)
            if heard is None:
                raise EOFError
            meaning = _meaning(heard)
        if isinstance(meaning, Frame):
            return meaning
        self._is_busy = False
        if isinstance(meaning, Exception):
            raise meaning
        self.resident = meaning
        return None

    @contextmanager
    def _watched(self, silence: float) -> Iterator[None]:
        """Speak with it. Whatever goes wrong, or a Ctrl-C, may have cut a frame in two: that is its end."""
        is_well = False
        try:
            self._channel.settimeout(silence)
            yield
            is_well = True
        except TimeoutError as error:
            raise self._died(f"said nothing for {silence:g} s", WorkerHung) from error
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


def _spawned() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    number = theirs.fileno()
    with theirs:
        process = subprocess.Popen(
            # -P: a file of the user's in this folder must not pass for one of Python's modules
            [sys.executable, "-P", "-m", "speakkit.workers.child", str(number), str(os.getpid())],
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(number,),
            process_group=0,  # a Ctrl-C or Ctrl-Z in the terminal is for the parent alone
        )
    return ours, process


def _listen(stream: IO[bytes], last_words: bytearray) -> None:
    with stream:
        while data := stream.read(KEPT):
            last_words += data
            del last_words[:-KEPT]


def _meaning(heard: Frame) -> Frame | Exception | int:
    """A reply, what was raised, or the memory that is taken at the end of an answer. Raises FrameError."""
    match heard.fields:
        case {"reply": dict(fields)}:
            return Frame(fields, heard.payload)
        case {"end": int(resident)}:
            return resident
        case {"failed": str(name)} if name in EXPECTED:
            return EXPECTED[name](_text(heard))
        case {"bug": str(kind), "message": str(message)}:
            return WorkerBug(kind, message, _text(heard))
    raise FrameError(f"an answer to nothing: {list(heard.fields)}")


def _text(heard: Frame) -> str:
    return heard.payload.decode(errors="replace")
