"""Engines in several processes, for long texts, books and datasets.

A phonemizer, because espeak-ng has one state, and one lock, per process. A synthesizer on the CPU, because two
processes of one thread speak more than one process of two threads (benchmarks/bulk.py).
"""

import atexit
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from speakkit import config
from speakkit.audio import Audio
from speakkit.engines import locations, registry
from speakkit.engines.base import AnyPhrase, Phrase, Synthesis
from speakkit.errors import BadValue
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk, ChunkLimits, Token
from speakkit.text.sentences import Sentence
from speakkit.workers.pool import Pool
from speakkit.workers.worker import Limits

BATCH = 4000
"""Characters per request: 20 ms or more of work for English, compared with which the transfer is cheap."""

PLACE = "speakkit.engines.pool:load"
"""Loader that each process of a phonemizer runs."""

SPEAKING_PLACE = "speakkit.engines.pool:load_synthesizer"
"""Loader that each process of a synthesizer runs."""

SPEAKING_LIMITS = Limits(rss_bytes=3 << 30)
"""Limits of each process of a synthesizer. One that has grown to twice Kokoro's size is replaced by a fresh one."""

Tokens = tuple[Token, ...]


def load(language: str) -> Callable[[list[Sentence]], Iterator[Outcome[Sentence, Tokens]]]:
    """Return the handler for a worker process. Raises as `registry.phonemizer` does."""
    lent = ExitStack()
    atexit.register(lent.close)
    return lent.enter_context(registry.phonemizer(language)).phonemize


class PooledPhonemizer(Pool[Phrase, Tokens]):
    """Phonemizer with the same output as in a single process.

    Use it as a context manager, or call `close`.
    """

    def __init__(self, language: str, processes: int, place: str = PLACE) -> None:
        """Create the pool.

        processes: number of worker processes
        place: loader of each process
        Raises BadValue if `processes` is less than 1.
        """
        if processes < 1:
            raise BadValue(f"cannot phonemize in {processes} processes; use 1 or more")
        super().__init__(place, language, Tokens, processes)
        self._language = language

    @property
    def identity(self) -> Identity:
        """See `base.Engine`. The engine is in the worker processes, so that only its language is given here."""
        return Identity(f"phonemizer of {self._language}")

    def sent(self, item: Phrase) -> Sentence:
        """See `Pool`."""
        return Sentence(item.text, item.start)

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, Tokens]]:
        """See `base.Phonemizer`. Raises as `Pool.map` does."""
        outcomes = self.map(phrases, most=BATCH, weight=lambda phrase: len(phrase.text))
        return cast("Iterator[Outcome[AnyPhrase, Tokens]]", outcomes)


@dataclass(frozen=True)
class SentSynthesis:
    """A `Synthesis` as a worker process sends it. samples: float32."""

    samples: bytes
    sample_rate: int
    durations: tuple[int, ...]

    @classmethod
    def of(cls, made: Synthesis) -> "SentSynthesis":
        """Convert the speech of a chunk."""
        return cls(made.audio.samples.tobytes(), made.audio.sample_rate, made.durations)

    @property
    def received(self) -> Synthesis:
        """The speech of the chunk."""
        return Synthesis(Audio(np.frombuffer(self.samples, np.float32), self.sample_rate), self.durations)


def load_synthesizer(engine: str) -> Callable[[list[Chunk]], Iterator[Outcome[Chunk, SentSynthesis]]]:
    """Return the handler for a worker process. Raises as `registry.synthesizer` does."""
    locations.use(config.locations, fetches=False)
    lent = ExitStack()
    atexit.register(lent.close)
    synthesizer = lent.enter_context(registry.synthesizer(engine, "cpu"))

    def speak(chunks: list[Chunk]) -> Iterator[Outcome[Chunk, SentSynthesis]]:
        for spoken in synthesizer.synthesize(chunks):
            sent = None if spoken.value is None else SentSynthesis.of(spoken.value)
            yield Outcome(spoken.item, sent, spoken.error)

    return speak


class PooledSynthesizer(Pool[Chunk, SentSynthesis]):
    """Synthesizer on the CPU with the same samples as in a single process, for the same thread count.

    Use it as a context manager, which returns before the processes have loaded the engine, or call `close`.

    identity, frame, limits: of the engine, see `base.Synthesizer`
    """

    def __init__(
        self, identity: Identity, frame: float, limits: ChunkLimits, processes: int, place: str = SPEAKING_PLACE
    ) -> None:
        """Create the pool.

        processes: number of worker processes
        place: loader of each process
        Raises BadValue if `processes` is less than 1.
        """
        self.identity, self.frame, self.limits = identity, frame, limits
        super().__init__(place, identity.name, SentSynthesis, processes, SPEAKING_LIMITS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def synthesize(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Outcome[Chunk, Synthesis]]:  # noqa: ARG002  all are in turn
        """See `base.Synthesizer`. Each chunk is a request of its own. Raises as `Pool.map` does."""
        for spoken in self.map(chunks, audio_s=lambda chunk: chunk.predicted):
            received = None if spoken.value is None else spoken.value.received
            yield Outcome(spoken.item, received, spoken.error)
