"""Speaks from inside a container through the speakkit of the host, and returns after the text was played.

python3 speak.py "Hello."
git log -1 | python3 speak.py --agent builder

It needs Python 3.8 or newer, and nothing else. Mount the host's socket folder at /run/speakkit, or set the variable
SPEAKKIT_SOCKET to the path of the socket.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET = "/run/speakkit/speak.sock"
"""Default path of the socket."""

ANSWER = 10.0
"""Seconds within which the daemon must answer. While the utterance waits in the queue, the status is requested then."""

STATUS = "status"
"""Id of that request."""

FAILED, USAGE, NETWORK, INTERRUPTED = 1, 2, 7, 130
"""Exit codes."""

CODES = {
    "bad_request": USAGE,
    "too_large": USAGE,
    "busy": NETWORK,
    "shutting_down": NETWORK,
    "bug": 3,
    "audio_unavailable": 6,
    "muted": 0,
}
"""Error code -> exit code; all others exit with FAILED."""

ENDS = {
    "interrupted": "another utterance interrupted it",
    "replaced": "a newer one took its place",
    "skipped": "it was skipped",
    "expired": "it waited too long, and was not spoken",
}
"""Result -> message, for results that are not played."""

NOBODY = (
    "nothing listens at {}: on the host, `speakkit config set containers true` and `speakkit daemon restart`; "
    "then mount the folder that `speakkit daemon status` shows: docker run -v FOLDER:/run/speakkit:ro"
)
CLOSED = (
    "the daemon at {} closed the connection: it is ending, or does not admit this uid; on the host, `speakkit "
    "daemon logs` shows the uid, and `speakkit config set container_uids UID` admits it"
)
HUNG = "the daemon at {} did not answer within {:g} s; end it on the host: speakkit daemon stop --now"
LONGEST = 1 << 17
"""Maximum bytes of a message."""


class Unspoken(Exception):
    """The text was not spoken. The message is one line; code: exit code."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class Wire:
    """A connection to the daemon. Closing it cancels its requests.

    waits: whether the request is in the queue, so that the daemon sends nothing until it is spoken
    """

    def __init__(self, path: str) -> None:
        """Connect to the socket at `path`. Raises Unspoken if no daemon listens."""
        self.waits = False
        self._path, self._held = path, b""
        self._channel = socket.socket(socket.AF_UNIX)
        self._channel.settimeout(ANSWER)
        try:
            self._channel.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            raise Unspoken(NOBODY.format(path)) from None
        except OSError as error:
            raise Unspoken(f"cannot connect to {path}: {error}") from None

    def ask(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Send a request. Raises Unspoken if the connection is closed."""
        try:
            self._channel.sendall(json.dumps({**header, "n": len(payload)}).encode() + b"\n" + payload)
        except OSError:
            raise Unspoken(CLOSED.format(self._path)) from None

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the daemon's messages. Raises Unspoken for an error reply, a timeout, and the end of the connection."""
        while True:
            line = self._line()
            try:
                event = json.loads(line) if line else None
            except ValueError:
                raise Unspoken(f"the process at {self._path} is not speakkit") from None
            if not isinstance(event, dict):
                raise Unspoken(CLOSED.format(self._path))
            if event.get("id") == STATUS:
                continue  # it answers, even if containers send too many requests
            if "error" in event:
                raise _refusal(event["error"])
            yield event

    def _line(self) -> bytes:
        """The next line; empty at the end of the connection. Raises Unspoken if the daemon does not answer."""
        is_asked = False
        while b"\n" not in self._held and len(self._held) < LONGEST:
            try:
                data = self._channel.recv(1 << 16)
            except socket.timeout:  # noqa: UP041  before Python 3.10 it is not TimeoutError
                if is_asked or not self.waits:
                    raise Unspoken(HUNG.format(self._path, ANSWER)) from None
                self.ask({"op": "status", "id": STATUS})
                is_asked = True
                continue
            except OSError:
                data = b""
            if not data:
                return b""
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return line


def main(arguments: list[str] | None = None) -> int:
    """Run the program. Returns its exit code."""
    try:
        options = _options(arguments)
        return _spoken(Wire(os.environ.get("SPEAKKIT_SOCKET") or SOCKET), options, _text(options.text))
    except Unspoken as error:
        _say(str(error))
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED


def _spoken(wire: Wire, options: argparse.Namespace, payload: bytes) -> int:
    """Speak, and wait until the text was played. Returns the exit code. Raises Unspoken."""
    fields = {name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None}
    events = wire.events()
    if next(events).get("speakkitd") != 1:
        raise Unspoken("the process at the socket is not speakkit")
    wire.ask({"op": "hello", "proto": "1.0", "agent": options.agent, "client": "speak.py"})
    next(events)
    wire.ask({"op": "speak", "id": os.urandom(8).hex(), **fields}, payload)
    lost: list[dict[str, Any]] = []
    for event in events:
        lost += event.get("lost", [])
        if event.get("ev") == "accepted":
            wire.waits = True
        if event.get("ev") == "finished":
            text = payload.decode()
            return _ended(event, [text[span["start"] : span["end"]] for span in lost])
    return FAILED


def _ended(end: dict[str, Any], lost: list[str]) -> int:
    """The exit code for a `finished` event. Raises Unspoken if the text was not spoken. lost: words that were lost."""
    if end.get("code") == "muted":
        _say("nothing is heard while speech is muted")
    elif end["result"] in ENDS:
        raise Unspoken(ENDS[end["result"]], end["exit"])
    elif end["result"] == "failed":
        raise Unspoken(next(iter(end.get("warnings", [])), f"it failed: {end.get('code')}"), end["exit"])
    for word in lost:
        _say(f"not spoken: {word!r}")
    return int(end["exit"])


def _refusal(error: dict[str, Any]) -> Unspoken:
    return Unspoken(str(error.get("msg")), CODES.get(str(error.get("code")), FAILED))


FIELDS = ("voice", "speed", "lang", "prio", "ttl")
"""Options that are sent as fields of the request."""


class Parser(argparse.ArgumentParser):
    """A parser that raises Unspoken for an argument that is not valid."""

    def error(self, message: str) -> NoReturn:
        """Raise Unspoken."""
        raise Unspoken(f"{message}; see --help", USAGE)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="speak.py", description="Speak through the speakkit of the host.")
    parser.add_argument("text", nargs="?", help="text to speak; default: standard input")
    parser.add_argument("--agent", default="default", help="agent name; the host prefixes it with c:")
    parser.add_argument("--voice", help="voice, such as f1; default: set by the host")
    parser.add_argument("--speed", type=float, help="speed, 0.5 to 2.0")
    parser.add_argument("--lang", help="language, such as en-gb; default: that of the voice")
    parser.add_argument("--priority", dest="prio", choices=("normal", "low", "progress"))
    parser.add_argument("--ttl", type=float, metavar="SECONDS", help="drop it if not started within SECONDS")
    return parser.parse_args(arguments)


def _text(given: str | None) -> bytes:
    """The text to speak, in UTF-8; the daemon refuses other bytes. Raises Unspoken if it cannot be read."""
    if given is not None:
        return given.encode(errors="surrogateescape")
    try:
        return sys.stdin.buffer.read() if sys.stdin else b""
    except OSError as error:
        raise Unspoken(f"cannot read standard input: {error}") from None


UNSAFE = re.compile(
    "["
    r"\x00-\x1f\x7f-\x9f"
    r"\u2028\u2029"
    r"\u202a-\u202e\u2066-\u2069"
    r"\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff"
    r"]|(?<![^\x00-\u058f\u1e00-\u206f])[\u200c\u200d]"
    r"|(?<![\U0001f3f4\U000e0030-\U000e007a])[\U000e0000-\U000e007f]"
)
"""Characters that could act on the terminal, or mislead its reader; see `speakkit.printable`."""


def _say(line: str) -> None:
    shown = UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), line)
    sys.stderr.write(f"speak: {shown}\n")


if __name__ == "__main__":
    sys.exit(main())
