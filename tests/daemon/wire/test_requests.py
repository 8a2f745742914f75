"""Tests of the requests and replies of a daemon with the fake voice and a sink that plays to no device."""

import json
import time

import pytest

from speakkit.daemon.wire.messages import Accepted, ErrorReply, Finished, Started
from speakkit.playback import pcm

LONG = "seconds=20"


@pytest.fixture
def one(fake_voice, caller):
    """A client of an idle daemon."""
    return caller("one")


def test_skip_ends_what_is_heard(one):
    """skip ends the current utterance, and the next one plays."""
    first, second = one.speak(LONG), one.speak("seconds=0.1")
    one.event(first, Started)
    one.do("skip")
    assert one.result(first) == "skipped"
    assert one.result(second) == "played"


def test_clear_ends_whose_it_is_told(one, caller):
    """clear ends the utterances of a connection, of an agent, or of all."""
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
    """mute ends current and later utterances with exit code 0, since nothing is to be heard."""
    first = one.speak(LONG)
    one.event(first, Started)
    one.do("mute")
    second = one.speak("seconds=0.1")
    assert [(one.result(name), one.end(name).exit) for name in (first, second)] == [("skipped", 0)] * 2
    one.do("unmute")
    assert one.result(one.speak("seconds=0.1 bit=1")) == "played"


def test_again_says_what_was_heard(one):
    """again repeats the last utterance or an earlier one; repeats themselves do not count."""
    lengths = [100, 200, 300]
    for length in lengths:
        one.result(one.speak(f"seconds={length / 1000}"))
    for back, length in ((1, 300), (2, 200), (3, 100), (1, 300)):
        name = one.ask("again", back=back)
        end = one.end(name)
        assert (end.result, end.audio_ms) == ("played", length)
    assert one.end(one.ask("again", back=9)).code == "not_found"


def test_again_into_a_client(one):
    """again with stream=True sends the same samples to the client, also 30 s of them."""
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
    """Audio that was already synthesized in full is streamed completely to each client."""
    first = one.speak("seconds=0.01 pieces=1")
    assert one.result(first) == "played"
    long = one.speak("seconds=9 pieces=1")
    one.event(long, Started)
    time.sleep(0.3)  # by then it is synthesized in full
    one.do("skip")
    sounds = {one.ask("again", stream=True) for _ in range(4)}
    for name in sounds:
        assert one.end(name).result == "played"
        assert len(one.sound(name)) == pcm.size(9.0)


def test_an_id_that_lives_is_not_taken_twice(one, caller):
    """A live id cannot be reused by again or synth: the first utterance plays to its end."""
    other = caller("other")
    other.result(other.speak("seconds=0.1 bit=7"))
    name = one.speak("slow=0.4 seconds=0.2 pieces=3")
    for op, fields in (("again", {}), ("synth", {"voice": "f1"})):
        other.ask(op, b"" if op == "again" else b"seconds=0.1", id=name, **fields)
    assert one.result(name) == "played"
    assert one.end(name).audio_ms == 600
    assert other.result(other.speak("seconds=0.1 bit=8")) == "played"


def test_who_sends_an_id_again_owns_it(one, caller):
    """A client of the same agent that sends a live id again gets its events and may cancel it.

    The end of the first connection does not end the utterance.
    """
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
    """An equal waiting utterance is spoken once, and its duplicate ends as deduped."""
    one.speak("seconds=0.5")
    first, second = one.speak("seconds=0.1"), one.speak("seconds=0.1")
    assert one.result(first) == "played"
    assert (one.result(second), one.end(second).exit) == ("deduped", 0)


def test_the_newest_replaces(one):
    """A newer utterance replaces the waiting one with the same `replace` key."""
    one.speak("seconds=0.5")
    names = [one.speak(f"seconds=0.1 bit={bit}", replace="news") for bit in range(3)]
    assert [one.result(name) for name in names] == ["replaced", "replaced", "played"]


def test_the_stale_is_not_said(one):
    """An utterance that waits longer than its ttl expires, with exit code 1."""
    one.speak("seconds=1")
    stale = one.speak("seconds=0.1", ttl=0.3)
    assert (one.result(stale), one.end(stale).exit) == ("expired", 1)


def test_a_full_queue_says_when_to_come_again(one):
    """An agent may have 32 waiting utterances; the next is busy, or drops the oldest with on_full."""
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
    """A listing of many utterances in any script fits into a frame, and has no texts of other agents."""
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
    """Fields that are too long or out of range are refused, and the voice goes on."""
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
    """Status shows numbers and no texts, and is answered at once while the voice is busy."""
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
