"""What an engine is. Every kind takes a list and yields an `Outcome` for each item, in order, so that it may batch.

A failed item is an outcome with its error, and the items behind it are done all the same. Engines are lent by
`registry`, which loads and closes them. None has a default language.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from speakkit.alignment import Alignment, KnownWord
from speakkit.audio import Audio
from speakkit.clip_results import Scores
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk, ChunkLimits, Token
from speakkit.text.passages import Passage
from speakkit.transcript import Transcript


@dataclass(frozen=True)
class Footprint:
    """What an engine takes once it is loaded.

    device: "cpu", "cuda" or "mps"
    size: estimate in bytes, with what one item needs
    """

    device: str
    size: int


class Engine(Protocol):
    """What all kinds share. An engine also has the class methods `load` and `footprint`, with the same parameters."""

    @property
    def identity(self) -> Identity:
        """Which engine this is."""

    def close(self) -> None:
        """Give back its memory. What it is asked for from then on, or had not begun, fails with EngineError."""


@dataclass(frozen=True)
class Synthesis:
    """One chunk, spoken.

    durations: for the start, each phoneme and the end, how many frames of `Synthesizer.frame` seconds it takes;
        their sum is the length of the audio. Empty, as the audio is, for a chunk without phonemes
    """

    audio: Audio
    durations: tuple[int, ...]


@dataclass(frozen=True)
class RecitedWord:
    """A word of a passage, and when it is heard.

    offset: of its first character in the passage
    start, end: seconds from the start of the audio
    """

    text: str
    offset: int
    start: float
    end: float


@dataclass(frozen=True)
class Recital:
    """One passage, spoken. words: None if the engine tells no times."""

    audio: Audio
    words: tuple[RecitedWord, ...] | None = None


class Phrase(Protocol):
    """A stretch of text to be phonemized, such as a `Sentence`.

    start: offset of its first character in the text that tokens are located in
    """

    @property
    def text(self) -> str: ...

    @property
    def start(self) -> int: ...


AnyPhrase = TypeVar("AnyPhrase", bound=Phrase)


class Phonemizer(Engine, Protocol):
    """Text -> phonemes, for one language."""

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """The tokens of each phrase, with offsets that count from its `start`.

        A word that the phonemizer cannot say is a token without phonemes.
        """


class Synthesizer(Engine, Protocol):
    """Phonemes -> speech.

    frame: seconds, the unit of `Synthesis.durations`
    limits: what it can speak at once
    """

    frame: float
    limits: ChunkLimits

    def synthesize(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Outcome[Chunk, Synthesis]]:
        """The speech of each chunk.

        urgent: somebody waits to hear the first chunk, which is spoken at once, before chunks of other callers; else
            it is spoken in a batch with those behind it
        """


class TextSynthesizer(Engine, Protocol):
    """Text -> speech, by an engine that reads for itself, such as a cloud.

    max_characters: of one passage
    voices: full names
    """

    max_characters: int
    voices: frozenset[str]

    def recite(self, passages: Iterable[Passage]) -> Iterator[Outcome[Passage, Recital]]:
        """The speech of each passage."""


class Recognizer(Engine, Protocol):
    """Speech -> text. device: where it runs, such as "cpu"."""

    device: str

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """What was heard in each clip, at any sample rate. language: ISO 639-1; None to detect it."""


class Posteriors(Protocol):
    """Probabilities of phonemes over the time of one clip, on which any number of texts can be tried."""

    def align(self, words: Sequence[KnownWord]) -> Alignment:
        """Where the words stand. Cheap beside `Aligner.observe`. Raises EngineError for what it cannot align."""


class Aligner(Engine, Protocol):
    """Speech -> probabilities of phonemes, by which a known text is found in it.

    symbols: the phonemes that `KnownWord.pronunciations` may have
    """

    symbols: frozenset[str]

    def observe(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Posteriors]]:
        """The posteriors of each clip, at any sample rate, computed once."""


class Judge(Engine, Protocol):
    """Speech -> how good it sounds."""

    def score(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Scores]]:
        """The scores of each clip, at any sample rate. An empty clip fails with EngineError."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """The voice of one clip as a point. vector: float32 [n], of length 1; evaluator: the engine that made it."""

    vector: npt.NDArray[np.float32]
    evaluator: Identity


class Embedder(Engine, Protocol):
    """Speech -> a vector; the nearer two of them are, the more alike the voices."""

    def embed(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Embedding]]:
        """The vector of each clip, at any sample rate. An empty clip fails with EngineError."""
