"""Messages between the daemon and its voice worker."""

from pathlib import Path

import msgspec

from speakkit.daemon.wire.messages import Span, SpokenWord
from speakkit.speech_request import SpeechRequest


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Order to synthesize a text, starting at one of its pieces; the reply is that piece.

    id: of the text; number: index of the piece; begins: seconds of audio in the pieces before it
    starts_early: make the first piece short, because it is played at once
    """

    id: str
    request: SpeechRequest
    starts_early: bool = False
    number: int = 0
    begins: float = 0.0


class Next(msgspec.Struct, frozen=True, tag="next"):
    """Order to synthesize the next piece of a text that was begun; the reply is that piece. number: its index."""

    id: str
    number: int


class Save(msgspec.Struct, frozen=True, tag="save"):
    """Order to write samples, as in `pcm`, to a file in the format of its name's suffix. There is no reply."""

    file: Path
    sound: bytes


Order = Begin | Next | Save
"""Any order."""


class SpeechPiece(msgspec.Struct, frozen=True, omit_defaults=True):
    """Speech of one chunk, or the end of the text.

    is_unknown: the worker does not have that text, or is at another piece of it; send `Begin`
    is_over: there is no piece of that index; the words are the last ones
    words: that ended in this piece, in seconds from the start of the utterance
    lost: words that should be spoken in it and are not
    warnings: one line for each thing that was dropped, lost or failed
    voice, language, engine, weights: full names of what it was synthesized with
    threads: number of processor threads that it was computed with
    sound: float32 samples as in `pcm`
    """

    is_unknown: bool = False
    is_over: bool = False
    words: tuple[SpokenWord, ...] = ()
    lost: tuple[Span, ...] = ()
    warnings: tuple[str, ...] = ()
    voice: str = ""
    language: str = ""
    engine: str = ""
    weights: str = ""
    threads: int = 0
    sound: bytes = b""
