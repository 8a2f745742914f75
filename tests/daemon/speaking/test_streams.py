"""Tests of streaming samples to clients: complete, in order, at the client's pace, and alongside other speech."""

import json
import socket
from array import array
from pathlib import Path

import pytest

from speakkit.daemon.wire.messages import Accepted, AudioChunk, Finished, Part
from speakkit.playback import pcm
from waiting import wait_until

MIB = 1 << 20


def ramp(seconds):
    return array("f", [n / 2**20 for n in range(1, round(seconds * pcm.RATE) + 1)]).tobytes()


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.fixture
def one(fake_voice, caller):
    return caller("one")


def synth(client, text, **fields):
    return client.ask("synth", text.encode(), voice="f1", **fields)


def test_a_stream_is_whole(one):
    """A stream is an Accepted, all samples in numbered parts, the words, and a Finished as the last event."""
    name = synth(one, "ramp=1 seconds=7 pieces=3")
    end = one.end(name)
    assert (end.result, end.audio_ms, end.exit) == ("played", 21_000, 0)
    assert one.sound(name) == ramp(21)
    assert [event.seq for _, event in one.all(name, AudioChunk)] == list(range(len(one.all(name, AudioChunk))))
    kinds = [type(event) for _, event in one.said[name]]
    assert (kinds[0], kinds[-1]) == (Accepted, Finished)
    assert set(kinds[1:-1]) <= {AudioChunk, Part}


def test_a_long_piece_is_sent_too(one):
    """A piece may be longer than a connection's buffer, such as a slow voice's long sentence."""
    name = synth(one, "seconds=60")
    assert one.end(name).result == "played"
    assert len(one.sound(name)) == pcm.size(60.0)


def test_streams_take_turns_while_speech_goes_on(one, caller):
    """Four streams are synthesized in turn, piece by piece, and playback does not wait for them."""
    heard = one.speak("seconds=0.3 pieces=5")
    others = [caller(f"other{n}") for n in range(4)]
    names = [synth(each, f"bit={n} seconds=0.2 pieces=8 slow=0.03") for n, each in enumerate(others)]
    for each, name in zip(others, names, strict=True):
        assert each.end(name).result == "played"
        assert len(each.sound(name)) == pcm.size(1.6)
    ends = [each.when(name, Finished) for each, name in zip(others, names, strict=True)]
    assert max(ends) - min(ends) < 2
    assert one.result(heard) == "played"
    assert one.do("status").work["starved"] == 0


def test_one_id_means_two_texts_to_two_clients(one, caller):
    """Equal ids of two clients are two streams; a client that reuses its own live id is refused."""
    other = caller("other")
    for bit, each in enumerate((one, other)):
        synth(each, f"bit={bit} seconds=0.1 pieces=6 slow=0.02", id="same")
    for bit, each in enumerate((one, other)):
        assert each.end("same").result == "played"
        assert set(memoryview(each.sound("same")).cast("f")) == {2.0 ** (bit - 20)}
    twice = [synth(one, "seconds=0.1 slow=0.3", id="twice") for _ in range(2)]
    assert {one.event(name, kind).id for name, kind in zip(twice, (Accepted, Accepted), strict=True)} == {"twice"}
    one.wait_for(lambda: [event for _, event in one.said["twice"] if hasattr(event, "code")], "a refusal")


def test_a_cancel_ends_a_stream(one):
    """After a cancel, the stream's last event is Finished, and other streams go on."""
    name = synth(one, "seconds=0.5 pieces=1000 slow=0.05")
    one.event(name, AudioChunk)
    one.ask("cancel", id=name)
    assert one.result(name) == "skipped"
    other = synth(one, "seconds=0.1")
    assert one.end(other).result == "played"
    assert isinstance(one.said[name][-1][1], Finished)


def test_a_client_that_reads_slowly_is_waited_for(one, place):
    """A client that leaves an hour of samples unread costs under 24 MiB, and its stream ends with its connection."""
    status = one.do("status")
    before = resident(status.pid)
    lazy = Lazy(place)
    lazy.ask({"op": "synth", "id": "lazy", "voice": "f1"}, b"seconds=10 pieces=360")
    assert one.result(one.speak("seconds=1")) == "played"
    assert resident(status.pid) - before < 24 * MIB
    assert one.do("status").work["streams"] == 1
    lazy.close()
    wait_until(lambda: one.do("status").work["streams"] == 0)


class Lazy:
    """A client that sends requests and reads nothing."""

    def __init__(self, place):
        self.channel = socket.socket(socket.AF_UNIX)
        self.channel.connect(str(place.socket))
        self.ask({"op": "hello", "proto": "1.0", "agent": "lazy", "upgrade": False})

    def ask(self, fields, payload=b""):
        counted = fields | ({"n": len(payload)} if payload else {})
        self.channel.sendall(json.dumps(counted).encode() + b"\n" + payload)

    def close(self):
        self.channel.close()


def test_too_many_streams_are_refused(one):
    """Streams beyond the limit are refused as busy; after some have ended, there is room again."""
    names = [synth(one, "seconds=0.1 pieces=3 slow=0.1") for _ in range(40)]
    ends = [one.end(name) for name in names]
    assert {end.code for end in ends if hasattr(end, "retry_ms")} == {"busy"}
    assert sum(getattr(end, "result", None) == "played" for end in ends) >= 16
    assert one.end(synth(one, "seconds=0.1")).result == "played"
