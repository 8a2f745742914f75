"""Engine interfaces. Each kind takes a list of items and yields one `Outcome` per item, in order, so that it can batch.

A failed item is an outcome with its error; the items after it are still processed. `registry` loads, lends and closes
engines. No engine has a default language.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from speakkit.alignment import Alignment, CoarseAlignment, KnownWord
from speakkit.audio import Audio
from speakkit.clip_results import Scores
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk, ChunkLimits, Token
from speakkit.text.passages import Passage
from speakkit.transcript import Transcript


@dataclass(frozen=True)
class Footprint:
    """The device memory that a loaded engine needs.

    device: "cpu", "cuda" or "mps"
    size: estimate in bytes, including what one item needs
    """

    device: str
    size: int


class Engine(Protocol):
    """The interface common to all kinds.

    An engine also has the class methods `load` and `footprint`, which take the same parameters.
    """

    @property
    def identity(self) -> Identity:
        """The identity of this engine."""

    def close(self) -> None:
        """Release the engine's memory.

        Requests after that, and items that were not started, fail with EngineError.
        """


@dataclass(frozen=True)
class Synthesis:
    """The speech of one chunk.

    durations: frames of `Synthesizer.frame` seconds for the start token, each phoneme and the end token; their sum is
        the length of the audio. Empty, like the audio, for a chunk without phonemes
    """

    audio: Audio
    durations: tuple[int, ...]


@dataclass(frozen=True)
class RecitedWord:
    """A word of a passage, with its time in the audio.

    offset: character offset of the word in the passage
    start, end: seconds from the start of the audio
    """

    text: str
    offset: int
    start: float
    end: float


@dataclass(frozen=True)
class Recital:
    """The speech of one passage.

    words: None if the engine reports no word times
    """

    audio: Audio
    words: tuple[RecitedWord, ...] | None = None


class Phrase(Protocol):
    """A piece of text to phonemize, such as a `Sentence`.

    start: offset of its first character in the text that token offsets refer to
    """

    @property
    def text(self) -> str: ...

    @property
    def start(self) -> int: ...


AnyPhrase = TypeVar("AnyPhrase", bound=Phrase)


class Phonemizer(Engine, Protocol):
    """An engine that converts text to phonemes, for one language."""

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """Yield the tokens of each phrase. Token offsets count from the phrase's `start`.

        A word that the phonemizer cannot pronounce is a token without phonemes.
        """


class Synthesizer(Engine, Protocol):
    """An engine that converts phonemes to speech.

    frame: length of one frame in seconds, the unit of `Synthesis.durations`
    limits: limits of one chunk
    """

    frame: float
    limits: ChunkLimits

    def synthesize(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Outcome[Chunk, Synthesis]]:
        """Yield the speech of each chunk.

        urgent: the first chunk has a waiting listener; it is synthesized at once, before chunks of other callers. If
            false, it is synthesized in a batch with the chunks that follow it
        """


class TextSynthesizer(Engine, Protocol):
    """An engine that converts text to speech directly, such as a cloud.

    max_characters: maximum length of one passage
    voices: full voice names
    """

    max_characters: int
    voices: frozenset[str]

    def recite(self, passages: Iterable[Passage]) -> Iterator[Outcome[Passage, Recital]]:
        """Yield the speech of each passage."""


class Recognizer(Engine, Protocol):
    """An engine that converts speech to text.

    device: the device it runs on, such as "cpu"
    """

    device: str

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """Yield the transcript of each clip. Clips may have any sample rate.

        language: ISO 639-1 code; None to detect the language
        """


class Posteriors(Protocol):
    """Phoneme probabilities over the time of one clip. Any number of texts can be aligned with them."""

    def align(self, words: Sequence[KnownWord]) -> Alignment:
        """Return the alignment of the words. Cheap compared with `Aligner.observe`.

        Raises EngineError if the words cannot be aligned.
        """


class Aligner(Engine, Protocol):
    """An engine that converts speech to phoneme probabilities, used to locate a known text in the speech.

    symbols: phoneme symbols allowed in `KnownWord.pronunciations`
    """

    symbols: frozenset[str]

    def observe(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Posteriors]]:
        """Yield the posteriors of each clip, computed once. Clips may have any sample rate."""


@dataclass(frozen=True, eq=False)
class SpokenText:
    """A clip, and the words that it is expected to contain, in their order and spelling."""

    audio: Audio
    words: tuple[str, ...]


class TextAligner(Engine, Protocol):
    """An engine that locates a known text in speech by its spelling, for languages without an `Aligner`."""

    def align(self, clips: Iterable[SpokenText], language: str) -> Iterator[Outcome[SpokenText, CoarseAlignment]]:
        """Yield the alignment of each clip with its words. Clips may have any sample rate and length.

        language: ISO 639-1 code
        """


class Judge(Engine, Protocol):
    """An engine that scores the sound quality of speech."""

    def score(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Scores]]:
        """Yield the scores of each clip. Clips may have any sample rate.

        An empty clip fails with EngineError.
        """


@dataclass(frozen=True, eq=False)
class Embedding:
    """The voice embedding of one clip.

    vector: float32 [n], of length 1
    evaluator: identity of the engine that computed it
    """

    vector: npt.NDArray[np.float32]
    evaluator: Identity


class Embedder(Engine, Protocol):
    """An engine that converts speech to an embedding. The closer two embeddings, the more alike the voices."""

    def embed(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Embedding]]:
        """Yield the embedding of each clip. Clips may have any sample rate.

        An empty clip fails with EngineError.
        """
