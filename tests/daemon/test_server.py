"""Tests of the server: it serves well-behaved clients, whatever other clients do."""

import json
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from speakkit.daemon.process import lifecycle
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.server import Server
from speakkit.daemon.wire.client import Gone, RequestRefused, connect
from speakkit.daemon.wire.connection import ConnectionLimits
from speakkit.daemon.wire.messages import Accepted, AudioChunk, Finished, Mode
from speakkit.daemon.wire.protocol import TEXT, Code
from speakkit.workers.frames import Frame
from waiting import wait_until

SECONDS = 20
HELLO = b'{"op":"hello","proto":"1.0"}\n'


def lines(data):
    return [json.loads(line) for line in data.splitlines()]


def codes(data):
    return [line["error"]["code"] for line in lines(data) if "error" in line]


def test_it_greets_before_any_input(serve):
    """The server sends a greeting of one line, which never changes, before any input."""
    with serve().raw() as channel:
        greeting = json.loads(channel.makefile("rb").readline())
    assert greeting["speakkitd"] == 1
    assert set(greeting) == {"speakkitd", "proto", "version", "pid"}


def test_what_is_asked_is_answered(serve):
    """Events carry the id of the request and come in order, and payloads are complete."""
    served = serve()
    with served.client(agent="claude-2") as client:
        for text in (b"", b"Hello.", b"x" * TEXT):
            accepted, finished = client.request("say", text)
            assert (accepted.id, finished.audio_ms) == (finished.id, len(text))
        status = client.status()
    assert (status.state, status.connections, status.work) == ("idle", 1, {"waiting": 0})


def test_words_of_a_long_text(serve):
    """Many words are sent in parts, and the client joins them to one answer."""
    with serve().client() as client:
        (finished,) = client.request("read", count=20_000)
    assert [word.start for word in finished.words] == list(range(20_000))


def test_many_requests_at_once(serve):
    """Requests sent without waiting are answered in order."""
    with serve().client() as client:
        names = [client.ask("say", b"x" * number) for number in range(50)]
        assert [list(client.events(name))[-1].audio_ms for name in names] == list(range(50))


def test_status_tells_of_being_busy(serve):
    """Status is answered during work, also before hello."""
    served = serve()
    with served.client() as client, served.raw() as other:
        name = client.ask("wait")
        events = client.events(name)
        assert next(events) == Accepted(name)
        other.sendall(b'{"op":"status","id":"s"}\n')
        other.shutdown(socket.SHUT_WR)
        answer = lines(other.makefile("rb").read())[1]
    assert (answer["state"], answer["id"], answer["work"]) == ("busy", "s", {"waiting": 1})


@pytest.mark.parametrize(
    ("request_line", "code"),
    [
        (b'{"op":"sing","id":"x"}\n', "bad_request"),
        (b'{"op":5,"id":"x"}\n', "bad_request"),
        (b'{"id":"x"}\n', "bad_request"),
        (b'{"op":"say","id":["x"]}\n', "bad_request"),
        (b'{"op":"say","id":"a b"}\n', "bad_request"),
        (b'{"op":"shutdown","id":"x","mode":"later"}\n', "bad_request"),
        (b'{"op":"hello","id":"x","agent":"no spaces"}\n', "bad_request"),
        (b'{"op":"hello","id":"x","agent":5}\n', "bad_request"),
        (b'{"op":"hello","id":"x","proto":"2.0"}\n', "version"),
        (b'{"op":"refuse","id":"x"}\n', "busy"),
        (b'{"op":"bug","id":"x","n":6}\nsecret', "bug"),
        (b'{"op":"dial","id":"x"}\n', "bug"),
    ],
)
def test_a_request_that_fails(serve, request_line, code):
    """A request that fails gets an error reply, and the next one on the same connection is answered."""
    with serve().raw() as channel:
        channel.sendall(HELLO + request_line + b'{"op":"status","id":"last"}\n')
        channel.shutdown(socket.SHUT_WR)
        answers = lines(channel.makefile("rb").read())
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, None, code, None]
    assert answers[-1]["id"] == "last"
    assert "secret" not in json.dumps(answers)


def test_a_refusal_keeps_its_advice(serve):
    """A refusal carries its code, exit code and time to retry in ms."""
    with serve().client() as client, pytest.raises(RequestRefused) as raised:
        list(client.request("refuse"))
    assert (raised.value.code, raised.value.retry_ms, raised.value.exit_code) == (Code.busy, 800, 7)


def test_hello_comes_first(serve, said):
    """Any request before hello is refused, except the frozen ops."""
    with serve().raw() as channel:
        channel.sendall(b'{"op":"say","id":"x"}\n{"op":"status"}\n')
        channel.shutdown(socket.SHUT_WR)
        answers = lines(said(channel))
    assert answers[1]["error"]["code"] == "bad_request"
    assert answers[2]["ev"] == "status"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "bad_request"),
        (b"x" * (64 << 10), "too_large"),
        (b'{"op":"say","n":%d}\n' % (TEXT + 1), "too_large"),
        (b'{"op":"say","id":"\\u0000"}\n', "bad_request"),
        (b'{"op":"say","op":"bug"}\n', "bad_request"),
        (b"[" * 60_000 + b"\n", "bad_request"),
    ],
)
def test_what_is_no_frame_ends_the_connection(serve, said, data, code):
    """Invalid data ends the connection, since the start of the next frame is unknown."""
    with serve().raw() as channel:
        channel.sendall(HELLO + data)
        answer = said(channel)
    assert codes(answer) == [code]


def test_hello_is_waited_for_two_seconds(serve, said):
    """A connection without hello is closed after the limit (2 s by default), even if single bytes keep coming."""
    served = serve(hello=0.3)
    with served.raw() as silent, served.raw() as dripping:
        begun = time.monotonic()
        dripping.settimeout(0.05)
        while time.monotonic() < begun + 0.25:
            dripping.sendall(b" ")
            time.sleep(0.05)
        dripping.settimeout(20)
        assert codes(said(silent)) == codes(said(dripping)) == ["bad_request"]


def test_half_a_header_then_silence(serve, said):
    """A connection with an incomplete frame disturbs no other and is closed after the idle time."""
    served = serve(idle=0.5)
    with served.raw() as half, served.client() as other:
        half.sendall(HELLO + b'{"op":"say","id":"x","n":100}\nonly so much')
        while 1 not in served.work.closes:
            assert list(other.request("say"))[-1].result is Result.played
        assert codes(said(half)) == ["bad_request"]


def test_silence_ends_a_connection_that_waits_for_nothing(serve):
    """An idle connection is closed, one that waits for an event stays; an incomplete frame does not keep it open."""
    served = serve(idle=0.2)
    with served.client() as idle, served.client() as waiting, served.client() as half:
        waiting.ask("wait")
        half.send(Frame({"op": "wait", "id": "x"}))
        half._channel.sendall(b'{"op":')
        wait_until(lambda: set(served.work.closes) == {1, 3})
        with served.client():
            wait_until(lambda: 4 in served.work.closes)
        assert waiting.status().connections == 1
        with pytest.raises(RequestRefused):
            list(idle.request("say"))


def test_a_connection_is_a_lease(serve):
    """The end of each connection is reported to the work, however it comes."""
    served = serve()
    client = served.client()
    client.ask("wait")
    client.status()
    assert (served.work.opens, served.work.closes) == ([1], [])
    client.close()
    wait_until(lambda: served.work.closes == [1])
    with served.raw() as channel:
        channel.sendall(HELLO + b"no frame\n")
        wait_until(lambda: served.work.closes == [1, 2])
    with served.raw():
        pass
    with served.client() as last:
        last.status()
    wait_until(lambda: served.work.closes == [1, 2, 4])


def test_a_bug_at_the_end_of_a_lease(serve):
    """An exception in the work's closed() leaves no connection behind."""
    served = serve()
    client = served.client()
    served.work.closed = lambda _: 1 / 0
    client.close()
    wait_until(lambda: not served.server._connections)


def test_a_hundred_connect_and_drop(serve):
    """A hundred clients that disconnect within the first message leave nothing behind."""
    served = serve()
    for number in range(100):
        # The server refuses one beyond its limit if it has not noticed yet that the others are gone.
        with served.raw() as channel, suppress(BrokenPipeError):
            channel.sendall(HELLO[: number % (len(HELLO) + 1)])
    with connect() as client:
        wait_until(lambda: client.status().connections == 1)
        end: Any = list(client.request("say"))[-1]
        assert end.result is Result.played


def test_the_last_place_is_not_taken(serve, said):
    """A connection beyond the limit gets busy, and a place that becomes free can be used."""
    served = serve(connections=3)
    clients = [served.client() for _ in range(3)]
    with served.raw() as channel:
        assert lines(said(channel))[1]["error"] == {
            "code": "busy",
            "msg": "the daemon has too many connections",
            "retry_ms": 100,
        }
    assert all(client.status().connections == 3 for client in clients)
    clients.pop().close()
    wait_until(lambda: clients[0].status().connections == 2)
    clients.append(served.client())
    for client in clients:
        client.close()


def test_the_usual_limits():
    """The default limits have their documented values."""
    assert ConnectionLimits() == ConnectionLimits(hello=2, idle=60, stall=30, check=60, farewell=1, connections=64)


def test_sixty_four_by_default(serve):
    """By default, 64 connections are accepted and the next one is refused."""
    served = serve()
    clients = [served.client() for _ in range(64)]
    with pytest.raises(RequestRefused, match="too many"):
        served.client()
    for client in clients:
        client.close()


def test_a_client_that_takes_nothing(serve, said):
    """A client that does not read is closed, with less than 2 MiB buffered, and the sender sees it."""
    served = serve(stall=0.5)
    with served.client() as stalled, served.client() as other:
        stalled.ask("flood", count=1000)
        wait_until(lambda: 1 in served.work.closes)
        assert other.status().connections == 1
        assert len(said(stalled._channel)) < 2 << 20


def test_a_client_that_takes_it_slowly(serve):
    """A client that reads slowly gets everything: the buffer is bounded, not the amount sent."""
    served = serve(stall=5)
    with served.client() as client:
        count = 0
        for event in client.request("flood", count=100):
            if isinstance(event, AudioChunk):
                assert event.seq == count
                count += 1
                time.sleep(0.002)
        assert (count, type(event)) == (100, Finished)


def test_posts_without_end(serve):
    """Posts to a client that does not read are bounded: the connection is closed."""
    served = serve()
    with served.client() as client:
        client.status()
        (connection,) = served.server._connections

        def post():
            for number in range(200):
                connection.post(AudioChunk("x", number, 24000, bytes(64 << 10)))

        served.call(post)
        wait_until(lambda: served.work.closes == [1])


def test_shutdown_waits_for_what_was_accepted(serve):
    """A drain removes the socket before its answer, and serves open connections until the work is done."""
    served = serve()
    served.call(served.work.drained.clear)
    with served.client() as client, served.client() as other:
        client.shutdown(Mode.drain)
        assert not served.place.socket.exists()
        assert other.status().state == "draining"
        assert list(other.request("say"))[-1].result is Result.played
        assert served.thread.is_alive()
        served.call(served.work.drained.set)
        assert client.wait_for_end(20)
    wait_until(lambda: not served.thread.is_alive())
    assert sorted(served.work.closes) == [1, 2]


def test_shutdown_makes_haste(serve):
    """A drain can be ended by a shutdown at once."""
    served = serve()
    served.call(served.work.drained.clear)
    with served.client() as client:
        client.shutdown(Mode.drain)
        client.shutdown(Mode.now)
        assert client.wait_for_end(20)
    served.thread.join(20)
    assert not served.thread.is_alive()


def test_those_who_come_late(serve, said):
    """A connection that is made while the daemon ends gets shutting_down."""
    served = serve()
    served.call(served.work.drained.clear)
    late = socket.socket(socket.AF_UNIX)
    late.settimeout(20)
    with served.client() as client, late:
        name = served.place.socket.with_name("kept.sock")
        name.hardlink_to(served.place.socket)
        client.shutdown(Mode.drain)
        late.connect(str(name))
        assert codes(said(late)) == ["shutting_down"]


def test_it_ends_when_nobody_needs_it(serve):
    """The daemon ends after its idle time, but not while a client is connected or work is left."""
    served = serve(idle_exit=0.3)
    with served.client() as client:
        time.sleep(0.6)
        client.status()
        served.call(served.work.drained.clear)
        client.status()
    time.sleep(0.6)
    assert served.thread.is_alive()
    served.call(served.work.drained.set)
    wait_until(lambda: not served.thread.is_alive())
    assert not served.place.socket.exists()


def test_it_ends_when_its_socket_is_replaced(serve):
    """The daemon ends if its socket is replaced, since no client can find it; the new socket stays."""
    served = serve(check=0.1)
    served.place.socket.unlink()
    other = lifecycle.publish(served.place)
    wait_until(lambda: not served.thread.is_alive())
    assert other.is_found
    other.listener.close()


def test_it_ends_when_its_socket_is_gone(serve):
    """The daemon ends if its socket or folder is removed, for example by a cleaner of /tmp."""
    served = serve(check=0.1)
    served.place.socket.unlink()
    wait_until(lambda: not served.thread.is_alive())


def test_work_is_finished_when_the_socket_is_replaced(serve):
    """If the socket is removed, the daemon first finishes its work and serves connected clients."""
    served = serve(check=0.1)
    served.call(served.work.drained.clear)
    with served.client() as client:
        served.place.socket.unlink()
        wait_until(lambda: client.status().state == "draining")
        end: Any = list(client.request("say"))[-1]
        assert end.result is Result.played
        served.call(served.work.drained.set)
        assert client.wait_for_end(20)


def test_a_newer_client_is_made_room_for(serve):
    """A newer client ends an idle daemon at once."""
    served = serve()
    with pytest.raises(RequestRefused) as raised:
        served.client(version="99.0")
    assert raised.value.code is Code.shutting_down
    wait_until(lambda: not served.thread.is_alive())
    assert not served.place.socket.exists()


def test_a_newer_client_waits_until_others_have_gone(serve):
    """A newer client is served while other clients are connected, and the daemon ends after they have gone."""
    served = serve()
    with served.client() as other, served.client(version="99.0") as newer:
        assert newer.status().restart_when_idle
        other.close()
        assert list(newer.request("say"))[-1].result is Result.played
    wait_until(lambda: not served.thread.is_alive())


@pytest.mark.parametrize("hello", [{"version": "0.0.1"}, {}, {"version": "99.0", "upgrade": False}])
def test_older_clients_and_those_who_do_not_mind(serve, hello):
    """An older client, one without a version, and a newer one with upgrade=False are served."""
    served = serve()
    with served.client(**hello) as client:
        assert client.status().state == "idle"


def test_the_frozen_ops_serve_every_version(serve):
    """Another major version's hello is refused, but its status and shutdown are answered."""
    served = serve()
    with served.raw() as channel:
        stream = channel.makefile("rb")
        channel.sendall(b'{"op":"hello","proto":"2.0","version":"99"}\n{"op":"status"}\n{"op":"shutdown","id":"x"}\n')
        answers = lines(stream.read())
    assert answers[1]["error"]["code"] == "version"
    assert answers[2]["ev"] == "status"
    assert answers[3] == {"ev": "done", "id": "x"}


def test_a_connection_that_ends_is_not_written_to(serve):
    """Writing to a closed connection ends its sender."""
    served = serve()
    with served.client() as client:
        client.ask("flood", count=10_000)
    with served.client() as other:
        assert other.status().connections == 1
        with pytest.raises(Gone):
            client.status()


def test_a_check_that_fails_does_not_end_the_daemon(serve, monkeypatch):
    """The daemon logs the bug, and serves its clients as before."""
    failed = threading.Event()

    def check(_):
        failed.set()
        raise OSError("the log is gone")

    monkeypatch.setattr(Server, "_check", check)
    served = serve(check=0.01)
    assert failed.wait(10)
    with served.client() as client:
        assert client.status().state == "idle"
    assert served.thread.is_alive()
