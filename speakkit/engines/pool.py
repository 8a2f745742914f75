"""Phonemizer in several processes, for books and datasets. espeak-ng has one state, and one lock, per process."""

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
"""Characters per request: 20 ms or more of work for English, compared with which the transfer is cheap."""

PLACE = "speakkit.engines.pool:load"
"""Loader that each worker process runs."""

Tokens = tuple[Token, ...]


def load(language: str) -> Callable[[list[Sentence]], Iterator[Outcome[Sentence, Tokens]]]:
    """Return the handler for a worker process. Raises as `registry.phonemizer` does."""
    lent = ExitStack()
    atexit.register(lent.close)
    return lent.enter_context(registry.phonemizer(language)).phonemize


class Pooled(Pool[Phrase, Tokens]):
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
