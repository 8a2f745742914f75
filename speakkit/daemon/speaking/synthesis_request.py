"""What the voice is asked for, and what it gives: all that the daemon knows of synthesis."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

LONGEST = 60.0
"""Seconds that a piece takes at most at normal speed: 510 phonemes, read slowly."""


@dataclass(frozen=True)
class SpeechRequest:
    """How a text is to be spoken.

    voice: a name of any kind; lang: "" for the voice's own
    is_raw: nothing in the text is markup; is_heard: somebody waits to hear it
    suffix: of the file that it is from, such as ".md"
    threads: of the processor; 0 for as many as torch takes
    """

    voice: str = "f1"
    lang: str = ""
    speed: float = 1.0
    seed: int = 0
    engine: str = "kokoro"
    device: str = "auto"
    is_raw: bool = False
    is_heard: bool = False
    suffix: str = ""
    threads: int = 0


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Request for one piece of a text.

    id: of the text; number: of the piece; begins: seconds of the pieces before it
    """

    id: str
    number: int
    begins: float
    script: SpeechRequest
    text: str

    @property
    def longest(self) -> float:
        """Upper bound for the seconds of audio in the piece: one second a character, at speed 1."""
        return min(LONGEST, len(self.text)) / self.script.speed


class Save(msgspec.Struct, frozen=True, tag="save"):
    """Request to write samples, as in `pcm`, to a file of the kind that its name says. The reply is empty."""

    file: Path
    sound: bytes


class SpeechPiece(msgspec.Struct, frozen=True):
    """What is spoken at once, or the end.

    is_over: there is no piece of that number; the words are the last ones
    words: those that were heard to their end: first and last character, and seconds from the start of the utterance
    lost: first and last character of words that ought to be heard in it and are not
    warnings: for whoever asked
    voice, language, engine, weights: who spoke, by full names; threads: of the processor, that it was computed with
    sound: float32 samples as in `pcm`
    """

    is_over: bool = False
    words: tuple[tuple[int, int, float, float], ...] = ()
    lost: tuple[tuple[int, int], ...] = ()
    warnings: tuple[str, ...] = ()
    voice: str = ""
    language: str = ""
    engine: str = ""
    weights: str = ""
    threads: int = 0
    sound: bytes = b""
