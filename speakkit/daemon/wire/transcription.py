"""Messages and limits of `transcribe`.

A client announces the number of its samples by `transcribe`, then sends them by `pcm` requests with the same id, each
with at most 64 KiB: float32, one channel, 16 kHz. The answer is one `Transcribed`, or an error. A connection may have
one transcription at a time, which ends if the connection closes.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from speakkit.daemon.wire.messages import Command
from speakkit.daemon.wire.protocol import Code, ProtocolError
from speakkit.identity import Identity
from speakkit.transcript import Transcript

RATE = 16_000
"""Sample rate in hertz: that of every recognizer."""

SAMPLE = 4
"""Bytes of one sample."""

LONGEST = 30.0
"""Maximum seconds of one transcription: the window of most recognizers.

Longer clips are cut by the client. So the daemon holds 2 MB of a client at most, and a clip never waits for longer than
one window of another client's long file.
"""

MOST = round(LONGEST * RATE)
"""Maximum samples of one transcription."""

SHARED = r"[A-Za-z0-9._-]{0,64}"
"""Pattern of the names of recognizers that the daemon loads.

A name with a colon contains a path or the name of a command, and the daemon opens no file that a client names.
"""


class Transcribe(Command, frozen=True):
    """Recognize the speech in a clip. Its samples follow.

    samples: number of samples
    recognizer: name; "" for the default of the device
    device: "auto", "cuda", "mps" or "cpu"
    language: ISO 639-1 code; None to detect it
    """

    samples: Annotated[int, Meta(ge=0)]
    recognizer: Annotated[str, Meta(pattern=f"^{SHARED}$")] = ""
    device: Annotated[str, Meta(pattern="^[a-z]{1,8}$")] = "auto"
    language: Annotated[str, Meta(pattern="^[A-Za-z-]{1,16}$")] | None = None


class Recognition(Struct, frozen=True):
    """What was recognized, and by which recognizer on which device."""

    transcript: Transcript
    identity: Identity
    device: str


def encoded(found: Recognition) -> bytes:
    """The payload of a `Transcribed`: JSON."""
    return msgspec.json.encode(found)


def decoded(payload: bytes) -> Recognition:
    """The recognition in the payload of a `Transcribed`. Raises ProtocolError if it is not valid."""
    try:
        return msgspec.json.decode(payload, type=Recognition)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(Code.bad_request, f"the daemon sent an invalid transcript: {error}") from None
