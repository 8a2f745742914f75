"""Phonemizer in several processes, for books and datasets: espeak-ng has one state, and one lock, for a process."""

import atexit
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import cast

from speakkit.engines import registry
from speakkit.engines.base import AnyPhrase, Phrase
from speakkit.errors import BadValue
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token
from speakkit.text.sentences import Sentence
from speakkit.workers.pool import Pool

BATCH = 4000
"""Characters of a request: 20 ms of English or more, beside which the handing over is little."""

PLACE = "speakkit.engines.pool:load"
"""What a process loads."""

Tokens = tuple[Token, ...]


def load(language: str) -> Callable[[list[Sentence]], Iterator[Outcome[Sentence, Tokens]]]:
    """What answers in a process. Raises as `registry.phonemizer`."""
    lent = ExitStack()
    atexit.register(lent.close)
    return lent.enter_context(registry.phonemizer(language)).phonemize


class Pooled(Pool[Phrase, Tokens]):
    """Phonemizer that gives back what one process would. Use it as a context manager, or `close` it."""

    def __init__(self, language: str, processes: int, place: str = PLACE) -> None:
        """Raises BadValue for less than one process."""
        if processes < 1:
            raise BadValue(f"{processes} processes cannot phonemize; use 1 or more")
        super().__init__(place, language, Tokens, processes)
        self._language = language

    @property
    def identity(self) -> Identity:
        """See `base.Engine`. The processes hold the engine: here it is known by its language."""
        return Identity(f"phonemizer of {self._language}")

    def sent(self, item: Phrase) -> Sentence:
        """See `Pool`."""
        return Sentence(item.text, item.start)

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, Tokens]]:
        """See `base.Phonemizer`. Raises as `Pool.map`."""
        outcomes = self.map(phrases, most=BATCH, weight=lambda phrase: len(phrase.text))
        return cast("Iterator[Outcome[AnyPhrase, Tokens]]", outcomes)
