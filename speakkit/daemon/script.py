"""What the voice is asked for, and what it gives: all that the daemon knows of synthesis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Script:
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


SAVE = "save"
"""The field of a request that names a file, for the samples in its payload."""


@dataclass(frozen=True)
class Piece:
    """What is spoken at once, or the end.

    is_over: there is no piece of that number; the words are the last ones
    words: those that were heard to their end: first and last character, and seconds from the start of the utterance
    lost: first and last character of words that ought to be heard in it and are not
    warnings: for whoever asked
    voice, language, weights: who spoke, by full names; threads: of the processor, that it was computed with
    """

    is_over: bool = False
    words: tuple[tuple[int, int, float, float], ...] = ()
    lost: tuple[tuple[int, int], ...] = ()
    warnings: tuple[str, ...] = ()
    voice: str = ""
    language: str = ""
    weights: str = ""
    threads: int = 0

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From the fields of a frame."""
        words = tuple((int(a), int(b), float(c), float(d)) for a, b, c, d in fields["words"])
        lost = tuple((int(a), int(b)) for a, b in fields["lost"])
        return cls(**{**fields, "words": words, "lost": lost, "warnings": tuple(fields["warnings"])})
