"""Shared fixtures of the daemon's tests: daemons and servers that end with the test, and clients of them."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from bare import BARE_PYTHON
from speakkit import paths
from speakkit.config import load
from speakkit.daemon.containers import listener
from speakkit.daemon.process import lifecycle
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.server import Server
from speakkit.daemon.wire import client, codec, messages, protocol
from speakkit.daemon.wire.client import Client
from speakkit.daemon.wire.connection import ConnectionLimits
from speakkit.daemon.wire.messages import Accepted, AudioChunk, ErrorReply, Finished, Hello, Mode, SpokenWord
from speakkit.daemon.wire.protocol import Code, FrameDecoder
from speakkit.daemon.wire.requests import Refused
from speakkit.workers.frames import Frame

STRANGER = 65534
"""User id of another user: nobody."""

SECONDS = 20
"""Timeout in seconds for any step of these tests on a loaded machine."""


@pytest.fixture
def as_stranger(place):
    """Run Python code as another user, with the socket's path as its argument; returns its standard output.

    By default, the permissions of the folders and the socket are opened for that user.
    """
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root, and setpriv of util-linux, to become another user")

    def run(code, folder=0o755, socket=0o666):
        for path, mode in ((place.path.parent, 0o755), (place.path, folder), (place.socket, socket)):
            path.chmod(mode)
        command = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", BARE_PYTHON]
        ended = subprocess.run(
            [*command, "-I", "-c", code, str(place.socket)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


@pytest.fixture
def start(place):
    """Start a daemon as a shell would: start(SPEAKKIT_IDLE_EXIT="1"). Returns the process after its first line."""
    started = []

    def run(**variables):
        child: Any = subprocess.Popen(
            [sys.executable, "-P", "-m", "speakkit.daemon"], stderr=subprocess.PIPE, env=os.environ | variables
        )
        started.append(child)
        child.said = child.stderr.readline().decode()
        return child

    yield run
    for child in started:
        child.kill()
        child.wait(SECONDS)
        child.stderr.close()


@pytest.fixture
def fails_to_start(start):
    """Start a daemon that must exit with 1, and return its one line of error."""

    def run(**variables):
        child = start(**variables)
        assert child.wait(SECONDS) == 1
        assert child.stderr.read() == b""
        assert "Traceback" not in child.said
        return child.said

    return run


OPS = ("say", "read", "dial", "wait", "cancel", "flood", "bug", "refuse")


class Echo:
    """A stub of the daemon's work: each op does what a test needs, and opened and closed connections are recorded."""

    def __init__(self):
        self.opens, self.closes, self.cancels = [], [], []
        self.waiting = set()
        self.drained = asyncio.Event()
        self.drained.set()
        self.ops = {name: getattr(self, f"_{name}") for name in OPS}

    def opened(self, connection):
        self.opens.append(connection.number)

    def closed(self, connection):
        self.closes.append(connection.number)
        self.waiting.discard(connection)

    def holds(self, connection):
        return connection in self.waiting

    def is_busy(self):
        return bool(self.waiting) or not self.drained.is_set()

    def status(self):
        return {"waiting": len(self.waiting)}

    async def drain(self):
        await self.drained.wait()

    async def stop(self):
        pass

    async def _say(self, connection, request):
        connection.post(Accepted(request.id))
        connection.post(Finished(request.id, Result.played, exit=0, audio_ms=len(request.payload)))

    async def _read(self, connection, request):
        words = tuple(SpokenWord(n, n + 1, n / 4, n / 4 + 0.2) for n in range(request.fields["count"]))
        connection.post(Finished(request.id, Result.played, exit=0, words=words))

    async def _dial(self, *_):
        raise ConnectionRefusedError

    async def _wait(self, connection, request):
        self.waiting.add(connection)
        connection.post(Accepted(request.id))

    async def _cancel(self, connection, request):
        self.cancels.append(request.id)
        self.waiting.discard(connection)
        connection.post(Finished(request.id, Result.interrupted, exit=130))

    async def _flood(self, connection, request):
        for number in range(request.fields["count"]):
            await connection.send(AudioChunk(request.id, number, 24000, bytes(64 << 10)))
        connection.post(Finished(request.id, Result.played, exit=0))

    async def _bug(self, _, request):
        raise ValueError(request.payload.decode())

    async def _refuse(self, *_):
        raise Refused(Code.busy, "there is no room", 800)


class Served:
    """A server in a thread of this process."""

    def __init__(self, place, limits, idle_exit=-1.0, make=Echo, *, containers=False):
        self.place, self.limits, self.idle_exit, self.make = place, limits, idle_exit, make
        self.containers = listener.listen(place, load()) if containers else None
        self.published = lifecycle.publish(place)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.thread.start()
        assert self.ready.wait(SECONDS)

    async def _run(self):
        self.loop = asyncio.get_running_loop()
        self.work = self.make()
        self.server = Server(self.published, self.work, self.idle_exit, self.limits, containers=self.containers)
        self.ready.set()
        await self.server.run()

    def end(self, mode=Mode.now):
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.server.end, mode, "the test is over")

    def call(self, function, *arguments):
        with suppress(RuntimeError):  # the server has ended meanwhile, and its loop is closed
            self.loop.call_soon_threadsafe(function, *arguments)

    def raw(self):
        """Return a connection on which nothing was sent or read."""
        channel = socket.socket(socket.AF_UNIX)
        channel.settimeout(SECONDS)
        channel.connect(str(self.place.socket))
        return channel

    def client(self, **hello):
        client: Any = Client(self.raw())
        client.welcome = client.hello(Hello(**hello))
        return client


@pytest.fixture
def serve(place):
    """Start a server in this process, with changed limits: serve(idle=0.2)."""
    started = []

    def run(idle_exit=-1.0, make=Echo, *, containers=False, **limits):
        started.append(Served(place, ConnectionLimits(**limits), idle_exit, make, containers=containers))
        return started[-1]

    yield run
    for served in started:
        if isinstance(served.work, Echo):
            served.call(served.work.drained.set) if served.thread.is_alive() else served.work.drained.set()
        served.end()
        served.thread.join(SECONDS)
        assert not served.thread.is_alive()


@pytest.fixture
def log():
    """A function that returns the content of the daemon's log."""
    return lambda: paths.daemon_log().read_text() if paths.daemon_log().exists() else ""


def said(channel):
    """Return all data up to the end of the connection."""
    data = b""
    while True:
        try:
            more = channel.recv(65536)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


@pytest.fixture(name="said")
def said_fixture():
    return said


class Caller:
    """A client that records every event with its time of arrival: said = {id: [(seconds, event), ...]}."""

    def __init__(self, channel, agent):
        self.channel = channel
        self.said: dict[Any, list[tuple[float, Any]]] = {}
        self.is_over = False
        self.news = threading.Condition()
        channel.settimeout(None)
        threading.Thread(target=self._listen, daemon=True).start()
        self.send("hello", proto="1.0", agent=agent, upgrade=False)
        self.wait_for(lambda: self.said, "a welcome")

    def _listen(self):
        decoder = FrameDecoder()
        with suppress(OSError):
            while data := self.channel.recv(1 << 16):
                decoder.feed(data)
                while (frame := decoder.frame()) is not None:
                    with self.news:
                        event = codec.event_of(frame)
                        self.said.setdefault(frame.fields.get("id"), []).append((time.monotonic(), event))
                        self.news.notify_all()
        with self.news:
            self.is_over = True
            self.news.notify_all()

    def send(self, op, payload=b"", **fields):
        self.channel.sendall(protocol.packed(Frame({"op": op, **fields}, payload)))

    def ask(self, op, payload=b"", **fields):
        """Send a request; returns its id, which `end` and `event` take."""
        name = fields.pop("id", None) or os.urandom(6).hex()
        self.send(op, payload, id=name, **fields)
        return name

    def speak(self, text, **fields):
        """Send a speak request and wait until it is accepted or refused; returns its id."""
        name = self.ask("speak", text.encode(), voice="f1", **fields)
        self.event(name, Accepted | Finished | ErrorReply)
        return name

    def do(self, op, **fields):
        """Send a request that is answered at once, and return its last event."""
        return self.end(self.ask(op, **fields))

    def wait_for(self, found, what, seconds=SECONDS):
        with self.news:
            assert self.news.wait_for(lambda: found() or self.is_over, seconds), f"no {what}: {self.said}"
            assert found(), f"the daemon went before {what}: {self.said}"
            return found()

    def all(self, name, kind):
        return [(at, event) for at, event in self.said.get(name, []) if isinstance(event, kind)]

    def when(self, name, kind):
        """Return when the first event of a kind arrived, in seconds of time.monotonic()."""
        return self.wait_for(lambda: self.all(name, kind), f"{kind} of {name}")[0][0]

    def event(self, name, kind, seconds=SECONDS):
        """Return the first event of a kind."""
        return self.wait_for(lambda: self.all(name, kind), f"{kind} of {name}", seconds)[0][1]

    def end(self, name, seconds=SECONDS):
        """Return the last event."""
        return self.event(name, (*messages.LAST, ErrorReply), seconds)

    def result(self, name):
        return self.end(name).result

    def sound(self, name):
        """Return the samples received so far, as bytes."""
        return b"".join(event.payload for _, event in self.all(name, AudioChunk))

    def close(self):
        with suppress(OSError):
            self.channel.shutdown(socket.SHUT_RDWR)
        self.channel.close()


@pytest.fixture
def heard(fake_voice, sound_server, monkeypatch, tmp_path):
    """Play the daemons that start later to a sound server; a call returns the float32 samples recorded so far."""
    for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH"):
        monkeypatch.setenv(name, sound_server.environment[name])
    monkeypatch.setenv("SPEAKKIT_SINK", "sounddevice")
    with sound_server.listening(tmp_path) as heard:
        yield heard


@pytest.fixture
def caller(place):
    """Connect a client, and start the daemon if none runs: caller("claude-1")."""
    callers = []

    def come(agent="default"):
        callers.append(Caller(client.connect(agent)._channel, agent))
        return callers[-1]

    yield come
    for each in callers:
        each.close()
