"""Scripted engines of every kind for tests. They answer in microseconds and load nothing.

Each engine takes a `script`: a function from an item to its result, which raises a SpeakkitError if the item is to
fail. Without a script, an engine returns plausible, deterministic results. `in_order` makes a script from a list of
results.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from speakkit.alignment import AlignedWord, Alignment, Gap, KnownWord
from speakkit.audio import Audio
from speakkit.clip_results import Scores
from speakkit.engines.attempt import Held, each
from speakkit.engines.base import (
    AnyPhrase,
    Embedding,
    Footprint,
    Phrase,
    Posteriors,
    Recital,
    RecitedWord,
    Synthesis,
)
from speakkit.engines.kokoro_config import limits
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk, ChunkLimits, Token
from speakkit.text.passages import Passage
from speakkit.transcript import Transcript, Word

SAMPLE_RATE = 24_000
"""Sample rate of all speech, in hertz."""

FRAME = 0.025
"""Frame length in seconds, equal to Kokoro's."""

FRAMES = 3
"""Number of frames per phoneme."""

WORD = re.compile(r"\w+|[^\w\s]")

Item = TypeVar("Item")
Value = TypeVar("Value")
Script = Callable[[Item], Value]
"""Function from an item to its result."""


def in_order(*results: Value | Exception) -> Callable[[object], Value]:
    """Return a script that returns `results` one after another, whatever the items are.

    An exception in `results` is raised instead. Raises EngineError once the results are used up.
    """
    waiting = iter(results)

    def script(_: object) -> Value:
        result = next(waiting, EngineError("the script has no further result"))
        if isinstance(result, Exception):
            raise result
        return result

    return script


class _Scripted(Generic[Item, Value]):
    """Base class of all fakes.

    taken: the items that were requested so far, in order
    """

    def __init__(self, name: str, script: Script[Item, Value], *, sample_rate: int = SAMPLE_RATE) -> None:
        self.identity = Identity(name, version="1", licence="Apache-2.0", commercial=True, sample_rate=sample_rate)
        self.taken: list[Item] = []
        self._script = Held(name, script)

    @classmethod
    def footprint(cls, *_arguments: object) -> Footprint:
        """See `base.Engine`. The size is made up."""
        return Footprint("cpu", 1 << 20)

    def close(self) -> None:
        """See `base.Engine`."""
        self._script.close()

    def outcomes(self, items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Yield the script's outcome for each item."""
        return each(items, self._answer, self.identity.name)

    def _answer(self, item: Item) -> Value:
        script = self._script()
        self.taken.append(item)
        return script(item)


class FakePhonemizer(_Scripted[Phrase, tuple[Token, ...]]):
    """Phonemizer that returns each word's own letters in lower case as its phonemes."""

    def __init__(self, script: Script[Phrase, tuple[Token, ...]] | None = None) -> None:
        super().__init__("fake-phonemizer", script or spelled, sample_rate=0)

    @classmethod
    def load(cls, _language: str) -> "FakePhonemizer":
        """See `base.Engine`."""
        return cls()

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`."""
        return each(phrases, self._answer, self.identity.name)


class FakeSynthesizer(_Scripted[Chunk, Synthesis]):
    """Synthesizer that returns a tone of 220 Hz, FRAMES frames long per phoneme."""

    frame = FRAME

    def __init__(self, script: Script[Chunk, Synthesis] | None = None, known: ChunkLimits | None = None) -> None:
        super().__init__("fake-synthesizer", script or tone)
        self.limits = known or limits()

    @classmethod
    def load(cls, _device: str = "auto", _batch: int | None = None) -> "FakeSynthesizer":
        """See `base.Engine`."""
        return cls()

    def synthesize(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Outcome[Chunk, Synthesis]]:  # noqa: ARG002  all are urgent
        """See `base.Synthesizer`."""
        return self.outcomes(chunks)


class FakeTextSynthesizer(_Scripted[Passage, Recital]):
    """Text synthesizer that returns a tone for each word, with word times."""

    max_characters = 200
    voices = frozenset(["Tone"])

    def __init__(self, script: Script[Passage, Recital] | None = None) -> None:
        super().__init__("fake-text-synthesizer", script or recited)

    @classmethod
    def load(cls) -> "FakeTextSynthesizer":
        """See `base.Engine`."""
        return cls()

    def recite(self, passages: Iterable[Passage]) -> Iterator[Outcome[Passage, Recital]]:
        """See `base.TextSynthesizer`."""
        return self.outcomes(passages)


class FakeRecognizer(_Scripted[Audio, Transcript]):
    """Recognizer that returns "word" once per second of the clip."""

    device = "cpu"

    def __init__(self, script: Script[Audio, Transcript] | None = None, name: str = "fake-recognizer") -> None:
        super().__init__(name, script or counted, sample_rate=16_000)

    @classmethod
    def load(cls, name: str, _device: str = "auto") -> "FakeRecognizer":
        """See `base.Engine`."""
        return cls(name=name)

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """See `base.Recognizer`. If the script sets no language, the requested language is used."""

        def heard(clip: Audio) -> Transcript:
            transcript = self._answer(clip)
            return replace(transcript, language=transcript.language or language or "en")

        return each(clips, heard, self.identity.name)


@dataclass(frozen=True)
class FakePosteriors:
    """Posteriors that align any words by a script.

    duration: length of the clip in seconds
    """

    duration: float
    script: Callable[[float, Sequence[KnownWord]], Alignment]

    def align(self, words: Sequence[KnownWord]) -> Alignment:
        """See `base.Posteriors`."""
        return self.script(self.duration, words)


class FakeAligner(_Scripted[Audio, Posteriors]):
    """Aligner that finds every word, each in an equal share of the clip."""

    symbols = frozenset("abcdefghijklmnopqrstuvwxyz")
    foreign = -1.0

    def __init__(self, script: Script[Audio, Posteriors] | None = None) -> None:
        super().__init__("fake-aligner", script or observed, sample_rate=16_000)

    @classmethod
    def load(cls) -> "FakeAligner":
        """See `base.Engine`."""
        return cls()

    def observe(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Posteriors]]:
        """See `base.Aligner`."""
        return self.outcomes(clips)


class FakeJudge(_Scripted[Audio, tuple[tuple[str, float], ...]]):
    """Judge that gives every clip a score of 4."""

    def __init__(self, script: Script[Audio, tuple[tuple[str, float], ...]] | None = None) -> None:
        super().__init__("fake-judge", script or (lambda _: (("overall", 4.0),)), sample_rate=16_000)

    @classmethod
    def load(cls) -> "FakeJudge":
        """See `base.Engine`."""
        return cls()

    def score(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Scores]]:
        """See `base.Judge`."""
        return each(clips, lambda clip: Scores(self._answer(clip), self.identity), self.identity.name)


class FakeEmbedder(_Scripted[Audio, Embedding]):
    """Embedder that maps all clips of the same loudness to the same vector."""

    def __init__(self, script: Script[Audio, Embedding] | None = None) -> None:
        super().__init__("fake-embedder", script or self._loudness, sample_rate=16_000)

    @classmethod
    def load(cls) -> "FakeEmbedder":
        """See `base.Engine`."""
        return cls()

    def embed(self, clips: Iterable[Audio]) -> Iterator[Outcome[Audio, Embedding]]:
        """See `base.Embedder`."""
        return self.outcomes(clips)

    def _loudness(self, clip: Audio) -> Embedding:
        """Return the embedding of a clip's loudness. Raises EngineError if the clip is empty."""
        if not len(clip.samples):
            raise EngineError("an empty clip has no voice")
        angle = float(np.abs(clip.samples).mean())
        return Embedding(np.array([np.cos(angle), np.sin(angle)], np.float32), self.identity)


def spelled(phrase: Phrase) -> tuple[Token, ...]:
    """Return the tokens of a phrase, with each word's letters as its phonemes.

    The letter g becomes its IPA symbol, which is the one in Kokoro's vocabulary.
    """
    text = phrase.text
    return tuple(
        Token(
            found.group(),
            phrase.start + found.start(),
            found.group().lower().replace("g", "ɡ"),
            text[found.end() :][:1].isspace(),
        )
        for found in WORD.finditer(text)
    )


def tone(chunk: Chunk) -> Synthesis:
    """Return a tone as long as the chunk's phonemes take."""
    if not chunk.phonemes:
        return Synthesis(_tone(0.0), ())
    durations = (1, *(FRAMES for _ in chunk.phonemes), 1)
    return Synthesis(_tone(sum(durations) * FRAME), durations)


def recited(passage: Passage) -> Recital:
    """Return a tone with one fifth of a second per word."""
    found = list(re.finditer(r"\S+", passage.text))
    words = tuple(RecitedWord(one.group(), one.start(), i / 5, (i + 1) / 5) for i, one in enumerate(found))
    return Recital(_tone(len(found) / 5), words)


def counted(clip: Audio) -> Transcript:
    """Return a transcript with one word per whole second."""
    words = tuple(Word("word", float(i), i + 0.5, 0.99) for i in range(int(clip.duration)))
    text = " ".join(word.text for word in words)
    return Transcript(text, "", words, raw_text=text)


def observed(clip: Audio) -> Posteriors:
    """Return posteriors in which all words are found."""
    return FakePosteriors(clip.duration, evenly)


def evenly(duration: float, words: Sequence[KnownWord]) -> Alignment:
    """Return an alignment with all words perfectly pronounced, in equal shares of the time, without gaps."""
    each_takes = duration / max(1, len(words))
    edges = [i * each_takes for i in range(len(words) + 1)]
    found = tuple(AlignedWord(word.text, edges[i], edges[i + 1], 0, 0.0) for i, word in enumerate(words))
    gaps = tuple(Gap(i, at, at, "", 0.0) for i, at in enumerate(edges if words else [0.0]))
    return Alignment(found, gaps, 0.0)


def _tone(seconds: float) -> Audio:
    """Return a tone of 220 Hz."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return Audio((0.3 * np.sin(2 * np.pi * 220 * at)).astype(np.float32), SAMPLE_RATE)
