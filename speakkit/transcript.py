"""What a recognizer heard."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word of a transcript. What the recognizer does not tell is None.

    start, end: seconds from the start of the clip
    confidence: the recognizer's own probability, in [0, 1]; scales differ from one recognizer to another
    """

    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class TranscriptSegment:
    """A stretch of a clip that a recognizer decoded as one. What the recognizer does not tell is None.

    start, end: seconds from the start of the clip
    average_log_probability: natural logarithm, mean over the tokens
    no_speech_probability: in [0, 1]
    compression_ratio: bytes of the text over its zlib-compressed bytes; over 2.4, Whisper takes it for a repetition
    """

    text: str
    start: float
    end: float
    average_log_probability: float | None = None
    no_speech_probability: float | None = None
    compression_ratio: float | None = None


@dataclass(frozen=True)
class Transcript:
    """What one recognizer heard in one clip.

    text: without white space at its ends
    language: ISO 639-1, such as "en"
    words: empty if the recognizer tells only the text
    segments: in order; empty if the recognizer has none
    raw_text: exactly what the recognizer returned
    """

    text: str
    language: str
    words: tuple[Word, ...] = ()
    segments: tuple[TranscriptSegment, ...] = ()
    raw_text: str = ""
