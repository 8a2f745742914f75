"""The request to speak one text, as it is passed from the command line to the engine."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from speakkit.config import MOST_THREADS, SPEEDS

LONGEST_NAME = 1000
"""Maximum characters of a name in a request: more than a blend of all voices needs."""

BULK = 1500
"""Minimum characters of bulk work, in one text or in several together: one and a half minutes of English. See
`speech.synthesize.speaker`."""

Name = Annotated[str, Meta(max_length=LONGEST_NAME)]


class Markup(StrEnum):
    """Which markup is interpreted in a text."""

    AUTO = "auto"
    """MARKDOWN if the text looks like Markdown, else PLAIN."""
    RAW = "raw"
    """No markup: the text is read literally."""
    PLAIN = "plain"
    """SSML, [pause:1s] and [word](/phonemes/)."""
    MARKDOWN = "markdown"
    """Markdown, and the markup of PLAIN."""


class SpeechRequest(Struct, frozen=True, omit_defaults=True):
    """A text, and how to speak it. Its repr omits the text, so that the text is not logged.

    text: the source text
    voice: name, alias or blend; "" for the default voice
    lang: language code of the text; "" for the language of the voice
    speed: factor; 1.0 is the voice's own speed
    seed: seed of the noise in the voice
    threads: processor threads of the synthesis; 0 for torch's own count, or 1 for bulk work on a CPU
    engine: name of the synthesizer
    device: "auto", "cuda", "mps" or "cpu"
    markup: which markup is interpreted in the text
    keep_alive: seconds for which the model stays loaded afterwards; 0 to unload it at once, negative to keep it
        forever, None for the value of the setting
    """

    text: str = ""
    voice: Name = ""
    lang: Name = ""
    speed: Annotated[float, Meta(ge=SPEEDS[0], le=SPEEDS[1])] = 1.0
    seed: Annotated[int, Meta(ge=0)] = 0
    threads: Annotated[int, Meta(ge=0, le=MOST_THREADS)] = 0
    engine: Name = "kokoro"
    device: Name = "auto"
    markup: Markup = Markup.AUTO
    keep_alive: float | None = None

    def __repr__(self) -> str:
        return f"SpeechRequest({len(self.text)} characters, voice={self.voice!r})"
