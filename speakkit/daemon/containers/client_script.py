"""Speaks from inside a container, through the speakkit of the host: it returns when the text has been heard.

python3 speak.py "Hello."
git log -1 | python3 speak.py --agent builder

It needs Python 3.8 or newer, and nothing else. The host's folder of the socket must be mounted at /run/speakkit, or the
variable SPEAKKIT_SOCKET must name the socket.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET = "/run/speakkit/speak.sock"

ANSWER = 10.0
"""Seconds in which the daemon answers, unless its user has something else to hear first."""

FAILED, USAGE, NETWORK, INTERRUPTED = 1, 2, 7, 130

CODES = {
    "bad_request": USAGE,
    "too_large": USAGE,
    "busy": NETWORK,
    "shutting_down": NETWORK,
    "bug": 3,
    "audio_unavailable": 6,
    "muted": 0,
}
"""The code of a refusal -> what the program ends with; all others end with FAILED."""

ENDS = {
    "interrupted": "another utterance interrupted it",
    "replaced": "a newer one took its place",
    "skipped": "it was skipped",
    "expired": "it waited for too long, and was not spoken",
}

NOBODY = (
    "nothing listens at {}: on the host, `speakkit config set containers true` and `speakkit daemon restart`; "
    "then mount the folder of the socket, which `speakkit daemon status` names: docker run -v FOLDER:/run/speakkit:ro"
)
CLOSED = (
    "the daemon at {} closes the connection: it ends, or does not admit this uid; on the host, `speakkit daemon logs` "
    "tells which that is there, and `speakkit config set container_uids UID` admits it"
)


class Unspoken(Exception):
    """It was not heard. The message is one line; code: what the program ends with."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class Wire:
    """A connection to the daemon: what was asked through it ends with it."""

    def __init__(self, path: str) -> None:
        """Raises Unspoken where nothing listens."""
        self._path = path
        self._channel = socket.socket(socket.AF_UNIX)
        self._channel.settimeout(ANSWER)
        try:
            self._channel.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            raise Unspoken(NOBODY.format(path)) from None
        except OSError as error:
            raise Unspoken(f"cannot connect to {path}: {error}") from None
        self._lines = self._channel.makefile("rb")

    def ask(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Say something. Raises Unspoken."""
        try:
            self._channel.sendall(json.dumps({**header, "n": len(payload)}).encode() + b"\n" + payload)
        except OSError:
            raise Unspoken(CLOSED.format(self._path)) from None

    def events(self) -> Iterator[dict[str, Any]]:
        """What the daemon says. Raises Unspoken for a refusal, and at the end."""
        while True:
            try:
                line = self._lines.readline(1 << 17)
            except socket.timeout:  # noqa: UP041  it has another name before Python 3.10
                raise Unspoken(f"the daemon at {self._path} does not answer within {ANSWER:g} s") from None
            except OSError:
                line = b""
            try:
                event = json.loads(line) if line else None
            except ValueError:
                raise Unspoken(f"what listens at {self._path} is no speakkit") from None
            if not isinstance(event, dict):
                raise Unspoken(CLOSED.format(self._path))
            if "error" in event:
                raise _refusal(event["error"])
            yield event

    def wait(self) -> None:
        """From now on, wait for as long as others speak."""
        self._channel.settimeout(None)


def main(arguments: list[str] | None = None) -> int:
    """The program."""
    try:
        options = _options(arguments)
        return _spoken(Wire(os.environ.get("SPEAKKIT_SOCKET") or SOCKET), options, *_text(options.text))
    except Unspoken as error:
        _say(str(error))
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED


def _spoken(wire: Wire, options: argparse.Namespace, text: str, payload: bytes) -> int:
    """Speak, and wait until it has been heard. Raises Unspoken."""
    fields = {name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None}
    events = wire.events()
    if next(events).get("speakkitd") != 1:
        raise Unspoken("what listens there is no speakkit")
    wire.ask({"op": "hello", "proto": "1.0", "agent": options.agent, "client": "speak.py"})
    next(events)
    wire.ask({"op": "speak", "id": os.urandom(8).hex(), **fields}, payload)
    lost: list[dict[str, Any]] = []
    for event in events:
        lost += event.get("lost", [])
        if event.get("ev") == "accepted":
            wire.wait()
        if event.get("ev") == "finished":
            return _ended(event, [text[span["start"] : span["end"]] for span in lost])
    return FAILED


def _ended(end: dict[str, Any], lost: list[str]) -> int:
    """What the program ends with. Raises Unspoken."""
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


FIELDS = ("voice", "speed", "lang", "prio", "interrupt", "replace", "ttl")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="speak.py", description="Speak through the speakkit of the host.")
    parser.add_argument("text", nargs="?", help="what to say; without it, what comes through a pipe")
    parser.add_argument("--agent", default="default", help="who speaks; the host puts c: before it")
    parser.add_argument("--voice", help="such as f1; that of the host by default")
    parser.add_argument("--speed", type=float, help="0.5 to 2.0")
    parser.add_argument("--lang", help="such as en-gb; the voice's own by default")
    parser.add_argument("--priority", dest="prio", choices=("normal", "low", "progress"))
    parser.add_argument("--interrupt", choices=("none", "agent"), help="agent: end what this agent said before")
    parser.add_argument("--replace", metavar="KEY", help="take the place of what waits under the same key")
    parser.add_argument("--ttl", type=float, metavar="SECONDS", help="after which it is not worth hearing")
    return parser.parse_args(arguments)


def _text(given: str | None) -> tuple[str, bytes]:
    """What to say, and its bytes. Raises Unspoken."""
    try:
        text = sys.stdin.buffer.read().decode() if given is None else given
        return text, text.encode()
    except UnicodeError:
        raise Unspoken("the text is not UTF-8", USAGE) from None


def _say(line: str) -> None:
    sys.stderr.write(f"speak: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
