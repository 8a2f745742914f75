"""A phonemizer in several processes, for books and datasets: espeak-ng has one state for a whole process, and a lock.

The processes are started afresh (spawn), are handed batches of sentences and answer each. Answers are given back in the
order of the sentences, and batches are handed out only so far ahead, so that a text of any length passes through.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Self

from speakkit.engines.base import Phonemizer
from speakkit.errors import BadValue, EngineError, SpeakkitError
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token
from speakkit.text.sentences import Sentence

BATCH = 4000
"""Characters handed to a process at once: 20 ms of English or more, beside which the handing over is little."""

AHEAD = 3
"""Batches for each process that may be under way or wait to be taken."""

Answer = list[tuple[Token, ...]] | SpeakkitError


class Pooled:
    """Phonemizer that gives back what one process would. Use it as a context manager, or `close` it."""

    def __init__(self, load: Callable[[], AbstractContextManager[Phonemizer]], processes: int) -> None:
        """`load` is called once in each process. Raises BadValue for less than one process."""
        if processes < 1:
            raise BadValue(f"{processes} processes cannot phonemize; use 1 or more")
        self._workers = dict(_started(load) for _ in range(processes))
        self._idle = list(self._workers)
        self._busy: dict[Connection, int] = {}
        self._asked = 0
        self._wanted: set[int] = set()
        self._answers: dict[int, list[tuple[Token, ...]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes at once, whatever they are at."""
        for channel, process in self._workers.items():
            process.kill()
            process.join()
            channel.close()
        self._workers = {}

    def phonemize(self, sentences: Iterable[Sentence]) -> Iterator[Outcome[Sentence, tuple[Token, ...]]]:
        """See `base.Phonemizer`. Raises EngineError where a process cannot load the language, or ends."""
        batches = _batches(sentences)
        batch = next(batches, None)
        ahead: deque[tuple[int, list[Sentence]]] = deque()
        try:
            while batch or ahead:
                while batch and self._idle and len(ahead) < AHEAD * len(self._workers):
                    ahead.append((self._ask(batch), batch))
                    batch = next(batches, None)
                if ahead and ahead[0][0] in self._answers:
                    asked, handed = ahead.popleft()
                    self._wanted.remove(asked)
                    yield from map(Outcome, handed, self._answers.pop(asked))
                else:
                    self._hear()
        finally:
            for asked, _ in ahead:
                self._wanted.discard(asked)
                self._answers.pop(asked, None)

    def _ask(self, batch: list[Sentence]) -> int:
        """Hand `batch` to an idle process; by the number that is given back its answer is known."""
        channel = self._idle.pop()
        try:
            channel.send(batch)
        except OSError as error:
            raise self._ended(channel) from error
        self._asked += 1
        self._busy[channel] = self._asked
        self._wanted.add(self._asked)
        return self._asked

    def _hear(self) -> None:
        """Wait for an answer; those that nobody waits for any more are dropped."""
        if not self._busy:
            raise EngineError("the processes that phonemize were closed before all was phonemized")
        for channel in connection.wait(self._busy):
            assert isinstance(channel, Connection)
            try:
                answer: Answer = channel.recv()
            except (EOFError, OSError) as error:
                raise self._ended(channel) from error
            if isinstance(answer, SpeakkitError):
                self.close()
                raise answer
            asked = self._busy.pop(channel)
            self._idle.append(channel)
            if asked in self._wanted:
                self._answers[asked] = answer

    def _ended(self, channel: Connection) -> EngineError:
        """What to raise for a process that is no more. The others end too."""
        process = self._workers[channel]
        process.join()
        code = process.exitcode
        self.close()
        return EngineError(
            f"a process that phonemizes ended (exit code {code}), for lack of memory perhaps; use fewer processes"
        )


def _batches(sentences: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    batch: list[Sentence] = []
    width = 0
    for sentence in sentences:
        batch.append(sentence)
        width += len(sentence.text)
        if width >= BATCH:
            yield batch
            batch, width = [], 0
    if batch:
        yield batch


def _started(load: Callable[[], AbstractContextManager[Phonemizer]]) -> tuple[Connection, SpawnProcess]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, load), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _work(channel: Connection, load: Callable[[], AbstractContextManager[Phonemizer]]) -> None:
    """Answer batches until there is nobody to ask. A Ctrl-C is for the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    failure, phonemizer, stack = None, None, ExitStack()
    try:
        phonemizer = stack.enter_context(load())
    except SpeakkitError as error:
        failure = error
    while True:
        try:
            batch = channel.recv()
            channel.send(_answer(phonemizer, batch) if phonemizer else failure)
        except (EOFError, OSError):
            return


def _answer(phonemizer: Phonemizer, batch: list[Sentence]) -> Answer:
    try:
        return [outcome.result() for outcome in phonemizer.phonemize(batch)]
    except SpeakkitError as error:
        return error
