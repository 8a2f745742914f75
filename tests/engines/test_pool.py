"""Tests of phonemizer pools: results equal those of one process, in order, in bounded memory.

The processes end when the pool is closed, interrupted or killed.
"""

import os
import signal
import subprocess
import sys
import time
from itertools import count, islice
from pathlib import Path

import pytest

from speakkit.engines import registry
from speakkit.engines.kokoro_config import limits
from speakkit.engines.pool import BATCH, PooledPhonemizer
from speakkit.errors import BadValue, EngineError, ModelError
from speakkit.speech.frontend import Reader
from speakkit.speech_request import Markup
from speakkit.text.chunks import Delivery, Token
from speakkit.text.lexicon import Lexicon
from speakkit.text.sentences import Sentence, sentences
from speakkit.voices import find
from speakkit.workers.pool import AHEAD

BOOK = Path(__file__).parent.parent / "data" / "alice29.txt"


@pytest.fixture(scope="module")
def pooled():
    """A pool of two English phonemizer processes."""
    with registry.pooled_phonemizer("en-us", 2) as phonemizer:
        yield phonemizer


@pytest.fixture
def stand_in(monkeypatch):
    """The stand-in phonemizer as module:function, importable by the workers; it loads immediately."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return "g2p_stand_in:load"


def tokens_of(outcomes):
    """The tokens of each sentence; raises the first failure."""
    return [outcome.result() for outcome in outcomes]


def test_answers_are_those_of_one_process(pooled, english):
    """A pool returns the same tokens as one process, in the order of the sentences."""
    found = list(sentences(BOOK.read_text()[:20_000]))
    outcomes = list(pooled.phonemize(found))
    assert all(outcome.item is sentence for outcome, sentence in zip(outcomes, found, strict=True))
    assert tokens_of(outcomes) == list(english.phonemize(found))
    assert list(pooled.phonemize([])) == []


def test_only_so_much_is_taken_ahead(pooled):
    """Of an endless text, only a bounded number of sentences is read ahead."""
    taken = []

    def endless():
        for i in count():
            taken.append(i)
            yield Sentence("x" * 200, 0)

    assert len(list(islice(pooled.phonemize(endless()), 50))) == 50
    assert len(taken) <= (2 * AHEAD + 2) * BATCH // 200


def test_readers_that_stop_do_not_disturb_others(pooled, english):
    """Reading one text only in part does not affect two other texts that are read alternately."""
    first, second = ([Sentence(f"{word} {i}.", 0) for i in range(2000)] for word in ("One", "Two"))
    next(pooled.phonemize(first))
    taken = zip(islice(pooled.phonemize(first), 9), islice(pooled.phonemize(second), 9), strict=True)
    expected = zip(english.phonemize(first[:9]), english.phonemize(second[:9]), strict=True)
    assert [tuple(tokens_of(pair)) for pair in taken] == list(expected)


def test_death_of_a_process_is_made_good(stand_in):
    """If a process is killed, a new one takes its place, and every sentence is phonemized in order."""
    found = [Sentence(f"One {i}. " * 20, i) for i in range(1000)]
    with PooledPhonemizer("", 2, stand_in) as phonemizer:
        pid = phonemizer.workers[0].pid
        answers = phonemizer.phonemize(found)
        tokens = [next(answers)]
        os.kill(pid, signal.SIGKILL)
        tokens += answers
        assert phonemizer.workers[0].pid != pid
    assert [(token.text, token.start) for (token,) in tokens_of(tokens)] == [(one.text, one.start) for one in found]


def test_a_sentence_that_ends_its_process_is_one_line(stand_in):
    """A sentence that ends its process fails with a one-line error in its place, after it was tried alone.

    The sentences beside it are phonemized.
    """
    with PooledPhonemizer("", 1, stand_in) as phonemizer:
        one, died, two = phonemizer.phonemize([Sentence("One.", 0), Sentence("Die.", 5), Sentence("Two.", 10)])
    assert one.result() == (Token("One.", 0, "wʌn", spaced=False, pause=0.5),)
    assert str(died.error) == "the worker of g2p_stand_in:load ended with exit code 9"
    assert [token.text for token in two.result()] == ["Two."]


def test_a_book_is_read_by_processes_as_by_one(stand_in, english, pooled):
    """A pool and a single process give the reader the same chunks, gaps and tokens, explicit pauses included."""
    text = BOOK.read_text()[:6000] + " [pause:1s] The end."
    chunks = [
        [
            (chunk.phonemes, chunk.gap, chunk.tokens)
            for chunk in Reader("en-us", phonemizer, Lexicon("en-us"))
            .plan(text, Delivery(find("f1")), Markup.PLAIN, limits())
            .chunks
        ]
        for phonemizer in (pooled, english.engine)
    ]
    assert chunks[0] == chunks[1]


def test_what_cannot_be_loaded_is_told_as_it_is_by_one_process(stand_in):
    """If the phonemizer fails to load, its own error is raised; a count of 0 processes is refused."""
    with pytest.raises(ModelError, match="gemini"), PooledPhonemizer("gemini", 1, stand_in):
        pass
    with pytest.raises(BadValue, match="use 1 or more"):
        registry.pooled_phonemizer("en-us", 0)


def test_closing_ends_the_processes(stand_in):
    """Closing the pool ends its processes immediately, and later calls raise an EngineError."""
    with PooledPhonemizer("", 2, stand_in) as phonemizer:
        pids = [worker.pid for worker in phonemizer.workers]
    assert not any(map(is_running, pids))
    with pytest.raises(EngineError, match="closed"):
        list(phonemizer.phonemize([Sentence("One.", 0)]))


PROGRAM = """
import sys
from speakkit.engines.pool import PooledPhonemizer
from speakkit.text.sentences import Sentence

if __name__ == "__main__":
    with PooledPhonemizer("", 2, "g2p_stand_in:load") as phonemizer:
        print(*(worker.pid for worker in phonemizer.workers), flush=True)
        for _ in phonemizer.phonemize(Sentence("One two three.", 0) for _ in range(10**9)):
            print("phonemized", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running(tmp_path, stand_in, number):
    """No process is left running after Ctrl-C or after the parent was killed.

    A terminal sends Ctrl-C to all processes of the group.
    """
    (tmp_path / "program.py").write_text(PROGRAM)
    started = subprocess.Popen(
        [sys.executable, tmp_path / "program.py"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    pids = [int(pid) for pid in started.stdout.readline().split()]
    assert len(pids) == 2
    assert started.stdout.readline() == "phonemized\n"
    if number == signal.SIGINT:
        os.killpg(started.pid, number)
    else:
        started.kill()
    _, err = started.communicate()
    assert err.count("Traceback") == (number == signal.SIGINT)
    until = time.monotonic() + 60
    while any(map(is_running, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(is_running, pids))


def is_running(pid):
    """Whether a process exists and is not a zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
