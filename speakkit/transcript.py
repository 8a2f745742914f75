"""What a recognizer heard."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """One word of a transcript.

    start, end: seconds from the start of the clip
    confidence: the recognizer's own probability, in [0, 1]
    """

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """What one recognizer heard in one clip."""

    text: str
    language: str
    """ISO 639-1, such as "en"."""
    words: tuple[Word, ...]
