"""Tests of the threat model: other users who connect, data left behind, and what is disclosed to which client.

Texts too long, too deep and hostile: test_protocol.py. Folders and locks of other users: test_rundir.py. Connections
that use up resources: test_server.py.
"""

import gc
import json
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bare import BARE_PYTHON
from speakkit import paths
from speakkit.daemon import control
from speakkit.daemon.process import lifecycle, peer, rundir, terminate
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import Mode
from speakkit.errors import DaemonError
from waiting import wait_until

SECONDS = 20
CANARY = "canary-7f3a9c"

CONNECT = """
import socket, sys
channel = socket.socket(socket.AF_UNIX)
channel.settimeout(10)
try:
    channel.connect(sys.argv[1])
    channel.sendall(b'{"op":"shutdown","mode":"now"}\\n')
    print(channel.recv(1000))
except (BrokenPipeError, ConnectionResetError):
    print(b"")
except PermissionError:
    print("PermissionError")
"""

LISTEN = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
listener.listen()
print("ready", flush=True)
listener.accept()
sys.stdin.read()
"""


def test_another_user_hears_nothing(start, as_stranger, log):
    """Another user receives no byte, even if folder and socket are open to it, and the daemon keeps running."""
    child = start()
    assert as_stranger(CONNECT).splitlines()[-1] == "b''"
    assert "another user tried to connect" in log()
    assert child.poll() is None


def test_another_user_does_not_come_so_far(start, as_stranger):
    """Another user can pass neither the folder's nor the socket's permissions."""
    start()
    assert as_stranger(CONNECT, folder=0o700).splitlines()[0] == "PermissionError"
    assert as_stranger(CONNECT, socket=0o600).splitlines()[0] == "PermissionError"


def test_another_user_does_not_answer_for_the_daemon(place):
    """A client checks the user of the listening process before it sends anything."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    place.path.parent.chmod(0o755)
    place.path.chmod(0o777)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BARE_PYTHON, "-I", "-c", LISTEN]
    impostor = subprocess.Popen([*command, place.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert impostor.stdout.readline() == b"ready\n"
    place.path.chmod(0o700)
    with pytest.raises(DaemonError, match="another user listens at"):
        client.connect()
    impostor.communicate(timeout=SECONDS)


@pytest.mark.parametrize("uid", [0, 1000, 65534])
def test_root_is_another_user_too(monkeypatch, uid):
    """Root counts as another user, since a container's root is root to the kernel."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer.of(ours) == peer.Peer(os.geteuid(), os.getpid())
        assert peer.is_ours(ours)
        monkeypatch.setattr(peer, "of", lambda _: peer.Peer(uid, 1))
        monkeypatch.setattr(os, "geteuid", lambda: 1234)
        assert not peer.is_ours(ours)


class Unreadable:
    def getsockopt(self, *_):
        raise OSError


class Short:
    def getsockopt(self, *_):
        return b""


@pytest.mark.parametrize("channel", [Unreadable(), Short(), socket.socket(socket.AF_INET)])
def test_who_cannot_be_known_is_refused(channel):
    """A peer whose user is unknown is refused: the kernel gives no credentials, or it is a network socket."""
    assert not peer.is_ours(channel)


@pytest.mark.parametrize(("version", "uid", "is_ours"), [(0, os.geteuid(), True), (0, 77, False), (1, 0, False)])
def test_credentials_of_macos(monkeypatch, version, uid, is_ours):
    """Credentials are read as <sys/ucred.h> of macOS defines them; another version of the structure is refused."""

    class Channel:
        def getsockopt(self, level, option, size):
            assert (level, option) == (0, 1)
            return struct.pack("II", version, uid)[:size]

    monkeypatch.setattr(sys, "platform", "darwin")
    channel: Any = Channel()
    assert peer.is_ours(channel) is is_ours


def test_no_key_stays_in_a_daemon(place, monkeypatch, log):
    """No API key of the client that starts the daemon is in its environment, command line, log or status."""
    for variable in ("SPEAKKIT_GEMINI_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY", "HF_TOKEN", "SPEAKKIT_VOICE"):
        monkeypatch.setenv(variable, CANARY)
    with client.connect() as connection:
        process = Path(f"/proc/{connection.greeting.pid}")
        places = [(process / name).read_bytes() for name in ("environ", "cmdline")]
        places += [repr(connection.status()).encode(), log().encode()]
    assert [place for place in places if CANARY.encode() in place] == []
    assert b"SPEAKKIT_HOME" in places[0]


@pytest.mark.parametrize(
    "data",
    [
        b'{"op":"bug","id":"x","n":13}\n' + CANARY.encode(),
        b'{"op":"say","id":"%s"}\n' % f"{CANARY} ".encode(),
        b'{"op":"%s"}\n' % CANARY.encode(),
        b'{"op":"hello","agent":"%s "}\n' % CANARY.encode(),
        b'{"op":"hello","proto":"%s"}\n' % CANARY.encode(),
        b'{"op":"shutdown","mode":"%s"}\n' % CANARY.encode(),
        b'{"op":"say","voice":"%s", {\n' % CANARY.encode(),
        CANARY.encode() * 6000,
    ],
)
def test_no_text_is_logged_or_said_again(serve, said, caplog, data):
    """Neither logs nor error replies contain a client's text, since it must reach no other agent and no disk."""
    caplog.set_level(logging.DEBUG)
    with serve().raw() as channel:
        channel.sendall(b'{"op":"hello"}\n' + data)
        channel.shutdown(socket.SHUT_WR)
        answers = said(channel)
    assert b'"error"' in answers
    assert CANARY.encode() not in answers
    assert CANARY not in caplog.text


def test_a_bug_is_logged_with_its_place(serve, caplog):
    """A bug is logged with its location, without its message, which may contain a text."""
    with serve().client() as connection, pytest.raises(client.RequestRefused, match="a bug in the daemon") as raised:
        list(connection.request("bug", CANARY.encode()))
    assert raised.value.exit_code == 3
    assert "a bug: ValueError" in caplog.text
    assert "_bug" in caplog.text


def test_a_bug_of_a_task_is_logged_likewise(serve, caplog):
    """A bug in an asyncio task is also logged without its message, which asyncio would log."""
    served = serve()

    async def fail():
        raise ValueError(CANARY)

    served.call(served.loop.create_task, fail())
    wait_until(lambda: gc.collect() is not None and "a bug: ValueError" in caplog.text)
    assert CANARY not in caplog.text


@pytest.fixture
def bystander():
    """A process that is not a daemon, and must survive the test."""
    child = subprocess.Popen(["sleep", "60"])
    yield child
    assert child.poll() is None
    child.kill()
    child.wait(SECONDS)


@pytest.mark.parametrize("note", ["{pid} 1", "{pid} {start} 1", "", "x y", "{pid}"])
def test_a_number_that_was_given_to_another(place, bystander, note):
    """A process id that was reused is not killed: its start time differs from the one that the daemon wrote down."""
    with rundir.try_lock(place.daemon_lock) as lock:
        lock.write(note.format(pid=bystander.pid, start=lifecycle.started(bystander.pid)))
        with pytest.raises(DaemonError, match="try again"):
            terminate.kill(place)


def test_a_number_that_does_not_listen(place, bystander):
    """A process that does not listen on the socket is not killed: the kernel reports which process listens."""
    published = lifecycle.publish(place)
    with rundir.try_lock(place.daemon_lock) as lock, published.listener:
        lock.write(f"{bystander.pid} {lifecycle.started(bystander.pid)}")
        with pytest.raises(DaemonError, match=f"process {os.getpid()} listens"):
            terminate.kill(place)


def test_a_daemon_that_hangs(start, place, monkeypatch):
    """The error about a daemon that hangs names the command that kills it, and stop(Mode.now) kills it."""
    monkeypatch.setattr(client, "ANSWER", 0.3)
    child = start()
    child.send_signal(signal.SIGSTOP)
    with pytest.raises(DaemonError, match=r"does not answer.*speakkit daemon stop --now"):
        control.status()
    with pytest.raises(DaemonError, match="does not answer; end it with: speakkit daemon stop --now"):
        control.stop(Mode.drain)
    assert control.stop(Mode.now)
    assert child.wait(SECONDS) == -signal.SIGKILL
    assert control.status() is None
    assert not control.stop(Mode.now)


def test_no_file_of_a_client_is_opened(serve, said, tmp_path):
    """The protocol has no paths: one in an unknown field opens no file."""
    with serve().raw() as channel:
        channel.sendall(b'{"op":"hello","log":"%s"}\n' % str(tmp_path / "x").encode())
        channel.shutdown(socket.SHUT_WR)
        answers = [json.loads(line) for line in said(channel).splitlines()]
    assert answers[1]["ev"] == "hello"
    assert list(tmp_path.iterdir()) == []


def test_the_log_is_no_link(place, start):
    """A link in place of the log is not followed, since its creator could have any file written to."""
    target = place.path / "precious"
    target.write_text("precious")
    paths.daemon_log().parent.mkdir(parents=True)
    paths.daemon_log().symlink_to(target)
    child = start()
    assert child.said.endswith("there is no log\n")
    assert target.read_text() == "precious"
