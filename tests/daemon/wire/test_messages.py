"""Tests of the messages: encoding and decoding, errors about wrong fields, and the table of exit codes."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.daemon.process import version
from speakkit.daemon.process.version import Version
from speakkit.daemon.queue.actions import Result
from speakkit.daemon.wire import codec, messages
from speakkit.daemon.wire.codec import event_of, frame_of, read, request_of
from speakkit.daemon.wire.messages import (
    EXITS,
    Accepted,
    AudioChunk,
    DaemonStatus,
    Done,
    EndedUtterance,
    ErrorReply,
    Finished,
    Greeting,
    Happening,
    Hearing,
    Hello,
    History,
    Listing,
    Mode,
    Part,
    Shutdown,
    Span,
    SpokenWord,
    Started,
    Transcribed,
    Watched,
    Welcome,
    exit_of,
)
from speakkit.daemon.wire.protocol import Code, FrameDecoder, ProtocolError, packed
from speakkit.errors import ExitCode
from speakkit.workers.frames import Frame

WORD = SpokenWord(0, 5, 0.0, 0.5)
EVENTS = [
    Welcome("0.1.0", 7, 12),
    Done(),
    Done("x"),
    DaemonStatus(1, "0.1.0", 7, 0.5, "idle", 1, False, 1800.0, {"queued": 3}),
    Listing(({"id": "x", "agent": "a", "characters": 3},), paused=False, muted=True, more=2, id="y"),
    History((EndedUtterance("x", "a", 1e9, Result.failed, 3, "engine_failed", 0, True, "语", "mend it"),), "h"),
    Accepted("x", 3, 4100),
    Accepted("x"),
    Started("x"),
    Hearing("x", 3, 9),
    Finished(
        "x", Result.played, 5, 2310, None, (WORD, WORD), ("a word was lost: ...",), (Span(3, 7),), {"voice": "af_heart"}
    ),
    Finished("x", Result.failed, 1, code=Code.engine_timeout),
    Finished("x", Result.failed, 7, code=Code.shutting_down, moved=True),
    Part("x", (WORD,), ("a word was lost: ...",), (Span(3, 7),)),
    Watched("w", Happening.word, "x", "a", 1e9, text="语", start=3, end=9),
    Watched("w", Happening.ended, "x", "a", 1e9, result=Result.skipped, code="cancelled", audio_ms=7),
    AudioChunk("x", 0, 24000, b"\0\1" * 100),
    Transcribed("x", b'{"transcript": {}}'),
    ErrorReply("x", Code.busy, "there is no room", 800),
    ErrorReply(None, Code.version, "another version"),
]


def sent(message):
    """Return the frame that arrives at the other end."""
    decoder = FrameDecoder()
    decoder.feed(packed(frame_of(message)))
    return decoder.frame()


@pytest.mark.parametrize("event", EVENTS)
def test_events_come_out_as_they_went_in(event):
    """An event equals itself after encoding and decoding."""
    assert event_of(sent(event)) == event


def test_every_event_is_tried_above():
    """EVENTS contains every type of event, so that a new one must be added."""
    assert {type(event) for event in EVENTS} == {*messages.EVENTS.values(), ErrorReply}


def test_what_the_wire_looks_like():
    """The wire format is fixed, since scripts and other languages rely on it."""
    assert packed(frame_of(ErrorReply("x", Code.busy, "no room", 800))) == (
        b'{"id":"x","error":{"code":"busy","msg":"no room","retry_ms":800}}\n'
    )
    assert packed(frame_of(AudioChunk("x", 0, 24000, b"1234"))) == (
        b'{"ev":"audio","id":"x","seq":0,"rate":24000,"fmt":"s16le","ch":1,"n":4}\n1234'
    )
    assert packed(frame_of(Shutdown("x", Mode.now))) == b'{"op":"shutdown","id":"x","mode":"now"}\n'


@pytest.mark.parametrize(("words", "warnings"), [(0, 0), (150, 8), (151, 0), (0, 9), (5000, 3), (10, 400)])
def test_a_long_text_has_many_words(words, warnings):
    """Many words and warnings are split in frames of allowed size and joined without loss."""
    spoken = tuple(SpokenWord(2**52 + n, 2**52 + n, n * 1e5 / 7, n * 1e5 / 3) for n in range(words))
    whole = Finished(
        "x" * 64, Result.played, 5, 2**52, None, spoken, tuple("\U0001f600" * 300 for _ in range(warnings))
    )
    decoder = FrameDecoder()
    for frame in codec.frames_of(whole):
        decoder.feed(packed(frame))
    answers: list[Any] = [event_of(frame) for frame in iter(decoder.frame, None)]
    *parts, last = answers
    assert codec.joined(parts, last) == whole


def test_a_long_warning_is_cut():
    """A long warning is cut, since it is one line for a person."""
    (frame,) = codec.frames_of(Finished("x", Result.played, 5, warnings=("x" * 99_999,)))
    assert event_of(frame).warnings == ("x" * codec.LONGEST_WARNING,)


def test_samples_are_sent_in_parts():
    """An audio frame of more than 64 KiB raises ProtocolError, so that other frames do not wait long."""
    with pytest.raises(ProtocolError):
        list(codec.frames_of(AudioChunk("x", 0, 24000, bytes((64 << 10) + 2))))


def test_what_is_frozen():
    """Greeting, hello and shutdown of the first version must stay readable and writable."""
    hello = {"op": "hello", "proto": "1.0", "agent": "a", "client": "speak/0.1", "version": "0.1", "build": 1}
    assert sent(Hello("1.0", "a", "speak/0.1", "0.1", 1)).fields == {**hello, "upgrade": True}
    greeting = b'{"speakkitd":1,"proto":"2.7","version":"9.0","pid":5,"new":[1]}'
    assert read(Greeting, json.loads(greeting)) == Greeting("2.7", "9.0", 5)
    assert read(Shutdown, {"op": "shutdown"}) == Shutdown(mode=Mode.drain)


def test_what_is_unknown_is_passed_over():
    """Unknown fields and events of a newer minor version are ignored."""
    assert event_of(Frame({"ev": "started", "id": "x", "mood": "good"})) == Started("x")
    assert event_of(Frame({"ev": "danced", "id": "x"})) is None
    assert event_of(Frame({})) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"ev": "started"},
        {"ev": "started", "id": 1},
        {"ev": "accepted", "id": "x", "pos": "3"},
        {"ev": "accepted", "id": "x", "pos": True},
        {"ev": "accepted", "id": "x", "pos": 1.5},
        {"ev": "finished", "id": "x", "result": "sung", "exit": 0},
        {"ev": "finished", "id": "x", "result": "played", "exit": 0, "words": [1]},
        {"ev": "finished", "id": "x", "result": "played", "exit": 0, "words": {}},
        {"ev": "finished", "id": "x", "result": "played", "exit": 0, "warnings": [None]},
        {"error": "busy"},
        {"error": {"code": "lazy", "msg": ""}},
        {"error": {"code": "busy"}},
    ],
)
def test_what_is_missing_or_wrong(fields):
    """A missing or wrong field raises ProtocolError, whose message does not quote the value."""
    with pytest.raises(ProtocolError) as raised:
        event_of(Frame(fields))
    assert "sung" not in str(raised.value)


NAMES = ["ev", "error", "id", "result", "words", "exit", "code", "msg", "rate", "finished", "audio", "status", "busy"]
SMALL = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NAMES)
VALUES = SMALL | st.lists(SMALL, max_size=2) | st.dictionaries(st.sampled_from(NAMES), SMALL, max_size=3)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_no_fields_break_the_reader(fields):
    """Any fields of a request or an event are decoded or raise ProtocolError."""
    for reader in (event_of, request_of):
        with suppress(ProtocolError):
            reader(Frame(fields))


@pytest.mark.parametrize("identity", ["", "x" * 65, "a b", "a\n", "ü", 5, ["x"]])
def test_ids_are_short_and_plain(identity):
    """An id is 1 to 64 plain characters, since replies repeat it."""
    with pytest.raises(ProtocolError):
        request_of(Frame({"op": "speak", "id": identity}))


def test_one_table_of_exit_codes():
    """EXITS contains every result and code; lost words give their exit code only if nothing worse happened."""
    assert set(EXITS) == {*Result, *Code}
    assert exit_of(Result.played) is ExitCode.DONE
    assert exit_of(Result.played, lost=True) is ExitCode.LOST_WORDS
    assert exit_of(Result.failed, Code.audio_unavailable, lost=True) is ExitCode.NO_AUDIO_DEVICE
    assert exit_of(Result.failed, Code.busy) is ExitCode.NETWORK
    assert exit_of(Result.interrupted, lost=True) is ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("0.1.0", 5), ("0.2.0", 1)),
        (("0.9.0", 5), ("0.10.0", 1)),
        (("1.0", 1), ("1.0.0", 2)),
        (("0.1.0", 1), ("0.1.0", 2)),
        (("", 0), ("0.1.0", 1)),
    ],
)
def test_which_edition_is_older(older, newer):
    """Versions are compared by number, and by build if the numbers are equal."""
    assert Version(*older).is_older_than(Version(*newer))
    assert not Version(*newer).is_older_than(Version(*older))
    assert not Version(*older).is_older_than(Version(*older))


def test_our_edition():
    """The version of this process has a build: the time of its newest module in ns since 1970."""
    assert version.mine().version
    assert version.mine().build > 1_500_000_000 * 10**9
    assert version.same_major("1.0", "1.7")
    assert not version.same_major("1.0", "11.0")
