"""Phonemizer in several processes, for books and datasets: espeak-ng has one state, and one lock, for a process."""

from collections.abc import Callable, Iterable, Iterator

from speakkit.engines import registry
from speakkit.errors import BadValue
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
    phonemizer = registry.phonemizer(language)

    def answer(sentences: list[Sentence]) -> Iterator[Outcome[Sentence, Tokens]]:
        for sentence, tokens in zip(sentences, phonemizer.phonemize(sentences), strict=True):
            yield Outcome(sentence, tokens)

    return answer


class Pooled(Pool[Sentence, Tokens]):
    """Phonemizer that gives back what one process would. Use it as a context manager, or `close` it."""

    def __init__(self, language: str, processes: int, place: str = PLACE) -> None:
        """Raises BadValue for less than one process."""
        if processes < 1:
            raise BadValue(f"{processes} processes cannot phonemize; use 1 or more")
        super().__init__(place, language, Tokens, processes)

    def phonemize(self, sentences: Iterable[Sentence]) -> Iterator[Tokens]:
        """See `base.Phonemizer`. Raises the error of a sentence that failed alone, and as `Pool.map`."""
        for outcome in self.map(sentences, most=BATCH, weight=lambda sentence: len(sentence.text)):
            yield outcome.result()
