"""Tests of the client: it returns an answer or raises an error in time, and cancels abandoned requests."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from speakkit.daemon import control
from speakkit.daemon.process import spawn, version
from speakkit.daemon.process.version import Version
from speakkit.daemon.wire import client, messages
from speakkit.daemon.wire.client import Gone, RequestRefused, Slow, connect
from speakkit.daemon.wire.messages import Accepted, Finished, Mode, Started
from speakkit.daemon.wire.protocol import ProtocolError
from speakkit.errors import DaemonError
from speakkit.workers.frames import Frame
from waiting import wait_until

SECONDS = 20
GREETING = {"speakkitd": 1, "proto": "1.0", "version": "0.1.0", "pid": 1}

INTERRUPTED = """
import sys
from speakkit.daemon.wire import client
with client.connect() as connection:
    for event in connection.request("wait", b"hello"):
        print("accepted", flush=True)
"""


@pytest.fixture
def stub(place):
    """A server in a thread that calls one of the given functions per connection, and then removes the socket."""
    listeners = []

    def run(*answers):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(place.socket))
        listener.listen()
        listeners.append(listener)

        def serve():
            with suppress(OSError):  # the test may end before all connections are made
                for answer in answers:
                    channel, _ = listener.accept()
                    channel.settimeout(SECONDS)
                    with channel:
                        answer(channel)
                place.socket.unlink()
                listener.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return thread

    yield run
    for listener in listeners:
        listener.close()


def say(channel, **fields):
    channel.sendall(json.dumps(fields).encode() + b"\n")


def drop(channel):
    """Close the connection without a greeting."""
    channel.close()


def greet_and_drop(channel):
    """Send a greeting, and close the connection at hello."""
    say(channel, **GREETING)
    channel.recv(1000)


def test_a_daemon_that_goes_before_hello(stub):
    """If a daemon goes away before hello, the client connects to the next, up to a few times."""
    thread = stub(drop, greet_and_drop, drop)
    with connect() as connection:
        assert connection.greeting.pid not in (1, os.getpid())
    thread.join(SECONDS)


def test_not_for_ever(stub):
    """After six failed tries, connect() raises Gone."""
    stub(*[drop] * 6, greet_and_drop)
    with pytest.raises(Gone):
        connect()


def test_one_that_says_why_it_goes(stub):
    """A refusal with a reason is raised at once, without another try."""

    def refuse(channel):
        say(channel, **GREETING)
        channel.recv(1000)
        say(channel, error={"code": "denied", "msg": "not you"})

    stub(refuse, refuse)
    with pytest.raises(RequestRefused, match="not you") as raised:
        connect()
    assert raised.value.exit_code == 1


def test_one_that_is_full(stub):
    """A busy daemon is tried again; after six tries, RequestRefused has exit code 7."""

    def refuse(channel):
        say(channel, **GREETING)
        say(channel, error={"code": "busy", "msg": "full", "retry_ms": 10})

    stub(*[refuse] * 6)
    with pytest.raises(RequestRefused, match="full") as raised:
        connect()
    assert raised.value.exit_code == 7


def test_one_that_greets_with_something_else(stub):
    """Another greeting raises ProtocolError."""
    stub(lambda channel: channel.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))
    with pytest.raises(ProtocolError):
        connect()


def test_one_that_says_nothing(stub, monkeypatch):
    """A server that sends nothing raises Slow after ANSWER seconds."""
    monkeypatch.setattr(client, "ANSWER", 0.1)
    over = threading.Event()
    stub(*[lambda _: over.wait(SECONDS)] * 6)
    with pytest.raises(Slow, match=r"did not answer within 0\.1 s"):
        connect()
    over.set()


def test_one_of_another_major_version(stub, place):
    """A daemon of another major version is asked to drain, and is replaced by one of this version."""
    heard = []

    def newer(channel):
        say(channel, **GREETING | {"proto": "2.3", "version": "7.0", "mood": "good"})
        heard.append(json.loads(channel.makefile("rb").readline()))
        place.socket.unlink()
        say(channel, ev="done", id=heard[0]["id"])

    stub(newer)
    with connect() as connection:
        assert connection.greeting.proto == messages.PROTO
    assert (heard[0]["op"], heard[0]["mode"]) == ("shutdown", "drain")


def test_one_of_another_major_version_that_still_speaks(stub, monkeypatch):
    """A daemon of another major version that does not end in time raises DaemonError with its version."""
    monkeypatch.setattr(client, "DRAINED", 0.2)
    over = threading.Event()

    def newer(channel):
        say(channel, **GREETING | {"proto": "2.3", "version": "7.0"})
        say(channel, ev="done", id=json.loads(channel.makefile("rb").readline())["id"])
        over.wait(SECONDS)

    stub(newer)
    with pytest.raises(DaemonError, match=r"is of speakkit 7.0, and still speaks"):
        connect()
    over.set()


def test_an_older_daemon_is_replaced(place):
    """An older daemon is replaced by a newer client's; while another client uses it, it stays."""
    ours = version.mine()
    with connect() as connection:
        first = connection.greeting.pid
    with connect(ours=Version(ours.version, ours.build + 1)) as connection:
        second = connection.greeting.pid
    assert second != first
    with connect() as connection, connect(ours=Version("99.0", 0)) as newer:
        assert (connection.greeting.pid, newer.greeting.pid) == (second, second)  # it is in use
        assert newer.status().restart_when_idle


def test_a_newer_daemon_is_taken(place):
    """An older client uses a newer daemon."""
    with connect() as connection:
        first = connection.greeting.pid
    for _ in range(2):
        with connect(ours=Version("0.0.1", 0)) as connection:
            assert connection.greeting.pid == first


def test_ctrl_c_cancels(serve):
    """Ctrl-C cancels the request and ends the program."""
    served = serve()
    program = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout.readline() == b"accepted\n"
    program.send_signal(signal.SIGINT)
    _, error = program.communicate(timeout=SECONDS)
    assert b"KeyboardInterrupt" in error
    assert len(served.work.cancels) == 1


def test_a_killed_program_is_cancelled_as_well(serve):
    """A killed program's request is cancelled by the end of its connection."""
    served = serve()
    program = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE)
    assert program.stdout.readline() == b"accepted\n"
    program.kill()
    program.wait(SECONDS)
    program.stdout.close()
    wait_until(lambda: served.work.closes == [1])


def test_leaving_off_cancels(serve):
    """Leaving the event loop cancels the request; one that has ended is not cancelled."""
    served = serve()
    with served.client() as connection:
        for event in connection.request("wait"):
            assert isinstance(event, Accepted)
            break
        assert connection.status().work == {"waiting": 0}
        assert len(served.work.cancels) == 1
        events = connection.request("say")
        assert [type(next(events)), type(next(events))] == [Accepted, Finished]
        events.close()
        connection.status()
        assert len(served.work.cancels) == 1


def test_a_daemon_that_does_not_cancel(serve):
    """A daemon that does not confirm a cancel is waited for 300 ms."""
    served = serve()

    async def ignore(*_):
        pass

    served.work.ops["cancel"] = ignore
    with served.client() as connection:
        events = connection.request("wait")
        next(events)
        begun = time.monotonic()
        events.close()
        assert time.monotonic() - begun > 0.25


def test_a_daemon_that_dies(start, place):
    """If the daemon dies, a request raises Gone without a wait."""
    child = start()
    with connect() as connection:
        child.kill()
        child.wait(SECONDS)
        with pytest.raises(Gone):
            connection.status()


@pytest.fixture
def impatient(monkeypatch):
    """Shorten the timeouts of clients."""
    for name, seconds in {"SILENCE": 0.2, "RESPONSE": 0.5, "ANSWER": 0.3}.items():
        monkeypatch.setattr(client, name, seconds)


def test_a_daemon_that_is_stopped_while_a_client_waits(fake_voice, caller, impatient, place):
    """A client that waits for its turn notices that the daemon does not answer, and names its process."""
    other = caller("other")
    other.event(other.speak("seconds=20"), Started)
    with connect("one") as connection:
        events = connection.request("speak", b"seconds=0.1")
        assert isinstance(next(events), Accepted)
        process = connection.greeting.pid
        threading.Timer(0.5, os.kill, (process, signal.SIGSTOP)).start()
        begun = time.monotonic()
        with pytest.raises(Slow, match=rf"process {process}, did not answer .* speakkit daemon stop --now"):
            next(events)
        assert time.monotonic() - begun > 0.5, "a daemon that answers is waited for"
    with pytest.raises(Slow, match=f"process {process}, "):
        client.running()
    assert control.stop(Mode.now)


def test_a_client_hears_of_its_result_after_a_long_silence(serve, impatient):
    """A client that waits for a result gets it, however long a daemon that answers is silent."""
    served = serve()
    with served.client() as connection:
        events = connection.request("wait")
        name = next(events).id
        threading.Timer(0.5, connection.send, (Frame({"op": "cancel", "id": name}),)).start()
        assert next(events).result == "interrupted"


def test_a_daemon_that_is_stopped_before_it_greets(start, place, impatient, monkeypatch):
    """A client does not try again for ever, and names the process."""
    monkeypatch.setattr(spawn, "PATIENCE", 0.3)
    child = start()
    child.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(Slow, match=rf"process {child.pid}, did not answer within 0\.3 s; end it with: speakkit"):
        connect()
    assert time.monotonic() - begun < 1.5


def test_answers_to_others_are_passed_over(serve):
    """Events of other requests on the same connection are skipped."""
    with serve().client() as connection:
        first, second = connection.ask("say", b"1"), connection.ask("say", b"22")
        assert [event.id for event in connection.events(second)] == [second, second]
        assert first != second


def test_shutdown_is_answered_when_nobody_finds_the_daemon(place):
    """Shutdown is answered after the socket is gone, so that the next client starts another daemon."""
    for _ in range(3):
        with connect() as connection:
            pid = connection.greeting.pid
            connection.shutdown(Mode.drain)
            with connect() as other:
                assert other.greeting.pid != pid
