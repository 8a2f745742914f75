"""What an engine is. Each takes a list and yields results in its order, so that it may batch as it likes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from speakkit.audio import Audio
from speakkit.errors import SpeakkitError
from speakkit.text.chunks import Chunk, Token
from speakkit.text.sentences import Sentence
from speakkit.transcript import Transcript


@dataclass(frozen=True)
class Synthesis:
    """One chunk, spoken.

    durations: for the start, each phoneme and the end, how many frames of `Synthesizer.frame` seconds it takes;
        their sum is the length of the audio
    """

    audio: Audio
    durations: tuple[int, ...]


Outcome = Synthesis | SpeakkitError
"""What became of a chunk. A failure is given back in its place, so that the others are spoken all the same."""


@dataclass(frozen=True)
class Scores:
    """A judge's opinion of one clip: a mean opinion score in [1, 5] for each of its questions."""

    values: dict[str, float]


class Phonemizer(Protocol):
    """Text -> phonemes, for one language."""

    def phonemize(self, sentences: Iterable[Sentence]) -> Iterator[tuple[Token, ...]]:
        """The tokens of each sentence; their offsets are those of the text that the sentence was cut from."""


class Synthesizer(Protocol):
    """Phonemes -> speech.

    sample_rate: hertz
    frame: seconds, the unit of `Synthesis.durations`
    symbols: the phonemes that it knows
    weights: which weights it runs on, for people to read
    """

    sample_rate: int
    frame: float
    symbols: frozenset[str]
    weights: str

    def synthesize(self, chunks: Iterable[Chunk]) -> Iterator[Outcome]:
        """The audio of each chunk, or why it cannot be spoken."""


class Recognizer(Protocol):
    """Speech -> text.

    device: what it runs on, such as "cpu"
    """

    device: str

    def transcribe(self, clips: Iterable[Audio], language: str = "en") -> Iterator[Transcript]:
        """What was heard in each clip, at any sample rate. `language` is ISO 639-1."""


class Judge(Protocol):
    """Speech -> how good it sounds."""

    def score(self, clips: Iterable[Audio]) -> Iterator[Scores]:
        """The scores of each clip, at any sample rate. Raises EngineError for an empty clip."""
