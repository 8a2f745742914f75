"""Tests of speech from containers: each limit, and each forbidden request, is tried as another user.

The setting container_uids admits that user. The user has the folder of the socket as a container has it: mounted, or
opened for it by root, since no path leads there.
"""

import json
import os
import shutil
import socket
import stat
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from bare import BARE_PYTHON
from speakkit import voices
from speakkit.config import load
from speakkit.daemon import control
from speakkit.daemon.containers import listener
from speakkit.daemon.process import lifecycle, peer, rundir
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import Finished, Mode, Request
from speakkit.errors import BadValue, DaemonError, ExitCode
from waiting import wait_until

STRANGER = 65534
SECONDS = 20
LONG = "bit=1 seconds=0.5 pieces=40"
SHORT = "bit=2 seconds=0.1"
CANARY = "canary-7f3a9c"

GUEST = """
import json, socket, sys, time
path, pause, until, count = sys.argv[1], float(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4])
channel = socket.socket(socket.AF_UNIX)
channel.settimeout(15)
data = b""
try:
    channel.connect(path)
    for number, said in enumerate(json.load(sys.stdin)):
        time.sleep(pause if number else 0)
        channel.sendall(said.encode("latin-1"))
    if not until:
        channel.shutdown(socket.SHUT_WR)
    while not until or data.count(until) < count:
        more = channel.recv(65536)
        if not more:
            break
        data += more
except (BrokenPipeError, ConnectionResetError):
    pass
except PermissionError:
    data = b"PermissionError"
sys.stdout.buffer.write(data)
"""
"""Sends the texts of standard input, and prints what it receives: to the end, or until a word came `count` times."""

MOUNTED = """
import json, socket, sys
def heard():
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(15)
        channel.connect(sys.argv[1])
        return json.loads(channel.makefile().readline())["pid"]
print(heard(), flush=True)
sys.stdin.readline()
print(heard(), flush=True)
"""


def frame(op, text="", **fields):
    """Return a request as it is sent on the wire."""
    payload = text.encode()
    return json.dumps({"op": op, **fields, "n": len(payload)}) + "\n" + payload.decode("latin-1")


def speak(name, text=LONG, **fields):
    return frame("speak", text, id=name, **fields)


HELLO = frame("hello", agent="x")


def require_root(*programs):
    """Skip the test if it cannot run a process as another user."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("setpriv", *programs))):
        pytest.skip("needs root, and setpriv of util-linux, to become another user")


AS_STRANGER = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", BARE_PYTHON, "-I")


@pytest.fixture
def daemon(fake_voice, monkeypatch, start):
    """Start a daemon with the fake voice that listens for containers and admits uid 65534."""
    monkeypatch.setenv("SPEAKKIT_CONTAINERS", "1")
    monkeypatch.setenv("SPEAKKIT_CONTAINER_UIDS", f"7,60000-{STRANGER}")
    return start


@pytest.fixture
def guest(place):
    """Send requests as another user: guest(HELLO, speak("a")). Returns the events received; with raw=True, bytes.

    until, count: text and number of its occurrences after which it disconnects; without `until`, it reads to the end.
    pause: seconds between two requests.
    """
    require_root()

    def run(*said, until="", count=1, pause=0.0, raw=False):
        with begun(*said, until=until, count=count, pause=pause) as child:
            heard = child.stdout.read()
            assert child.wait(SECONDS) == 0
        return heard if raw else [json.loads(line) for line in heard.splitlines()]

    @contextmanager
    def begun(*said, until="", count=1, pause=0.0):
        folder = os.open(place.containers, os.O_RDONLY | os.O_DIRECTORY)
        target = f"/proc/self/fd/{folder}/speak.sock"
        child = subprocess.Popen(
            [*AS_STRANGER, "-c", GUEST, target, str(pause), until, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[folder],
        )
        os.close(folder)
        child.stdin.write(json.dumps(said).encode())
        child.stdin.close()
        try:
            yield child
        finally:
            child.kill()
            child.wait(SECONDS)
            child.stdout.close()

    heard: Any = run
    heard.begun = begun
    return heard


def codes(events):
    """Return the codes of the error replies; each must be one line without text of the request."""
    failures = [event["error"] for event in events if "error" in event]
    assert all(each["msg"] and "\n" not in each["msg"] and CANARY not in each["msg"] for each in failures)
    return [each["code"] for each in failures]


def queue():
    """Return the queue as the host's user sees it."""
    with client.connect("host") as own:
        (found,) = own.request("queue")
    return found


def refused():
    """Return the number of refusals from the daemon's status."""
    return control.status().work["refused"]


def in_batches(requests, size=8):
    """Join requests in batches, small enough that none is refused by the rate limit."""
    return ["".join(requests[at : at + size]) for at in range(0, len(requests), size)]


def _remove_folder(place):
    shutil.rmtree(place.containers)


def _visited(visit):
    """A connection after hello, or None if the daemon does not listen yet."""
    with suppress(ConnectionRefusedError, FileNotFoundError):
        return visit(HELLO)


def test_another_user_is_heard_to_the_end(daemon, guest):
    """Speech of another user plays to the end, and its client gets all events."""
    daemon()
    events = guest(HELLO, speak("a", SHORT), until='"finished"')
    assert [event.get("ev") for event in events] == [None, "hello", "accepted", "started", "finished"]
    assert events[0]["speakkitd"] == 1
    assert (events[-1]["id"], events[-1]["result"], events[-1]["exit"]) == ("a", "played", 0)
    assert refused() == 0


def test_a_user_who_is_not_named_hears_nothing(daemon, guest, log):
    """A user who is not admitted receives no byte, and the log names the uid; the host's user is still served."""
    daemon(SPEAKKIT_CONTAINER_UIDS="65533,65535-70000")
    for _ in range(3):
        assert guest(HELLO, raw=True) == b""
    assert log().count("uid 65534 tried to connect from a container") == 3
    assert refused() == 3


def test_no_path_leads_there(daemon, guest, place):
    """Without the mount, another user reaches neither folder nor socket; the folder contains only the socket."""
    daemon()
    socket_file = place.containers / "speak.sock"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (place.path, place.containers, socket_file)]
    assert modes == [0o700, 0o755, 0o666]
    assert list(place.containers.iterdir()) == [socket_file]
    place.path.parent.chmod(0o755)
    command = [*AS_STRANGER, "-c", GUEST, socket_file, "0", "", "1"]
    ended = subprocess.run(command, input=b"[]", capture_output=True, timeout=SECONDS, check=True)
    assert ended.stdout == b"PermissionError"


@pytest.mark.parametrize(
    ("setting", "uid", "is_admitted"),
    [
        ("", 0, True),
        ("", 1234, True),
        ("", 1000, False),
        ("1000", 1000, True),
        ("1000", 1001, False),
        ("7,100000-165535", 100000, True),
        ("7,100000-165535", 165535, True),
        ("7,100000-165535", 165536, False),
        ("7-5", 6, False),
        ("1000", None, False),
    ],
)
def test_who_may_connect(place, monkeypatch, setting, uid, is_admitted):
    """Root, the user and the listed uids are admitted, since a container's root is root to the kernel.

    Other uids, and a peer whose uid the kernel does not report, are refused.
    """
    monkeypatch.setenv("SPEAKKIT_CONTAINER_UIDS", setting)
    found = listener.listen(place, load())
    monkeypatch.setattr(peer, "of", lambda _: None if uid is None else peer.Peer(uid, 1))
    with found.published.listener as channel:
        there = listener.Containers(found.published, (0, 1234), load())
        assert there.admitted(channel) == (uid if is_admitted else None)
        assert there.refused == (not is_admitted)


def test_a_container_speaks_with_the_users_threads(place, monkeypatch):
    """A container's speech uses the user's setting of threads."""
    monkeypatch.setenv("SPEAKKIT_THREADS", "3")
    found = listener.listen(place, load())
    found.published.listener.close()
    asked = Request("speak", "a", {"op": "speak", "id": "a", "threads": 0}, b"Hello.")
    assert found.script(asked, "c:builder")["threads"] == 3


FORBIDDEN = (
    *("synth", "again", "skip", "clear", "pause", "resume", "mute", "unmute", "queue", "watch", "shutdown"),
    *("transcribe", "pcm", "voices", "load", "unload", "subscribe", "replay", "save", "bug", "x"),
)


def test_each_other_request_is_denied(daemon, guest):
    """Every other request is denied and has no effect, and the replies contain nothing about the host's speech."""
    child = daemon()
    with client.connect("host") as own:
        own.place("speak", f"{LONG} {CANARY}".encode(), voice="f1")
        said = [
            frame(op, f"{LONG} {CANARY}", id="x", voice="f1", scope="all", mode="now", agent="host", back=1)
            for op in FORBIDDEN
        ]
        heard = guest(*in_batches([HELLO, *said]), pause=1.2, raw=True)
        assert CANARY.encode() not in heard
        assert codes(map(json.loads, heard.splitlines())) == ["denied"] * len(FORBIDDEN)
        found = queue()
        assert ([row["agent"] for row in found.rows], found.paused, found.muted) == (["host"], False, False)
    assert child.poll() is None
    assert refused() == len(FORBIDDEN)


def test_the_quiet_hours_are_those_of_containers_too(daemon, guest, monkeypatch):
    """Quiet hours apply to containers too; here they last all day except the last minute."""
    monkeypatch.setenv("SPEAKKIT_QUIET_HOURS", "00:00-23:59")
    daemon()
    refused = guest(HELLO, speak("a"), until="error")[-1]["error"]
    if time.strftime("%H:%M") != "23:59":
        assert "quiet hours" in refused["msg"]


def test_before_hello_nothing_is_spoken(daemon, guest):
    """A request before hello is refused, as for the user's own programs."""
    daemon()
    assert codes(guest(speak("a") + frame("cancel", id="a"))) == ["bad_request"] * 2
    assert queue().rows == ()


DENIED: tuple[dict[str, object], ...] = (
    {"prio": "urgent"},
    {"interrupt": "all"},
    {"detach": True},
    {"engine": "gemini"},
    {"device": "cuda"},
    {"threads": 1},
    {"media": "none"},
    {"beep": "none"},
    {"keep_alive": 5.0},
    {"audio_of": "x"},
    {"on_full": "drop-oldest"},
    {"resume": "drop"},
)


def test_each_wish_that_is_not_a_containers_is_denied(daemon, guest):
    """Each option that containers may not use is denied by its name."""
    daemon()
    said = [speak("a", **wish) for wish in DENIED]
    events = guest(*in_batches([HELLO, *said]), pause=1.2)
    assert codes(events) == ["denied"] * len(DENIED)
    assert all(next(iter(wish)) in event["error"]["msg"] for wish, event in zip(DENIED, events[2:], strict=True))
    assert queue().rows == ()
    assert refused() == len(DENIED)


@pytest.mark.parametrize(
    "wish", [{"prio": "low", "ttl": 9.0}, {"interrupt": "agent", "replace": "k"}, {"speed": 1.5, "lang": "en-gb"}]
)
def test_what_a_container_may_wish(daemon, guest, wish):
    """Containers may use the options about their place behind others and about the voice."""
    daemon()
    assert guest(HELLO, speak("a", SHORT, **wish), until='"finished"')[-1]["result"] == "played"


@pytest.fixture
def hosts_own(place, monkeypatch):
    """Define a voice, a blend and an agent of the host. Their names must not reach a container."""
    home = place.path.parent / "home"
    (home / "data" / "voices").mkdir(parents=True)
    (home / "data" / "voices" / f"{CANARY}.bin").touch()
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(
        f'[blends]\n{CANARY}-mix = "f1+f2"\n[agents]\n"c:typo" = "{CANARY}-x"\n"c:own" = "{CANARY}"\n'
    )


WRONG_VOICES = (
    CANARY,
    CANARY[:-1],
    f"{CANARY}-mix",
    f"f1+{CANARY}",
    "nobody",
    "f1+",
    "jf_alpha",
    "f1+jf_alpha",
    "x" * 999,
)


def test_a_container_gets_installed_voices_only(daemon, guest, hosts_own):
    """A voice that is not installed, and any name of the host's own voices and blends, is refused in the same words."""
    daemon()
    said = [speak(str(number), SHORT, voice=name) for number, name in enumerate(WRONG_VOICES)]
    heard = guest(*in_batches([HELLO, *said]), pause=1.2, raw=True)
    assert CANARY[:-1].encode() not in heard
    events = [json.loads(line) for line in heard.splitlines()]
    assert codes(events) == ["bad_request"] * len(WRONG_VOICES)
    (message,) = {event["error"]["msg"] for event in events if "error" in event}
    assert "speakkit voices --installed" in message
    assert queue().rows == ()


@pytest.mark.parametrize(
    "wish", [{"voice": "f2"}, {"voice": "af_bella(2)+af_sky(1)"}, {"voice": "bm_george", "lang": "en"}]
)
def test_a_container_may_choose_an_installed_voice(daemon, guest, wish):
    """The voices that are installed with speakkit, and blends of them, can be requested."""
    daemon()
    assert guest(HELLO, speak("a", SHORT, **wish), until='"finished"')[-1]["result"] == "played"


def test_a_container_may_choose_a_fetched_voice(daemon, guest, place):
    """Once Kokoro's voices are fetched, all of them can be requested."""
    (place.path.parent / "home" / "cache" / "models" / "voices").mkdir(parents=True)
    daemon()
    assert guest(HELLO, speak("a", SHORT, voice="jf_alpha"), until='"finished"')[-1]["result"] == "played"


def test_the_voice_of_an_agent_may_be_the_hosts_own(daemon, guest, hosts_own):
    """The host can give a container one of its own voices; if the name is wrong, the container is not told it."""
    daemon()
    hello = frame("hello", agent="own")
    assert guest(hello, speak("a", SHORT), until='"finished"')[-1]["result"] == "played"
    end = guest(frame("hello", agent="typo"), speak("a", "do=voice"), until='"finished"')[-1]
    assert (end["result"], end["warnings"]) == ("failed", [listener.UNTOLD])


def test_a_language_that_does_not_exist_is_refused(daemon, guest):
    """A language that no voice speaks is refused at once."""
    daemon()
    assert codes(guest(HELLO, speak("a", SHORT, lang="tlh"))) == ["bad_request"]


def test_a_long_text_is_refused(daemon, guest):
    """A text of more than 4096 characters, not bytes, is refused."""
    daemon()
    whole = SHORT + " " + "ü" * (4096 - len(SHORT) - 1)
    events = guest(HELLO, speak("a", whole + "ü") + speak("b", "x" * 600_000) + speak("c", whole), until='"finished"')
    assert codes(events) == ["too_large", "too_large"]
    assert (events[-1]["id"], events[-1]["result"]) == ("c", "played")
    assert refused() == 2


def test_no_more_than_twenty_wait(daemon, guest):
    """At most twenty utterances of all containers wait, whatever the agents; a played or cancelled one makes room."""
    daemon()
    first = [frame("hello", agent="a"), *in_batches([speak(str(n)) for n in range(12)], 6)]
    second = in_batches([speak(str(n), agent=str(n)) for n in range(12)], 5)
    with guest.begun(*first, pause=1.2, until="never") as child:
        wait_until(lambda: len(queue().rows) == 12)
        cancelled = frame("cancel", id="1") + speak("new") + speak("newer")
        events = guest(frame("hello", agent="b"), *second, cancelled, pause=1.2)
        assert [event["id"] for event in events if event.get("ev") == "accepted"] == [*map(str, range(8)), "new"]
        assert codes(events) == ["busy"] * 5
        assert all(event["error"]["retry_ms"] > 0 for event in events if "error" in event)
        assert len(queue().rows) == 12  # the second container has disconnected; the first has 12
        assert child.poll() is None
    assert refused() == 5


def test_no_more_than_ten_requests_a_second_are_heard(daemon, guest):
    """All containers together may send at most ten requests per second; the host's user is served meanwhile."""
    daemon()
    flood = frame("status") * 40
    began = time.monotonic()
    with guest.begun(flood, until="never"):
        events = guest(flood)
        seconds = time.monotonic() - began
        assert queue().rows == ()
    heard = [event for event in events if event.get("ev") == "stages"]
    assert set(codes(events)) == {"busy"}
    assert len(events) == 41
    assert len(heard) <= 10 * (seconds + 1)
    assert len(codes(events)) >= 20
    assert events[-1]["error"]["retry_ms"] == 100 if "error" in events[-1] else True


def test_status_is_ones_own(daemon, guest):
    """Status shows only the stages of the connection's own utterances, and no texts."""
    daemon()
    with (
        client.connect("host") as own,
        guest.begun(HELLO, speak("theirs"), until="never"),
    ):
        own.place("speak", f"{LONG} {CANARY}".encode(), voice="f1")
        wait_until(lambda: len(queue().rows) == 2)
        heard = guest(HELLO, speak("mine", LONG + CANARY) + frame("status", id="s"), raw=True)
        assert CANARY.encode() not in heard
        (found,) = (json.loads(line) for line in heard.splitlines() if b"stages" in line)
        assert found == {"ev": "stages", "id": "s", "stages": {"mine": "waiting"}}


def test_only_ones_own_is_cancelled(daemon, guest):
    """A container can cancel only its own utterances; an id of another one is not found."""
    daemon()
    with client.connect("host") as own:
        name = own.ask("speak", LONG.encode(), voice="f1")
        with guest.begun(HELLO, speak("theirs"), until="never"):
            wait_until(lambda: len(queue().rows) == 2)
            said = frame("cancel", id=name) + frame("cancel", id="theirs") + frame("cancel")
            events = guest(HELLO, said + speak("mine") + frame("cancel", id="mine"), until='"finished"')
            assert codes(events) == ["not_found", "not_found", "bad_request"]
            assert (events[-1]["id"], events[-1]["result"], events[-1]["exit"]) == ("mine", "skipped", 130)
            assert [row["agent"] for row in queue().rows] == ["host", "c:x"]


def test_the_same_id_of_two_containers_is_two(daemon, guest):
    """Equal ids of two containers are two utterances."""
    daemon()
    with guest.begun(HELLO, speak("a"), until="never"):
        wait_until(lambda: len(queue().rows) == 1)
        with guest.begun(HELLO, speak("a"), until="never"):
            wait_until(lambda: len(queue().rows) == 2)
    wait_until(lambda: not queue().rows)  # the daemon cancels a closed connection's utterances


@pytest.mark.parametrize(
    ("name", "is_known"), [("claude-2", True), ("x" * 62, True), ("x" * 63, False), ("a b", False)]
)
def test_agents_bear_a_prefix(daemon, guest, name, is_known):
    """The names of container agents have the prefix c:, so that none equals a name of the host's agents."""
    daemon()
    said = (frame("hello", agent=name), speak("a"))
    if is_known:
        with guest.begun(*said, until="never"):
            wait_until(lambda: len(queue().rows) == 1)
            assert queue().rows[0]["agent"] == f"c:{name}"
    else:
        assert codes(guest(*said)) == ["bad_request", "bad_request"]


def test_no_container_ends_the_daemon_for_its_age(daemon, guest):
    """A container that reports a newer speakkit does not end the daemon."""
    daemon()
    guest(frame("hello", agent="x", version="99.0", build=2**60, upgrade=True))
    found = control.status()
    assert not found.restart_when_idle
    assert found.idle_exit == -1  # no idle exit, since a container could not start another daemon


def test_nothing_of_the_host_is_told_with_a_fault(daemon, guest):
    """A fault of the host is reported to a container without details; its own mistakes are named."""
    daemon()
    end = guest(HELLO, speak("a", "do=error"), until='"finished"')[-1]
    assert (end["result"], end["exit"], end["warnings"]) == ("failed", 1, [listener.UNTOLD])
    assert end["facts"] == {}


def test_no_name_of_the_host_is_in_a_hint():
    """A container that mistypes a voice is not told the nearest names, since they may be the user's own."""
    with pytest.raises(BadValue, match="did you mean narrator or narrow") as caught:
        voices.find("narratr", blends={"narrator": "f1"}, own=("narrow",))
    end = listener._discreet(Finished("a", Result.failed, ExitCode.USAGE, warnings=(str(caught.value),)))
    assert end.warnings == (listener.UNTOLD,)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 100 + b"\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"{" * 70_000,
        b'{"op":"speak","id":"a","n":1048577}\n',
        b'{"op":"speak","id":"a","n":-1}\n',
        b'{"op":"speak","id":"\\ud800"}\n',
        b'{"op":"hello","agent":["x"]}\n',
        b'{"op":"hello","agent":null}\n',
        b'{"op":"speak","id":"../../x"}\n',
        HELLO.encode() + b'{"op":"speak","id":"a","n":4}\n\xff\xfe\x00x',
        HELLO.encode() + b'{"op":"speak","id":"a","speed":-1,"n":1}\nx',
        HELLO.encode() + b'{"op":"speak","id":"a","voice":{"a":1},"n":1}\nx',
        HELLO.encode() + b'{"op":"speak","id":"a","ttl":"x","n":1}\nx',
        HELLO.encode() + b'{"op":"speak","n":1}\nx',
    ],
)
def test_hostile_bytes_are_refused(daemon, guest, data, log):
    """Malformed bytes give one error line without a traceback, nothing is spoken, and the daemon keeps serving."""
    child = daemon()
    assert len(codes(guest(data.decode("latin-1")))) == 1
    assert queue().rows == ()
    assert "Traceback" not in log()
    assert "a bug" not in log()
    assert child.poll() is None


def test_who_holds_all_places_holds_none_of_the_users(daemon, place, said):
    """Sixteen connections of containers leave the host's user unaffected; the next container gets busy."""
    daemon()
    channels = []
    for _ in range(17):
        channels.append(socket.socket(socket.AF_UNIX))
        channels[-1].settimeout(SECONDS)
        channels[-1].connect(str(place.containers / "speak.sock"))
        channels[-1].sendall(frame("status").encode()) if len(channels) < 10 else None
    assert b'"busy"' in said(channels[-1])
    assert queue().rows == ()
    for channel in channels:
        channel.close()


@pytest.fixture
def visit(place):
    """Connect as the host's user, as rootless containers do: visit(HELLO) returns the socket."""
    channels = []

    def run(*said):
        channels.append(socket.socket(socket.AF_UNIX))
        channels[-1].settimeout(SECONDS)
        channels[-1].connect(str(place.containers / "speak.sock"))
        channels[-1].sendall("".join(said).encode("latin-1"))
        return channels[-1]

    yield run
    for channel in channels:
        channel.close()


def until(channel, word):
    """Receive until `word` has come."""
    data = b""
    while word not in data:
        more = channel.recv(65536)
        assert more, data
        data += more


def test_the_idlest_makes_room_for_another(daemon, visit, said, monkeypatch):
    """If all places of a user id are taken, the connection that is idle for longest is closed for a new one.

    One that waits for its speech stays.
    """
    daemon()
    speaking = visit(HELLO, speak("a"))
    until(speaking, b"accepted")
    idle = [visit() for _ in range(listener.CONNECTIONS_OF_UID - 1)]
    until(idle[-1], b"speakkitd")
    assert b"too many connections" in said(visit())
    time.sleep(listener.IDLE + 0.1)
    idle[0].sendall(HELLO.encode())  # from now on, the second one is idle for longest
    until(idle[0], b'"hello"')
    until(visit(HELLO), b'"hello"')
    assert listener.NO_ROOM.encode() in said(idle[1])
    idle[0].sendall(frame("status", id="s").encode())
    until(idle[0], b"stages")
    assert [row["stage"] for row in queue().rows] == ["playing"]


def test_one_user_id_leaves_places_for_others(daemon, visit, guest):
    """A user id that holds all places that it may have keeps out no other user id."""
    daemon()
    for number in range(listener.CONNECTIONS_OF_UID):
        until(visit(frame("hello", agent=f"a{number}")), b'"hello"') if number < 8 else visit()
    assert guest(HELLO, until='"hello"')[-1]["ev"] == "hello"


@pytest.mark.parametrize("remove", [lambda place: (place.containers / "speak.sock").unlink(), _remove_folder])
def test_a_socket_that_was_removed_is_published_again(serve, place, visit, remove):
    """If the socket for containers, or its folder, is removed, the daemon listens there again."""
    served = serve(containers=True, check=0.02)
    earlier = visit(HELLO)
    until(earlier, b'"hello"')
    before = served.containers.published
    remove(place)
    wait_until(lambda: served.containers.published is not before)
    until(wait_until(lambda: _visited(visit)), b'"hello"')
    earlier.sendall(frame("status", id="s").encode())
    until(earlier, b"stages")


def test_containers_of_one_name_do_not_interrupt_each_other(daemon, visit):
    """`interrupt` and `replace` of a container end no speech of another one, though its agent has the same name."""
    daemon()
    first, second = (visit(HELLO) for _ in range(2))
    first.sendall((speak("a") + speak("b", replace="k")).encode())
    wait_until(lambda: len(queue().rows) == 2)
    second.sendall((speak("a", interrupt="agent") + speak("b", replace="k")).encode())
    until(second, b"accepted")
    wait_until(lambda: len(queue().rows) == 4)
    assert [row["agent"] for row in queue().rows] == ["c:x"] * 4


def test_containers_take_turns_as_one(daemon, visit):
    """A container that chooses a new name for each request gets no more turns than one agent."""
    daemon()
    with client.connect("host") as own:
        own.place("speak", LONG.encode(), voice="f1")
        for number in range(3):
            until(visit(frame("hello", agent=f"a{number}"), speak("a")), b"accepted")
        for number in range(2):
            own.place("speak", f"{LONG} n={number}".encode(), voice="f1")
        agents = [row["agent"] for row in queue().rows]
    assert agents == ["host", "c:a0", "host", "c:a1", "host", "c:a2"]


def test_a_restart_is_survived_by_a_folder_that_is_mounted(daemon, place):
    """A folder mounted read-only into a mount namespace, as in a container, stays valid over a daemon's restart.

    Not even root can remove the socket there.
    """
    require_root("unshare", "mount")
    child = daemon()
    mount = 'mount --bind "$1" /mnt && mount -o remount,bind,ro /mnt && { rm -f /mnt/speak.sock; shift; exec "$@"; }'
    command = ["unshare", "-m", "sh", "-c", mount, "sh", place.containers]
    inside = subprocess.Popen(
        [*command, *AS_STRANGER, "-c", MOUNTED, "/mnt/speak.sock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = inside.stdout.readline()
    if not first and "ermi" in (said := inside.stderr.read()) and "unshare" in said + "mount":
        inside.communicate(timeout=SECONDS)
        pytest.skip(f"nothing can be mounted here: {said.strip()}")
    assert int(first) == child.pid
    assert control.stop(Mode.now)
    assert child.wait(SECONDS) == 0
    assert not (place.containers / "speak.sock").exists()
    second = daemon()
    rest, errors = inside.communicate("go on\n", timeout=SECONDS)
    assert int(rest) == second.pid, errors
    assert "Read-only file system" in errors


def test_it_listens_only_where_that_is_wanted(place, start):
    """By default, the daemon creates neither the folder nor the socket."""
    start()
    assert not place.containers.exists()
    assert "containers" not in control.status().work


def _link(place):
    place.containers.symlink_to(place.path.parent)


def _file(place):
    place.containers.touch()


def _taken(place):
    place.containers.mkdir()
    (place.containers / "speak.sock").symlink_to(place.daemon_lock)


def _strangers(place):
    require_root()
    place.containers.mkdir()
    os.chown(place.containers, STRANGER, STRANGER)


@pytest.mark.parametrize("prepare", [_link, _file, _taken, _strangers])
def test_a_folder_that_is_not_as_it_should_be_stops_no_voice(daemon, place, log, prepare):
    """If the folder is unsafe, the daemon still serves its user, follows no link, and logs why it does not listen."""
    prepare(place)
    child = daemon()
    assert "ready" in child.said
    assert "does not listen for containers" in log()
    assert queue().rows == ()
    assert not (place.path.parent / "speak.sock").exists()


def test_a_folder_that_was_opened_is_closed_again(place):
    """A folder that is writable by others gets mode 0755 again.

    A container's root that can write to the folder could have changed its mode.
    """
    place.containers.mkdir()
    place.containers.chmod(0o777)
    listener.listen(place, load()).published.listener.close()
    assert stat.S_IMODE(place.containers.stat().st_mode) == 0o755


def test_a_path_that_is_too_long_is_named(monkeypatch, place):
    """A path that is too long raises DaemonError in one line."""
    deep = rundir.RuntimeDir(place.path / ("x" * 60))
    deep.path.mkdir()
    with pytest.raises(DaemonError, match="path"):
        lifecycle.bound(deep.containers / ("y" * 60), 0o111)
