"""Alignment results: word times in a clip whose text is known, with pronunciation scores."""

from dataclasses import dataclass

SKIPPED = -16.0
"""Score of a word that is left out. A lower score of a long word counts as much in `Alignment.agreement`."""


@dataclass(frozen=True)
class KnownWord:
    """A word that a clip is expected to contain.

    pronunciations: in the symbols of speakkit's phonemizers, those of Kokoro; stress and marks are ignored, and a space
        is a boundary between two words, with or without silence. The aligner uses the one that fits best. "" if the
        word may be left out; () if nobody knows how it is pronounced, so that it cannot be found
    start: character offset of its first character in the text that it is taken from
    """

    text: str
    pronunciations: tuple[str, ...]
    start: int = 0

    @property
    def end(self) -> int:
        """Offset just past its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class AlignedPhoneme:
    """The aligned position and score of one phoneme of a word.

    symbol: in the symbols of speakkit's phonemizers
    start, end: seconds from the start of the clip
    score: as of a word, over the frames of the phoneme
    heard: the most probable phoneme there, in the same symbols; equal to `symbol` if that is as good
    """

    symbol: str
    start: float
    end: float
    score: float
    heard: str


@dataclass(frozen=True)
class AlignedWord:
    """The aligned position and score of one known word.

    start, end: seconds from the start of the clip; equal if the word was not found
    pronunciation: index of the best-fitting entry of `KnownWord.pronunciations`; -1 if the word was not found
    score: goodness of pronunciation: natural logarithm of the probability of the word's path over that of the best path
        of any phonemes, sum over its frames; 0 is perfect
    is_skipped: the best path leaves the word out
    phonemes: those that were aligned, in order, which for irregular words may be those of another pronunciation; () if
        the aligner does not report them
    """

    text: str
    start: float
    end: float
    pronunciation: int
    score: float
    is_skipped: bool = False
    phonemes: tuple[AlignedPhoneme, ...] = ()


@dataclass(frozen=True)
class Gap:
    """The part of a clip before the first word, between two words, or after the last word.

    before: index of the word that follows; the number of words for the last gap
    start, end: seconds from the start of the clip
    phonemes: phonemes recognized in the gap, in the symbols of speakkit's phonemizers; "" for silence
    score: natural logarithm of the probability of silence over that of the best path of any phonemes, sum over its
        frames; 0 is silence
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
    score: natural logarithm of the probability of the whole path over that of the best path of any phonemes, with the
        costs of skipped words; compare it to choose between texts for the same clip
    """

    words: tuple[AlignedWord, ...]
    gaps: tuple[Gap, ...]
    score: float

    @property
    def agreement(self) -> float:
        """Mean score of the words, none below SKIPPED; 0.0 if there are none. See `base.Aligner.foreign`."""
        return sum(max(word.score, SKIPPED) for word in self.words) / len(self.words) if self.words else 0.0


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
