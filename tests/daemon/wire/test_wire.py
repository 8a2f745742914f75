"""Tests of compatibility with the wire format of speakkit 0.1, by its recorded frames.

tests/data/wire has the frames, recorded before messages had types: clients of 0.1 and daemons of today understand
each other.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from speakkit.daemon.containers.listener import Stages
from speakkit.daemon.queue.actions import Result, Stage
from speakkit.daemon.queue.queue import Scope
from speakkit.daemon.queue.utterance import Interrupt, OnFull, Priority, QueueOptions
from speakkit.daemon.wire.codec import event_of, frame_of, read, request_of
from speakkit.daemon.wire.messages import (
    Accepted,
    AudioChunk,
    DaemonStatus,
    Done,
    ErrorReply,
    Finished,
    Greeting,
    Hearing,
    Hello,
    Listing,
    Mode,
    Part,
    Request,
    Shutdown,
    Span,
    SpokenWord,
    Started,
    Welcome,
)
from speakkit.daemon.wire.protocol import Code, FrameDecoder, ProtocolError
from speakkit.daemon.wire.requests import Again, Clear, Speak, Synth, speech_request
from speakkit.speech_request import Markup, SpeechRequest

WIRE = Path(__file__).parents[2] / "data" / "wire"

WORDS = (SpokenWord(0, 5, 0.0, 0.5), SpokenWord(6, 9, 1.0, 2))
WARNINGS = ("a word was lost: ...", 'Ça va? 語 😀 "\\ \x7f')
ROW = {"id": "x", "agent": "a", "priority": "low", "stage": "waiting", "characters": 3, "text": None, "age": 0.25}
EVENTS = [
    Greeting("1.0", "0.1.0", 7),
    Welcome("0.1.0", 7, 12, proto="1.0"),
    Welcome("0.1.0", 7, 12, proto="1.0", id="h"),
    Done(),
    Done("x"),
    DaemonStatus(1, "0.1.0", 7, 0.5, "idle", 1, False, 1800.0, {"queued": 3, "voice": None}, proto="1.0"),
    DaemonStatus(1, "0.1.0", 7, 0.5, "idle", 1, False, -1.0, {"queued": 3}, proto="1.0", id="s"),
    Listing((ROW,), paused=False, muted=True, more=2, id="y"),
    Accepted("x", 3, 4100),
    Accepted("x"),
    Started("x"),
    Hearing("x", 3, 9),
    Finished("x", Result.played, 5, 2310, None, WORDS, WARNINGS, (Span(3, 7),), {"voice": "af_heart", "chunks": 2}),
    Finished("x", Result.failed, 1, code=Code.engine_timeout),
    Part("x", WORDS[:1], WARNINGS[:1], (Span(3, 7),)),
    AudioChunk("x", 0, 24000, b"\0\1\n\xff" * 4),
    AudioChunk("x", 1, 24000, b"", "f32le"),
    ErrorReply("x", Code.busy, "there is no room", 800),
    ErrorReply(None, Code.version, "another version"),
]
VOICE = SpeechRequest(voice="f1", speed=1.25, seed=7)
OPTIONS = QueueOptions(
    priority=Priority.urgent,
    interrupt=Interrupt.agent,
    on_full=OnFull.drop_oldest,
    ttl=2.5,
    replace="r",
    dedupe="d",
    detach=True,
    media="off",
)
REQUESTS: list[Any] = [
    (Hello("1.0", "a", "speak/0.1", "0.1", 1),),
    (Hello("1.0", id="h"),),
    (),
    (Shutdown("2", Mode.now),),
    (VOICE, OPTIONS, Speak(show=True)),
    (VOICE, QueueOptions(), Speak()),
    (SpeechRequest(voice="f1", speed=2.0, keep_alive=0.0), QueueOptions(), Speak()),
    (VOICE, Synth()),
    (Again(back=2, stream=True),),
    (),
    (Clear(Scope.all),),
    (),
]
"""Per recorded request, the messages that it contains besides op and id."""


def recorded(name):
    decoder = FrameDecoder()
    decoder.feed((WIRE / f"{name}-1.0.frames").read_bytes())
    return list(iter(decoder.frame, None))


def exact(fields):
    """Return the fields as JSON, in which 1, 1.0 and true differ."""
    return json.dumps(fields, sort_keys=True)


@pytest.mark.parametrize(("frame", "event"), list(zip(recorded("events"), EVENTS, strict=True)))
def test_events_of_then(frame, event):
    """A recorded event is decoded, and encoded to the same frame again."""
    found = read(Greeting, frame.fields) if isinstance(event, Greeting) else event_of(frame)
    assert found == event
    said = frame_of(event)
    assert (exact(said.fields), said.payload) == (exact(frame.fields), frame.payload)


@pytest.mark.parametrize(("frame", "commands"), list(zip(recorded("requests"), REQUESTS, strict=True)))
def test_requests_of_then(frame, commands):
    """A recorded request is decoded to the expected messages."""
    request = request_of(frame)
    assert request.fields == frame.fields
    for command in commands:
        assert read(type(command), request.fields) == command


def test_a_text_that_clients_of_then_sent_raw_is_read_literally():
    """`raw` of protocol 1.0 means raw markup, which 1.1 calls `markup`."""
    fields: Any = {"op": "speak", "id": "1", "raw": True}
    assert speech_request(Request("speak", "1", fields, b"*x*")) == SpeechRequest("*x*", markup=Markup.RAW)
    assert speech_request(Request("speak", "1", {"markup": "plain"}, b"*x*")).markup is Markup.PLAIN


@pytest.mark.parametrize("frame", recorded("requests")[:4:3])
def test_hello_and_shutdown_are_said_as_then(frame):
    """Hello and shutdown are encoded as recorded and must never change."""
    kind: Any = {"hello": Hello, "shutdown": Shutdown}[frame.fields["op"]]
    assert exact(frame_of(read(kind, frame.fields)).fields) == exact(frame.fields)


def test_what_a_container_is_told():
    """The stages for containers are encoded as in 0.1."""
    assert frame_of(Stages("9", {"x": Stage.waiting})).fields == {"ev": "stages", "id": "9", "stages": {"x": "waiting"}}


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"voice": 1}, "the field voice is not what it should be: Expected `str`, got `int`"),
        ({"seed": 7.0}, "the field seed is not what it should be: Expected `int`, got `float`"),
        ({"seed": True}, "the field seed is not what it should be: Expected `int`, got `bool`"),
        ({"speed": True}, "the field speed is not what it should be: Expected `float`, got `bool`"),
        ({"speed": float("nan")}, "the field speed is not what it should be: Expected `float` >= 0.5"),
        ({"speed": 3}, "the field speed is not what it should be: Expected `float` <= 2.0"),
        ({"threads": 1025}, "the field threads is not what it should be: Expected `int` <= 1024"),
        ({"seed": -1}, "the field seed is not what it should be: Expected `int` >= 0"),
        ({"show": 1}, "the field show is not what it should be: Expected `bool`, got `int`"),
        ({"show": None}, "the field show is not what it should be: Expected `bool`, got `null`"),
        ({"lang": "secret" * 200}, "the field lang is not what it should be: Expected `str` of length <= 1000"),
        ({"markup": "secret"}, "the field markup is not what it should be"),
        ({"prio": "secret - at `$.secret`"}, "the field prio is not what it should be"),
        ({"op": "secret"}, "the field op is not what it should be"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(fields, about):
    """An error about a wrong field names the field and not its value, and numbers are not converted."""
    with pytest.raises(ProtocolError) as raised:
        _ = [read(kind, fields) for kind in (SpeechRequest, QueueOptions, Speak)]
    assert (raised.value.code, str(raised.value)) == (Code.bad_request, about)
    assert "secret" not in str(raised.value)
    assert raised.value.__context__ is None or raised.value.__suppress_context__


def test_what_is_missing_is_named():
    """A missing field is named at any depth."""
    for fields, name in (({}, "id"), ({"id": "x", "result": "played", "exit": 0, "lost": [{"start": 1}]}, "end")):
        with pytest.raises(ProtocolError, match=f"there is no field {name}$"):
            read(Finished, fields)
