"""Where a known text stands in a clip, and how well the sound fits it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownWord:
    """A word that a clip should say.

    pronunciations: at least one, in the aligner's symbols; the aligner takes the one that fits best
    """

    text: str
    pronunciations: tuple[str, ...]


@dataclass(frozen=True)
class AlignedWord:
    """One known word in a clip.

    start, end: seconds from the start of the clip; equal if the word was not found
    pronunciation: index of the pronunciation that fits best
    score: goodness of pronunciation: natural logarithm, mean a frame, of the word's path over the best path of any
        phonemes; 0 is perfect
    is_skipped: the best path leaves the word out
    """

    text: str
    start: float
    end: float
    pronunciation: int
    score: float
    is_skipped: bool = False


@dataclass(frozen=True)
class Gap:
    """What lies before the first word, between two words, or behind the last.

    before: index of the word behind it; the number of words for the last gap
    start, end: seconds from the start of the clip
    phonemes: what is heard there, in the aligner's symbols; "" for silence
    score: natural logarithm, mean a frame, of silence over the best path of any phonemes; 0 is silence
    """

    before: int
    start: float
    end: float
    phonemes: str
    score: float


@dataclass(frozen=True)
class Alignment:
    """A known text in a clip.

    words: one for each known word, in order
    gaps: one more than words, in order
    score: natural logarithm of the whole path, by which other texts for the same clip are compared
    """

    words: tuple[AlignedWord, ...]
    gaps: tuple[Gap, ...]
    score: float
