"""Transcripts: the text that a recognizer found in a clip, with words and segments."""

from dataclasses import dataclass


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
    compression_ratio: bytes of the text over bytes of the zlib-compressed text; above 2.4, Whisper treats the text as a
        repetition
    """

    text: str
    start: float
    end: float
    average_log_probability: float | None = None
    no_speech_probability: float | None = None
    compression_ratio: float | None = None


@dataclass(frozen=True)
class Transcript:
    """The transcript of one clip by one recognizer.

    text: without leading and trailing white space
    language: ISO 639-1 code, such as "en"
    words: empty if the recognizer reports only the text
    segments: in order; empty if the recognizer has none
    raw_text: exactly what the recognizer returned
    """

    text: str
    language: str
    words: tuple[Word, ...] = ()
    segments: tuple[TranscriptSegment, ...] = ()
    raw_text: str = ""
