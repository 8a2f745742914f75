"""Tests of messages and values between processes: they arrive unchanged or are refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.workers import messages
from speakkit.workers.frames import Frame, FrameError, packed
from speakkit.workers.messages import Bug, End, Failed, Handshake, Load, Reply, WorkItem


class Version(str):
    """A subclass of str, like torch's version."""

    __slots__ = ()


@pytest.mark.parametrize(
    "message",
    [Handshake(2), Load("place:load"), WorkItem(), Reply(), Failed("BadValue", is_of_item=True), Bug("A", "b"), End(7)],
)
@pytest.mark.parametrize("payload", [b"", b"\n\xff" * 1000])
def test_what_is_packed_is_read(message, payload):
    """Every kind of message is read back unchanged, with its payload."""
    assert messages.read(io.BytesIO(messages.packed(message, payload))) == (message, payload)


@pytest.mark.parametrize("fields", [{}, {"type": "dance"}, {"type": "end"}, {"type": "end", "resident": "much"}])
def test_what_is_no_message(fields):
    """A valid frame that is no message raises FrameError."""
    with pytest.raises(FrameError, match="not a worker message"):
        messages.read(io.BytesIO(packed(Frame(fields))))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Path("caf\udce9.wav"), Path),
        (Version("2.13"), str),
        (np.float64(0.1), float),
        ((1.5, b"\x00\xff", None), tuple[float, bytes, None]),
    ],
)
def test_values_survive(value, kind):
    """Values arrive unchanged, even undecodable file names; a subclass of a plain type arrives as that type."""
    found = messages.decoded(messages.encoded(value), kind)
    assert found == value
    assert type(found) in (str, float, tuple, type(Path()))


@given(st.binary())
def test_no_bytes_break_the_decoder(data):
    """For any bytes, the decoder returns a value or raises FrameError."""
    for kind in (Any, list[str], Path, End):
        try:
            messages.decoded(data, kind)
        except FrameError:
            continue


@pytest.mark.parametrize(("value", "error"), [(object(), TypeError), (2**70, OverflowError), ("\ud800", FrameError)])
def test_what_cannot_be_sent(value, error):
    """A value that cannot be encoded raises an error in the sender."""
    with pytest.raises(error):
        messages.encoded(value)
