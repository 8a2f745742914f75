"""Tests of a download: what is kept and resumed, what is refused, and how long a bad server can hold it up."""

import hashlib
import time

import pytest

import hubserver
from hubserver import pinned
from speakkit.engines import download
from speakkit.engines.sources import Pace, Unavailable

WEIGHTS = bytes(range(256)) * 4_000
HALF = len(WEIGHTS) // 2
PATH = "/someone/small/resolve/r1/model.bin"
PATIENT = Pace(reach=30.0)
"""For tests that do not wait for a limit: a busy machine may be slow."""


@pytest.fixture
def server():
    """A stand-in of the Hub that has model.bin."""
    with hubserver.running() as found:
        found.files[PATH] = WEIGHTS
        yield found


@pytest.fixture
def file(tmp_path):
    """The file to download."""
    return tmp_path / "model.bin"


def fetch(server, file, pace=PATIENT, pin=None):
    """Download model.bin, and return the bytes done at each step."""
    return [step.done for step in download.fetch(f"{server.address}{PATH}", file, pin or pinned(WEIGHTS), pace)]


def refused(server, file, pace=PATIENT):
    """The message of a download that fails: one line."""
    with pytest.raises(Unavailable) as caught:
        fetch(server, file, pace)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_transfer_that_broke_off_is_resumed(server, file):
    """The bytes received before a break are kept, and only the rest is requested."""
    server.faults["model.bin"] = "cut"
    assert "broke off" in refused(server, file)
    assert file.read_bytes() == WEIGHTS[:HALF]
    server.faults.clear()
    assert fetch(server, file)[-1] == len(WEIGHTS)
    assert file.read_bytes() == WEIGHTS
    assert server.asked == ["GET model.bin", f"GET model.bin {HALF}"]


def test_a_file_that_is_there_is_not_requested(server, file):
    """A complete file with the pinned hash needs no server."""
    file.write_bytes(WEIGHTS)
    fetch(server, file)
    assert server.asked == []


def test_a_server_without_parts_sends_the_whole_file(server, file):
    """If the server ignores the requested range, the file is written from its start."""
    file.write_bytes(WEIGHTS[:HALF])
    server.faults["model.bin"] = "whole"
    fetch(server, file)
    assert file.read_bytes() == WEIGHTS


def test_other_content_is_not_appended(server, file):
    """If the server's file has changed since the break, it is sent from its start, by If-Range."""
    old = WEIGHTS[::-1]
    server.files[PATH] = old
    server.faults["model.bin"] = "cut"
    refused(server, file)
    server.files[PATH] = WEIGHTS
    server.faults.clear()
    fetch(server, file)
    assert file.read_bytes() == WEIGHTS
    assert server.asked == ["GET model.bin"] * 2


def test_a_wrong_hash_after_a_resume_starts_anew(server, file):
    """If the kept bytes are wrong, they are deleted, and the whole file is fetched."""
    file.write_bytes(bytes(HALF))
    fetch(server, file)
    assert file.read_bytes() == WEIGHTS
    assert server.asked == [f"GET model.bin {HALF}", "GET model.bin"]


def test_a_wrong_hash_deletes_the_file(server, file):
    """A whole file with another hash is deleted, so that it is not taken for a part of the right one."""
    server.faults["model.bin"] = "other bytes"
    line = refused(server, file)
    assert f"{PATH} is not the file that speakkit expects" in line
    assert hashlib.sha256(WEIGHTS[:-1] + b"?").hexdigest()[:8] in line
    assert not file.exists()


@pytest.mark.parametrize("begun", [0, HALF])
def test_more_bytes_than_expected_are_cut_off(server, file, begun):
    """A server that sends more than the pinned size is cut off at once, and nothing of it is kept."""
    file.write_bytes(WEIGHTS[:begun])
    server.faults["model.bin"] = "more"
    assert "more than" in refused(server, file)
    assert not file.exists()


def test_a_longer_file_is_refused_before_it_is_received(server, file):
    """A server that announces another size than the pinned one is refused without reading the file."""
    server.faults["model.bin"] = "longer"
    assert f"{len(WEIGHTS) + (1 << 20)} bytes, not {len(WEIGHTS)}" in refused(server, file)


def test_a_file_that_is_too_long_already_is_fetched_anew(server, file):
    """A kept file with more bytes than the pinned size is deleted."""
    file.write_bytes(WEIGHTS + b"more")
    fetch(server, file)
    assert file.read_bytes() == WEIGHTS


def test_a_server_with_less_than_was_received(server, file):
    """If the server refuses the range, the kept bytes are deleted, so that the next run starts anew."""
    file.write_bytes(WEIGHTS[:HALF])
    server.faults["model.bin"] = "416"
    assert "try again" in refused(server, file)
    server.faults.clear()
    fetch(server, file)
    assert server.asked[-1] == "GET model.bin"


def test_a_drip_is_given_up(server, file):
    """A server that sends a byte at a time is given up, although it is never silent; its bytes are kept."""
    server.faults["model.bin"] = "drip"
    began = time.monotonic()
    assert "bytes came in 0.5 s" in refused(server, file, Pace(reach=30.0, stall=30.0, window=0.5, slowest=10_000))
    assert time.monotonic() - began < 20
    assert 0 < file.stat().st_size < len(WEIGHTS)


def test_a_drip_of_headers_is_given_up(file):
    """A server that sends its headers a byte at a time is given up after the window."""

    def talk(connection):
        try:
            for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 10_000:
                connection.sendall(bytes([byte]))
                time.sleep(0.01)
        except OSError:
            return

    with hubserver.listening(talk) as (address, _), pytest.raises(Unavailable, match=r"broke off \(TimeoutError\)"):
        list(download.fetch(f"{address}{PATH}", file, pinned(WEIGHTS), Pace(reach=30.0, stall=30.0, window=0.5)))


def test_a_slow_link_is_fast_enough(server, file):
    """A transfer that takes many times the timeout of a silent server succeeds, and each step is told."""
    server.faults["model.bin"] = "slow"
    steps = fetch(server, file, Pace(reach=30.0, stall=0.05 * 30, window=0.1))
    assert file.read_bytes() == WEIGHTS
    assert steps == sorted(steps)
    assert len(steps) > 1


@pytest.mark.parametrize(
    ("hub", "place", "target", "is_trusted"),
    [
        ("https://huggingface.co/x", "https://huggingface.co/x", "https://cdn-lfs-us-1.huggingface.co/y", True),
        ("https://huggingface.co/x", "https://huggingface.co/x", "https://cas-bridge.xethub.hf.co/y?s=1", True),
        ("https://huggingface.co/x", "https://huggingface.co/x", "https://us.aws.cdn.hf.co/y", True),
        ("https://huggingface.co/x", "https://cas-bridge.xethub.hf.co/x", "https://huggingface.co/y", True),
        ("https://huggingface.co/x", "https://huggingface.co/x", "https://huggingface.co.example.org/y", False),
        ("https://huggingface.co/x", "https://huggingface.co/x", "https://nothf.co/y", False),
        ("https://huggingface.co/x", "https://huggingface.co/x", "http://huggingface.co/y", False),
        ("https://huggingface.co/x", "https://huggingface.co/x", "ftp://huggingface.co/y", False),
        ("https://huggingface.co/x", "https://huggingface.co/x", "file:///etc/passwd", False),
        ("https://hub.example.org/x", "https://hub.example.org/x", "https://cdn.hub.example.org/y", True),
        ("https://hub.example.org/x", "https://hub.example.org/x", "https://example.org/y", False),
        ("https://hub.example.org/x", "https://hub.example.org/x", "https://huggingface.co/y", False),
        ("http://127.0.0.1:80/x", "http://127.0.0.1:80/x", "https://127.0.0.1:443/y", True),
        ("http://127.0.0.1:80/x", "https://127.0.0.1:443/x", "http://127.0.0.1:80/y", False),
        ("https://user:secret@hub.example.org/x", "https://hub.example.org/x", "https://user@evil.org/", False),
    ],
)
def test_where_a_hub_may_redirect_to(hub, place, target, is_trusted):
    """A Hub may redirect to its own servers only, and never from https to http."""
    if is_trusted:
        download._require_trusted(target, place, hub)
    else:
        with pytest.raises(Unavailable, match="redirects") as caught:
            download._require_trusted(target, place, hub)
        assert "secret" not in str(caught.value)


def test_a_redirect_within_the_hub_is_followed(server, file):
    """A redirect to a file of the same Hub is followed, and a resumed request keeps its range."""
    server.files["/cdn/blob"] = WEIGHTS
    server.faults["model.bin"] = "to /cdn/blob"
    file.write_bytes(WEIGHTS[:HALF])
    fetch(server, file)
    assert file.read_bytes() == WEIGHTS
    assert server.asked[-1] == f"GET blob {HALF}"


def test_a_redirect_to_a_foreign_host_is_refused(server, file):
    """A redirect to another host is not followed, and the message names that host."""
    with hubserver.running() as foreign:
        foreign.files["/blob"] = WEIGHTS
        server.faults["model.bin"] = f"to http://localhost:{foreign.server_port}/blob"
        assert "http://localhost, which is not a server of it" in refused(server, file)
        assert foreign.asked == []


def test_redirects_without_end_are_given_up(server, file):
    """A Hub that redirects to itself is asked a few times only."""
    server.faults["model.bin"] = f"to {PATH}"
    assert "redirects" in refused(server, file)
    assert len(server.asked) == 1 + download.REDIRECTS


def test_no_message_has_a_password(server, file):
    """The login in an address is sent to the server, but is in no message."""
    address = server.address.replace("//", "//user:s%40cret@")
    for fault in ("404", "other bytes", "cut", "longer", "to http://evil.invalid/"):
        server.faults["model.bin"] = fault
        with pytest.raises(Unavailable) as caught:
            list(download.fetch(f"{address}{PATH}", file, pinned(WEIGHTS), PATIENT))
        assert "cret" not in str(caught.value)


def test_a_disk_without_room_is_an_error_of_the_disk(server, file):
    """A write that fails is an OSError and not a fault of the Hub, so that no other source is tried."""
    file.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        fetch(server, file)
