"""What clients ask of a daemon that speaks with the fake voice to nobody, and what they are told."""

import json
import time

import pytest

from speakkit.daemon.wire.messages import Accepted, ErrorReply, Finished, Started
from speakkit.playback import pcm

LONG = "seconds=20"


@pytest.fixture
def one(fake_voice, caller):
    """A client of a daemon that has nothing to do."""
    return caller("one")


def test_skip_ends_what_is_heard(one):
    """The next one is heard then."""
    first, second = one.speak(LONG), one.speak("seconds=0.1")
    one.event(first, Started)
    one.do("skip")
    assert one.result(first) == "skipped"
    assert one.result(second) == "played"


def test_clear_ends_whose_it_is_told(one, caller):
    """Those of a connection, of an agent, or all."""
    same, other = caller("one"), caller("other")
    heard, mine, ours, theirs = (each.speak(f"{LONG} bit={n}") for n, each in enumerate((other, one, same, other)))
    other.event(heard, Started)
    one.do("clear", scope="mine")
    assert one.result(mine) == "skipped"
    other.do("clear", agent="one")
    assert same.result(ours) == "skipped"
    assert not other.all(heard, Finished)
    one.do("clear", scope="all")
    assert other.result(heard) == other.result(theirs) == "skipped"
    assert one.do("queue").rows == ()


def test_mute_ends_all_that_is_and_comes(one):
    """Whoever speaks is told that all is well: nobody wanted to hear it."""
    first = one.speak(LONG)
    one.event(first, Started)
    one.do("mute")
    second = one.speak("seconds=0.1")
    assert [(one.result(name), one.end(name).exit) for name in (first, second)] == [("skipped", 0)] * 2
    one.do("unmute")
    assert one.result(one.speak("seconds=0.1 bit=1")) == "played"


def test_again_says_what_was_heard(one):
    """The last one, or an earlier one; what was said again does not count."""
    lengths = [100, 200, 300]
    for length in lengths:
        one.result(one.speak(f"seconds={length / 1000}"))
    for back, length in ((1, 300), (2, 200), (3, 100), (1, 300)):
        name = one.ask("again", back=back)
        end = one.end(name)
        assert (end.result, end.audio_ms) == ("played", length)
    assert one.end(one.ask("again", back=9)).code == "not_found"


def test_again_into_a_client(one):
    """Its very samples, also many of them."""
    first = one.speak("ramp=1 seconds=10 pieces=3")
    one.event(first, Started)
    until = time.monotonic() + 10
    while one.do("queue").rows and time.monotonic() < until:
        one.do("skip")
    assert one.result(first) == "skipped"
    name = one.ask("again", stream=True)
    assert one.end(name).result == "played"
    assert len(one.sound(name)) == pcm.size(30.0)
    assert one.end(name).audio_ms == 30_000


def test_again_of_what_was_made_in_full_is_sent_piece_by_piece(one):
    """A client that reads gets it all, however long it is."""
    first = one.speak("seconds=0.01 pieces=1")
    assert one.result(first) == "played"
    long = one.speak("seconds=9 pieces=1")
    one.event(long, Started)
    time.sleep(0.3)  # it is made in full by then
    one.do("skip")
    sounds = {one.ask("again", stream=True) for _ in range(4)}
    for name in sounds:
        assert one.end(name).result == "played"
        assert len(one.sound(name)) == pcm.size(9.0)


def test_an_id_that_lives_is_not_taken_twice(one, caller):
    """Neither by one who repeats, nor by a stream: what is under way is heard to its end."""
    other = caller("other")
    other.result(other.speak("seconds=0.1 bit=7"))
    name = one.speak("slow=0.4 seconds=0.2 pieces=3")
    for op, fields in (("again", {}), ("synth", {"voice": "f1"})):
        other.ask(op, b"" if op == "again" else b"seconds=0.1", id=name, **fields)
    assert one.result(name) == "played"
    assert one.end(name).audio_ms == 600
    assert other.result(other.speak("seconds=0.1 bit=8")) == "played"


def test_who_sends_an_id_again_owns_it(one, caller):
    """It is told when that starts, and may cancel it; the end of the first connection does not end it."""
    before = one.speak(LONG)
    name = one.speak(f"{LONG} bit=1")
    same = caller("one")
    assert same.event(same.ask("speak", f"{LONG} bit=1".encode(), voice="f1", id=name), Accepted).pos == 1
    one.close()
    same.event(name, Started)
    same.ask("cancel", id=name)
    assert same.result(name) == "skipped"
    assert before


def test_the_same_is_said_once(one):
    """What waits already is not said twice."""
    one.speak("seconds=0.5")
    first, second = one.speak("seconds=0.1"), one.speak("seconds=0.1")
    assert one.result(first) == "played"
    assert (one.result(second), one.end(second).exit) == ("deduped", 0)


def test_the_newest_replaces(one):
    """Of those with a name, and of progress."""
    one.speak("seconds=0.5")
    names = [one.speak(f"seconds=0.1 bit={bit}", replace="news") for bit in range(3)]
    assert [one.result(name) for name in names] == ["replaced", "replaced", "played"]


def test_the_stale_is_not_said(one):
    """By its own time to live."""
    one.speak("seconds=1")
    stale = one.speak("seconds=0.1", ttl=0.3)
    assert (one.result(stale), one.end(stale).exit) == ("expired", 1)


def test_a_full_queue_says_when_to_come_again(one):
    """An agent may have 32 waiting; who wants the newest to be heard drops the oldest."""
    heard = one.speak(LONG)
    one.event(heard, Started)
    waiting = [one.speak(f"{LONG} bit={n % 20} n={n}") for n in range(32)]
    busy = one.end(one.speak(f"{LONG} n=99"))
    assert (busy.code, 200 <= busy.retry_ms <= 10_000) == ("busy", True)
    newest = one.speak(f"{LONG} n=100", on_full="drop-oldest")
    assert (one.result(waiting[0]), one.end(waiting[0]).code) == ("skipped", "busy")
    one.do("clear")
    assert one.result(newest) == "skipped"


def test_a_listing_has_room(one, caller):
    """However many wait, and whatever their script: the texts of others are in none."""
    others = [caller(f"{'x' * 60}{n}") for n in range(8)]
    for each in others:
        for n in range(25):
            each.ask("speak", f"{LONG} n={n} {'😀' * 100}".encode(), voice="f1", id=f"{'i' * 40}.{id(each)}.{n}")
        each.do("queue")
    listing = others[0].do("queue")
    assert len(listing.rows) + listing.more == 200
    assert len(listing.rows) >= 40
    assert {row["text"] is None for row in listing.rows if row["agent"] != "x" * 60 + "0"} <= {True}


def test_what_no_voice_is_asked(one):
    """Fields that are too long, or out of range, are refused, and the voice speaks on."""
    wrong: list[dict[str, object]]
    wrong = [{"voice": "é" * 15_000}, {"voice": "f1", "dedupe": "é" * 15_000}, {"voice": "f1", "lang": "x" * 30_000}]
    wrong += [{"voice": "f1", "speed": 0.0}, {"voice": "f1", "ttl": -1}, {"voice": "f1", "prio": "loud"}]
    for number, fields in enumerate(wrong):
        said = {"op": "speak", "id": f"wrong{number}", "n": 11, **fields}
        one.channel.sendall(json.dumps(said, ensure_ascii=False).encode() + b"\nseconds=0.1")
        refused = one.end(f"wrong{number}")
        assert isinstance(refused, ErrorReply)
        assert refused.code == "bad_request", fields
    assert one.result(one.speak("seconds=0.1")) == "played"


def test_status_tells_of_the_work(one):
    """Numbers, never texts; at once, however busy the voice is."""
    one.ask("synth", b"slow=3 seconds=1", voice="f1")
    heard = one.speak("seconds=0.5 pieces=4 secret")
    one.speak("seconds=0.1 bit=2 secret")
    status = one.do("status")
    assert (status.state, status.work["waiting"], status.work["streams"]) == ("busy", 1, 1)
    assert status.work["busy_for_ms"] < 5000
    one.event(heard, Started)
    status = one.do("status")
    assert (status.work["speaking"], status.work["sink"]) == (True, "timed-null")
    assert status.work["voice"] > 0
    assert "secret" not in str(status)
