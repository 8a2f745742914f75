"""Transcripts: the text that a recognizer found in a clip, with words and segments."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

REPETITION = 2.4
"""Compression ratio above which a text counts as a repetition (openai/whisper, transcribe.py)."""


class Guard(StrEnum):
    """A sign that the text of a segment may be wrong.

    no_speech: the clip has probably no speech there; the text is left out of `Transcript.text` and `Transcript.words`
    repetition: the text repeats itself
    improbable: the recognizer finds its own text improbable
    """

    no_speech = "no_speech"
    repetition = "repetition"
    improbable = "improbable"


@dataclass(frozen=True)
class Word:
    """One word of a transcript. None for what the recognizer does not report.

    start, end: seconds from the start of the clip
    confidence: the recognizer's own probability, in [0, 1]; scales differ between recognizers
    """

    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class TranscriptSegment:
    """A part of a clip that a recognizer decoded in one step. None for what the recognizer does not report.

    start, end: seconds from the start of the clip
    average_log_probability: natural logarithm, mean over the tokens
    no_speech_probability: in [0, 1]
    compression_ratio: see `compression_ratio`
    guards: signs that the text may be wrong
    """

    text: str
    start: float
    end: float
    average_log_probability: float | None = None
    no_speech_probability: float | None = None
    compression_ratio: float | None = None
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """The transcript of one clip by one recognizer.

    text: without leading and trailing white space
    language: ISO 639-1 code, such as "en"
    words: empty if the recognizer reports only the text
    segments: in order; empty if the recognizer has none
    raw_text: exactly what the recognizer returned, with the text of segments that are left out
    language_probability: of the language, if the recognizer detected it; None if it was given
    """

    text: str
    language: str
    words: tuple[Word, ...] = ()
    segments: tuple[TranscriptSegment, ...] = ()
    raw_text: str = ""
    language_probability: float | None = None

    def shifted(self, seconds: float) -> "Transcript":
        """Return the transcript with all times later by `seconds`."""
        return replace(
            self,
            words=tuple(
                replace(word, start=_sum(word.start, seconds), end=_sum(word.end, seconds)) for word in self.words
            ),
            segments=tuple(
                replace(segment, start=segment.start + seconds, end=segment.end + seconds) for segment in self.segments
            ),
        )


def compression_ratio(text: str) -> float:
    """Return the bytes of a text over the bytes of the zlib-compressed text."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw))


def joined(parts: Sequence[Transcript]) -> Transcript:
    """Return the transcript of a clip from those of its parts, which have times from the start of the clip.

    Its language is that of the first part with words.
    """
    first = next((part for part in parts if part.words), parts[0])
    raw = "".join(part.raw_text for part in parts)
    is_spaced = any(character.isspace() for part in parts for character in part.raw_text[:1])
    return replace(
        first,
        text=(" " if is_spaced else "").join(part.text for part in parts if part.text),
        words=tuple(word for part in parts for word in part.words),
        segments=tuple(segment for part in parts for segment in part.segments),
        raw_text=raw,
    )


def _sum(time: float | None, seconds: float) -> float | None:
    return None if time is None else time + seconds
