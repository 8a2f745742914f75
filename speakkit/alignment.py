"""Alignment results: word times in a clip whose text is known, with pronunciation scores."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownWord:
    """A word that a clip is expected to contain.

    pronunciations: one or more, in the aligner's phoneme symbols; the aligner uses the one that fits best
    """

    text: str
    pronunciations: tuple[str, ...]


@dataclass(frozen=True)
class AlignedWord:
    """The aligned position and score of one known word.

    start, end: seconds from the start of the clip; equal if the word was not found
    pronunciation: index of the best-fitting entry of `KnownWord.pronunciations`
    score: goodness of pronunciation: natural logarithm of the probability of the word's path over that of the best path
        of any phonemes, mean per frame; 0 is perfect
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
    """The part of a clip before the first word, between two words, or after the last word.

    before: index of the word that follows; the number of words for the last gap
    start, end: seconds from the start of the clip
    phonemes: phonemes recognized in the gap, in the aligner's symbols; "" for silence
    score: natural logarithm of the probability of silence over that of the best path of any phonemes, mean per frame; 0
        is silence
    """

    before: int
    start: float
    end: float
    phonemes: str
    score: float


@dataclass(frozen=True)
class Alignment:
    """The alignment of a known text with a clip.

    words: one per known word, in order
    gaps: one more than words, in order
    score: natural logarithm of the probability of the whole path; compare it to choose between texts for the same clip
    """

    words: tuple[AlignedWord, ...]
    gaps: tuple[Gap, ...]
    score: float


@dataclass(frozen=True)
class CoarseWord:
    """The position of one word of a known text, from a recognizer's attention.

    start, end: seconds from the start of the clip; equal if the word was not found
    probability: of the word's spelling, if the words before it are right, in [0, 1]; 0 if the word was not found
    """

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class CoarseAlignment:
    """The alignment of a known text with a clip by a recognizer's attention: coarser than an `Alignment`.

    words: one per known word, in order
    """

    words: tuple[CoarseWord, ...]
