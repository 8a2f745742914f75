"""Runs a command that answers requests in lines of JSON, in a worker process that ends when the command ends.

The command reads one request per line from its standard input, as `Request`, and writes one answer per line to its
standard output: an object with the "id" of the request, and either "error", a text, or whatever its kind of engine
answers. It ends when its standard input ends. One request is sent at a time.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

import msgspec

from speakkit.engines.installing import variables
from speakkit.errors import EngineError, storage_error
from speakkit.printable import printable

LONGEST = 16 << 20
"""Maximum bytes that the command writes per request: the words of a whole day, with their times."""

SHOWN = 200
"""Maximum characters of the command's text in an error message."""

GRACE = 0.5
"""Timeout in seconds for the command to end after it closed its standard input or output."""


class Command(msgspec.Struct, frozen=True):
    """A command to run.

    words: program and arguments
    folder: folder of its environment, in which it runs
    variables: environment variables to set for it
    """

    words: tuple[str, ...]
    folder: Path
    variables: dict[str, str] = {}


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked about one clip.

    id: differs for each request
    path: of a wav file with one channel of 16 bits
    language: ISO 639-1 code; None to detect the language
    text: what is said in the clip, for engines that need it; left out if None
    """

    id: str
    path: str
    language: str | None
    text: str | None = None


class _Envelope(msgspec.Struct, frozen=True):
    """The part of an answer that all kinds of engine have in common."""

    id: str
    error: str | None = None


def load(command: Command) -> Callable[[Request], Iterator[bytes]]:
    """Return the handler for a worker process: it replies to a request with the line of JSON that answers it.

    Raises EngineError if the command cannot be run.
    """
    try:
        process = subprocess.Popen(
            command.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=command.folder,
            env=variables(command.folder) | command.variables,
        )
    except OSError as error:
        raise EngineError(str(storage_error(error, f"run {command.words[0]}"))) from error
    return _Conversation(process).answer


class _Conversation:
    """The exchange of requests and answers with a running command."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._requests = cast("BinaryIO", process.stdin)
        self._answers = cast("BinaryIO", process.stdout)
        self._asked: set[str] = set()

    def answer(self, request: Request) -> Iterator[bytes]:
        """Yield the answer to a request, which has its id. Late answers to earlier requests are dropped.

        Raises EngineError if the command reports an error, or writes anything else. Ends this process if the command
        ends, closes its standard input or output, or writes too much.
        """
        self._asked.add(request.id)
        self._send(msgspec.json.encode(request) + b"\n")
        left = LONGEST
        while True:
            line = self._line(left)
            left -= len(line)
            found = _envelope(line)
            if found.id == request.id:
                break
            if found.id not in self._asked:
                raise EngineError(f"it answered {_shown(repr(found.id))}, which was not asked")
        if found.error is not None:
            raise EngineError(_shown(found.error) or "it reported an error without a text")
        yield line

    def _send(self, line: bytes) -> None:
        """Send a line. Ends this process if the command no longer reads."""
        try:
            self._requests.write(line)
            self._requests.flush()
        except BrokenPipeError:
            self._follow()

    def _line(self, left: int) -> bytes:
        """Return the next line. Ends this process if there is none, or if it is longer than `left` bytes."""
        line = self._answers.readline(left + 1)
        if len(line) > left:
            self._end(f"it answered more than {LONGEST >> 20} MB")
        if not line.endswith(b"\n"):
            self._follow()
        return line

    def _follow(self) -> NoReturn:
        """End this process the way the command ended."""
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._end("it closed its standard input or output")
        if code < 0:
            os.kill(os.getpid(), -code)
            code = 128 - code  # as in a shell, for a signal that this process ignores
        raise SystemExit(code)

    def _end(self, reason: str) -> NoReturn:
        """End the command and this process. `reason` is its last line of standard error."""
        self._process.send_signal(signal.SIGKILL)
        print(reason, file=sys.stderr)  # noqa: T201  the parent reads it
        raise SystemExit(1)


def _envelope(line: bytes) -> _Envelope:
    """Decode the common part of an answer. Raises EngineError, with the beginning of the line, if it is none."""
    try:
        return msgspec.json.decode(line, type=_Envelope)
    except (msgspec.MsgspecError, RecursionError) as error:
        text = _shown(line[: 4 * SHOWN].decode(errors="replace").strip())
        raise EngineError(
            f"it wrote what is no answer ({_shown(str(error))}): {text}; write all else to standard error"
        ) from error


def _shown(text: str) -> str:
    """The beginning of a text of the command, in one line."""
    return printable(text.strip()[:SHOWN])
