"""A stand-in of the Hugging Face Hub on this machine, with faults."""

import hashlib
import re
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from speakkit.engines.sources import HubFiles, Pace, Pinned

TICK = 0.01
"""Seconds between two bytes of a fault "drip", and between two pieces of a fault "slow"."""


def pinned(raw: bytes) -> Pinned:
    """The pin of a content."""
    return Pinned(hashlib.sha256(raw).hexdigest(), len(raw))


class HubServer(ThreadingHTTPServer):
    """Serves files, in parts if asked to.

    files: path -> content
    faults: file name -> what goes wrong: a status code, "other bytes", "cut" and "stall" (half-way), "drip" (a byte at
        a time), "slow" (in 20 pieces), "more" (without an announced size), "longer" (with one), "whole" (no parts),
        or "to ADDRESS" (a redirect)
    asked: requests in order, such as "GET model.bin", with the first byte if it is not 0: "GET model.bin 500"
    stuck: set when a transfer has stalled; free: set by a test to end stalled transfers
    hold: seconds before a GET is answered
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self.asked: list[str] = []
        self.stuck = threading.Event()
        self.free = threading.Event()
        self.hold = 0.0
        self.address = f"http://127.0.0.1:{self.server_port}"

    def offer(self, weights: dict[str, bytes], **pace: float) -> HubFiles:
        """Serve files as someone/small at r1. Returns the source of them, with a `Pace`."""
        self.files |= {f"/someone/small/resolve/r1/{name}": raw for name, raw in weights.items()}
        return small(weights, **pace)


def small(weights: dict[str, bytes], **pace: float) -> HubFiles:
    """The source of someone/small at r1."""
    return HubFiles("someone/small", "r1", {name: pinned(raw) for name, raw in weights.items()}, pace=Pace(**pace))


@contextmanager
def running() -> Iterator[HubServer]:
    """Run a server in a thread."""
    with HubServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.free.set()
        server.shutdown()


@contextmanager
def listening(talk: Callable[[socket.socket], object]) -> Iterator[tuple[str, list[socket.socket]]]:
    """Listen on a port and call `talk` with each connection, in order; yields its address and the connections."""
    seen: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                seen.append(connection)
                talk(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
        server.shutdown(socket.SHUT_RDWR)
    for connection in seen:
        connection.close()


class Answer(BaseHTTPRequestHandler):
    """Handles one request."""

    server: Any

    def do_HEAD(self) -> None:
        self.server.asked.append("HEAD")
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        fault, raw = self.server.faults.get(name, ""), self.server.files.get(self.path)
        begun = self._begun(raw or b"") if fault != "whole" else 0
        self.server.asked.append(f"GET {name}" + (f" {begun}" if begun else ""))
        self.server.free.wait(self.server.hold)
        if fault.startswith("to "):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("to "))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif raw is None or fault.isdigit():
            self.send_error(int(fault or 404))
        else:
            self._send(raw, begun, fault)

    def _begun(self, raw: bytes) -> int:
        """The first byte that is asked for; 0 if the content has changed since."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        is_same = self.headers.get("If-Range") in (None, tag(raw))
        return int(asked[1]) if asked and is_same else 0

    def _send(self, raw: bytes, begun: int, fault: str) -> None:
        body = raw[begun:]
        if fault == "other bytes":
            body = body[:-1] + b"?"
        if fault in ("more", "longer"):
            body += bytes(1 << 20)
        self.send_response(206 if begun else 200)
        if begun:
            self.send_header("Content-Range", f"bytes {begun}-{len(raw) - 1}/{len(raw)}")
        if fault != "more":
            self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", tag(raw))
        self.end_headers()
        half = len(body) // 2
        pieces = {
            "cut": [body[:half]],
            "stall": [body[:half]],
            "drip": [body[place : place + 1] for place in range(len(body))],
            "slow": [body[place : place + len(body) // 20 + 1] for place in range(0, len(body), len(body) // 20 + 1)],
        }.get(fault, [body])
        with suppress(ConnectionError):  # the client may give up
            for piece in pieces:
                self.wfile.write(piece)
                if fault in ("drip", "slow") and self.server.free.wait(TICK):
                    return
        if fault == "stall":
            self.server.stuck.set()
            self.server.free.wait(60)

    def log_message(self, *arguments: object) -> None:
        pass


def tag(raw: bytes) -> str:
    """The entity tag of a content."""
    return f'"{zlib.crc32(raw)}"'
