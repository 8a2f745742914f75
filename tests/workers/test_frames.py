"""Tests of frames: they are read as they were packed, and invalid data is refused."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.workers import frames
from speakkit.workers.frames import HEADER, PAYLOAD, Frame, FrameError, packed, read

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.text().filter(lambda key: key != frames.COUNT), JSON, max_size=5)
FRAMES = st.builds(Frame, FIELDS, st.binary(max_size=200))


def all_read(data):
    stream = io.BytesIO(data)
    return list(iter(lambda: read(stream), None))


@given(st.lists(FRAMES, max_size=4))
def test_what_is_packed_is_read(given):
    """Any sequence of packed frames is read back unchanged, whatever is in the payloads."""
    assert all_read(b"".join(map(packed, given))) == given


def test_names_that_are_no_text_survive():
    """File names that are no valid text are kept; Python represents them with lone surrogates."""
    frame = Frame({"file": "caf\udce9.wav"})
    assert all_read(packed(frame)) == [frame]


@given(st.binary() | st.text().map(str.encode) | st.lists(st.sampled_from(b'[{"n:1,}]\n\\u'), max_size=40).map(bytes))
def test_no_bytes_break_the_reader(data):
    """For any bytes, the reader returns frames or raises FrameError."""
    try:
        found = all_read(data)
    except FrameError:
        return
    assert all(isinstance(frame, Frame) for frame in found)


@given(FRAMES, st.data())
def test_half_a_frame_is_none(frame, data):
    """A frame that is cut anywhere raises FrameError."""
    whole = packed(frame)
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    if cut.endswith(b"\n") and not frame.payload:
        return
    with pytest.raises(FrameError):
        all_read(cut)


@pytest.mark.parametrize(
    "data",
    [
        b"x" * HEADER + b"\n",
        b'{"a": "' + b"x" * HEADER + b'"}\n',
        b"[" * (HEADER - 1) + b"\n",
        b'{"a":' * 9000 + b"\n",
        b"1" * 9999 + b"\n",
        b"\xff\xfe{\x00}\x00\n",
        b"\xef\xbb\xbf{}\n",
        b'{"a": NaN}\n',
        b'{"a": Infinity}\n',
        b"[]\n",
        b"null\n",
        b"\n",
        b'{"n": -1}\n',
        b'{"n": true}\nx',
        b'{"n": 1.0}\nx',
        b'{"n": "1"}\nx',
        b'{"n": null}\n',
        b'{"n": 5}\nfour',
        b'{"n": %d}\n' % (PAYLOAD + 1),
        b'{"n": %s}\n' % (b"9" * 4000),
    ],
)
def test_what_is_no_frame(data):
    """Data that is too long, too deep, no UTF-8, no JSON, no object, or of a wrong payload size raises FrameError."""
    with pytest.raises(FrameError) as raised:
        all_read(data)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Frame({"a": "x" * HEADER}), "header .* takes 65"),
        (Frame({}, bytes(PAYLOAD + 1)), "payload .* takes"),
        (Frame({"a": float("nan")}), "not JSON"),
        (Frame({"a": b"bytes"}), "not JSON"),
        (Frame({"n": 1}), "reserved for the size"),
    ],
)
def test_what_does_not_fit_is_not_packed(frame, reason):
    """A frame that is too large or not JSON raises FrameError when it is packed, not when it is read."""
    with pytest.raises(FrameError, match=reason):
        packed(frame)


def test_header_of_the_greatest_length():
    """A header of exactly the maximum length, including its newline, is read."""
    frame = Frame({"a": "x" * (HEADER - len(json.dumps({"a": ""}, separators=(",", ":"))) - 1)})
    assert len(packed(frame)) == HEADER
    assert all_read(packed(frame)) == [frame]
