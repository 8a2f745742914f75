"""Tests of the frame decoder: any bytes, cut anywhere, give frames or raise ProtocolError."""

import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakkit.daemon.wire import protocol
from speakkit.daemon.wire.protocol import DEPTH, TEXT, Code, FrameDecoder, ProtocolError, packed, text_of
from speakkit.errors import TextError
from speakkit.text.decode import decode
from speakkit.workers.frames import COUNT, HEADER, Frame

PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN, inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.dictionaries(PLAIN.filter(lambda key: key != COUNT), JSON, max_size=5)
FRAMES = st.builds(Frame, FIELDS, st.binary(max_size=200))


def deep(value):
    if isinstance(value, dict):
        return 1 + max(map(deep, value.values()), default=0)
    return 1 + max(map(deep, value), default=0) if isinstance(value, list) else 0


def decoded(pieces):
    """Return all frames of the pieces; checks that the decoder never buffers more than one frame."""
    decoder = FrameDecoder()
    found = []
    for piece in pieces:
        decoder.feed(piece)
        while (frame := decoder.frame()) is not None:
            found.append(frame)
        assert len(decoder._held) < HEADER + TEXT
    assert decoder.is_amid or not decoder._held
    return found


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(FRAMES.filter(lambda frame: deep(frame.fields) < DEPTH), max_size=4), st.lists(st.integers(0)))
def test_what_is_packed_is_decoded(frames, places):
    """Packed frames are decoded in order, whatever the pieces they arrive in."""
    assert decoded(cut(b"".join(map(packed, frames)), places)) == frames


@settings(max_examples=2000, deadline=None)
@given(
    st.binary()
    | st.text().map(lambda text: text.encode(errors="surrogatepass"))
    | st.lists(st.sampled_from([*'[{"n:1,}]\n\\u', '"n":', '{"n":3}\n', "\\u0000", "\\ud800", "9" * 400])).map(
        lambda parts: "".join(parts).encode()
    ),
    st.lists(st.integers(0), max_size=5),
)
def test_no_bytes_break_the_decoder(data, places):
    """Any bytes give frames that can be packed again, or raise ProtocolError."""
    try:
        for frame in decoded(cut(data, places)):
            packed(frame)
    except ProtocolError:
        return


@pytest.mark.slow
def test_a_million_damaged_streams():
    """Frames with bytes changed, removed, doubled or moved are decoded or raise ProtocolError."""
    generator = random.Random(1)
    whole = packed(Frame({"op": "speak", "id": "1", "voice": "f1", "speed": 1.25, "words": [{"a": [1]}]}, b"Hello.\n"))
    counts = {"frames": 0, "errors": 0, "inputs": 0}
    for _ in range(1_000_000):
        data = bytearray(whole * generator.randint(1, 3))
        for _ in range(generator.randint(1, 6)):
            at, length = generator.randrange(len(data)), generator.randint(0, 4)
            data[at : at + length] = generator.choice(
                (generator.randbytes(length), b"", data[:length], b'"n":9', b"[" * 99)
            )
        counts["inputs"] += 1
        try:
            counts["frames"] += len(decoded(cut(bytes(data), [generator.randrange(200) for _ in range(3)])))
        except ProtocolError:
            counts["errors"] += 1
    print(counts)
    assert counts["inputs"] == 1_000_000
    assert counts["frames"] > 1000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * HEADER, Code.too_large),
        (b'{"a": "' + b"x" * HEADER + b'"}\n', Code.too_large),
        (b'{"n": %d}\n' % (TEXT + 1), Code.too_large),
        (b'{"n": %s}\n' % (b"9" * 18), Code.too_large),
        (b"[" * (HEADER - 2) + b"\n", Code.bad_request),
        (b'{"a":' * 9000 + b"\n", Code.bad_request),
        (b'{"a":' + b"[" * DEPTH + b"]" * DEPTH + b"}\n", Code.bad_request),
        (b'{"a": "\0"}\n', Code.bad_request),
        (b'{"a": "\\u0000"}\n', Code.bad_request),
        (b'{"\\u0000": 1}\n', Code.bad_request),
        (b'{"a": "\\ud800"}\n', Code.bad_request),
        (b'{"a": ["\\udfff"]}\n', Code.bad_request),
        (b'{"a": "\xed\xa0\x80"}\n', Code.bad_request),
        (b'{"a": "\xff"}\n', Code.bad_request),
        (b"\xef\xbb\xbf{}\n", Code.bad_request),
        (b'{"a": 1, "a": 2}\n', Code.bad_request),
        (b'{"a": {"b": 1, "b": 1}}\n', Code.bad_request),
        (b'{"n": 1, "n": 2}\nxx', Code.bad_request),
        (b'{"a": NaN}\n', Code.bad_request),
        (b'{"a": 1e999}\n', Code.bad_request),
        (b'{"a": -Infinity}\n', Code.bad_request),
        (b'{"a": %s}\n' % (b"9" * 400), Code.bad_request),
        (b'{"a": %s}\n' % (b"9" * 5000), Code.bad_request),
        (b"[]\n", Code.bad_request),
        (b"null\n", Code.bad_request),
        (b"\n", Code.bad_request),
        (b'{"n": -1}\n', Code.bad_request),
        (b'{"n": true}\nx', Code.bad_request),
        (b'{"n": 1.0}\nx', Code.bad_request),
        (b'{"n": "1"}\nx', Code.bad_request),
        (b'{"n": null}\n', Code.bad_request),
    ],
)
def test_what_is_no_frame(data, code):
    """Data that is too long, too deep, has a key twice, or is no UTF-8, JSON or object, raises ProtocolError.

    After that, the decoder raises the same error for any data.
    """
    decoder = FrameDecoder()
    decoder.feed(data)
    for _ in range(2):
        with pytest.raises(ProtocolError) as raised:
            decoder.frame()
        assert raised.value.code is code
        decoder.feed(b'{"op":"status"}\n')
    assert len(decoder._held) == 0
    assert "xx" not in str(raised.value)


def test_a_long_frame_by_single_bytes():
    """Decoding a frame byte by byte takes time proportional to its length."""
    frame = Frame({"a": "x" * (HEADER - len(json.dumps({"a": ""}, separators=(",", ":"))) - 1)})
    whole = packed(frame)
    assert len(whole) == HEADER
    assert decoded([whole[place : place + 1] for place in range(len(whole))]) == [frame]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (Frame({"a": "x" * HEADER}), Code.too_large),
        (Frame({}, bytes(TEXT + 1)), Code.too_large),
        (Frame({"a": float("nan")}), Code.bad_request),
        (Frame({"a": b"bytes"}), Code.bad_request),
        (Frame({"n": 1}), Code.bad_request),
        (Frame({"a": "\ud800"}), Code.bad_request),
        (Frame({"a": ["\0"]}), Code.bad_request),
        (Frame({"a": 2**64}), Code.bad_request),
    ],
)
def test_what_no_decoder_takes_is_not_packed(frame, code):
    """A frame that the decoder would refuse raises ProtocolError when it is packed."""
    with pytest.raises(ProtocolError) as raised:
        packed(frame)
    assert raised.value.code is code


def test_texts_are_payloads():
    """A payload is a text of up to 1 MiB in any script."""
    text = "Ça va? " + "語" * ((TEXT - 8) // 3)
    assert text_of(text.encode()) == text
    assert len(packed(Frame({}, b"a" * TEXT))) > TEXT


@pytest.mark.parametrize("payload", [b"a\0b", b"a\x01", b"\xff", b"\xed\xa0\x80", b"caf\xc3", b"h\0i\0", b"", b" \n"])
def test_payloads_that_are_no_text(payload):
    """A payload that cannot be spoken gives the same error as a file with these bytes."""
    with pytest.raises(TextError) as said:
        decode(payload, "the text")
    with pytest.raises(ProtocolError) as raised:
        text_of(payload)
    assert (raised.value.code, str(raised.value)) == (Code.bad_text, str(said.value))


def test_pcm_fits_into_a_frame():
    """The size of an audio payload is within the limit of a frame."""
    assert protocol.PCM <= TEXT
