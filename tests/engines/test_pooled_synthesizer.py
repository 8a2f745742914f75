"""Tests of a synthesizer in several processes: the samples of one process, faults in their place, bounded memory."""

import os
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import pytest

from speakkit.engines import device, memory, registry
from speakkit.engines.kokoro_config import limits
from speakkit.engines.pool import PooledSynthesizer
from speakkit.errors import BadValue
from speakkit.identity import Identity
from speakkit.text.chunks import Chunk
from speakkit.voices import find
from speakkit.workers.pool import AHEAD

PLACE = "synthesizer_stand_in:load"


def chunk(phonemes="hˈI.", index=0):
    return Chunk(index, phonemes, (), (), find("f1"), "en-us", 1.0, index, 0.0, threads=1)


@pytest.fixture
def stand_in(monkeypatch):
    """Three worker processes that compute nothing; see synthesizer_stand_in.py."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    with PooledSynthesizer(Identity("stand-in"), 0.025, limits(), 3, PLACE) as pool:
        yield pool


def indices(outcomes):
    """For each outcome, the index that its samples hold, or the error message if it failed."""
    return [str(one.error) if one.error else int(one.result().audio.samples[0]) for one in outcomes]


@pytest.fixture(autouse=True)
def restored():
    """Restore torch's own thread count after the test, so that other tests are unaffected."""
    yield
    device.fix_threads()


def test_processes_give_the_samples_of_one(kokoro):
    """Two processes give the bytes, durations, identity and errors of the engine in this process, in order."""
    chunks = [chunk(index=i) for i in range(4)] + [chunk("", 4), chunk("ə7", 5)]
    expected = list(kokoro.synthesize(chunks))
    with registry.pooled_synthesizer(2) as pool:
        whole = replace(kokoro.limits, splits=0)  # the parts of a line would be spoken by different processes
        assert (pool.identity, pool.limits, pool.frame) == (kokoro.identity, whole, kokoro.frame)
        outcomes = list(pool.synthesize(chunks))
        assert all(worker.pid for worker in pool.workers)
    for one, other in zip(outcomes, expected, strict=True):
        assert one.item is other.item
        if other.error:
            assert (type(one.error), str(one.error)) == (type(other.error), str(other.error))
        else:
            assert one.result().durations == other.result().durations
            assert one.result().audio.samples.tobytes() == other.result().audio.samples.tobytes()
            assert one.result().audio.sample_rate == other.result().audio.sample_rate
    assert [bool(one.error) for one in outcomes] == [False] * 5 + [True]


def test_faults_stand_in_their_place(stand_in, tmp_path):
    """If the process of a chunk dies, the chunk is tried once more; an error, or a second death, is its outcome."""
    phonemes = ["a", "die", "b", f"die once {tmp_path / 'died'}", "fail", "c"]
    outcomes = stand_in.synthesize(chunk(each, i) for i, each in enumerate(phonemes))
    died = f"the worker of {PLACE} ended with exit code 9"
    assert indices(outcomes) == [0, died, 2, 3, "it failed, as told", 5]


def test_only_so_much_is_in_flight(stand_in):
    """Of an endless text, only AHEAD chunks per process are read ahead."""
    taken = []
    chunks = (chunk(index=taken.append(i) or i) for i in count())
    assert indices(islice(stand_in.synthesize(chunks), 20)) == list(range(20))
    assert len(taken) <= 20 + 3 * AHEAD


def test_two_texts_share_the_processes(stand_in):
    """Two texts that are read in turn each get their own chunks in order."""
    first, second = (stand_in.synthesize([chunk(index=i) for i in each]) for each in (range(9), range(100, 109)))
    pairs = [(*indices([one]), *indices([other])) for one, other in zip(first, second, strict=True)]
    assert pairs == [(i, 100 + i) for i in range(9)]


@pytest.mark.parametrize(
    ("cores", "free_gb", "threads", "count"),
    [
        (8, 64, 1, 8),
        (8, 64, 2, 4),
        (8, 64, 8, 1),
        (8, 64, 16, 1),
        (1, 64, 1, 1),
        (8, 8, 1, 3),
        (8, 2, 1, 1),
        (8, 0, 1, 1),
    ],
)
def test_processes_fit_the_cores_and_the_memory(monkeypatch, cores, free_gb, threads, count):
    """There are as many processes as cores for their threads, and as fit into a part of the free memory."""
    monkeypatch.setattr(device, "own_threads", lambda: cores)
    monkeypatch.setattr(memory, "free", {"cpu": free_gb << 30}.__getitem__)
    assert registry.processes(threads) == count


def test_no_process_is_refused():
    """A count of 0 processes is refused."""
    with pytest.raises(BadValue, match="use 1 or more"):
        registry.pooled_synthesizer(0)
