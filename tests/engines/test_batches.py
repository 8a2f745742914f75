"""Tests of batching: which chunks form a batch, in which order, and what happens when some fail."""

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest
import torch

from speakkit.audio import Audio
from speakkit.engines import hub, registry, voice_packs
from speakkit.engines.base import Synthesis
from speakkit.engines.batches import AHEAD, Batches
from speakkit.engines.device import Memory
from speakkit.engines.fake import FakePhonemizer, FakeSynthesizer
from speakkit.engines.kokoro import Kokoro, load_model
from speakkit.engines.kokoro_config import limits
from speakkit.errors import BadValue, EngineError, ModelError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.speech.frontend import Reader
from speakkit.speech.synthesize import Speaker
from speakkit.speech_request import SpeechRequest
from speakkit.text.chunks import Chunk
from speakkit.text.lexicon import Lexicon
from speakkit.voices import Voice, find
from waiting import wait_until

SHORT, LONG = "hˈI.", "ðə kwˈɪk bɹˈWn fˈɑks."


def chunk(phonemes=SHORT, index=0, **changes):
    plain = Chunk(index, phonemes, (), (), find("f1"), "en-us", 1.0, 7, 0.0, predicted=limits().seconds(phonemes, 1.0))
    return dataclasses.replace(plain, **changes)


def batches(speak, room, most):
    """Batches of an engine that returns the outcomes of a batch at once."""

    def begun(chunks):
        outcomes = speak(chunks)
        return lambda: outcomes

    return Batches(Identity("echo", sample_rate=1), begun, room, most)


class Space:
    """A memory budget of fixed size in seconds of speech. It records overruns (seconds) and counts rests."""

    def __init__(self, seconds=1e9):
        self.left = seconds
        self.overruns = []
        self.rests = 0

    def seconds(self):
        return self.left

    def used(self, seconds):
        pass

    def exhausted(self, seconds):
        self.overruns.append(seconds)

    def rest(self):
        self.rests += 1

    def is_exhausted(self, error):
        return isinstance(error, MemoryError)


class Echo:
    """A synthesizer whose audio of a chunk is one sample, the chunk's index.

    It records the batches, as lists of indices.
    """

    def __init__(self, most=10**9, broken=()):
        self.most, self.broken = most, broken
        self.batches = []

    def __call__(self, chunks):
        self.batches.append([one.index for one in chunks])
        if len(chunks) > self.most:
            raise MemoryError
        return [
            Outcome(one, error=EngineError(f"broken {one.index}"))
            if one.index in self.broken
            else Outcome(one, Synthesis(Audio(np.full(1, one.index, np.float32), 1), (1,)))
            for one in chunks
        ]


def indices(outcomes):
    """For each outcome, the echoed index, or the error message if it failed."""
    return [str(one.error) if one.error else int(one.result().audio.samples[0]) for one in outcomes]


def test_results_are_in_order_and_batches_of_one_length():
    """Outcomes are in order; the first chunk is a batch of its own.

    The other chunks are batched with chunks of similar length.
    """
    echo = Echo()
    chunks = [chunk(SHORT if i % 2 else LONG, i) for i in range(17)]
    assert indices(batches(echo, Space(), 4).outcomes(chunks)) == list(range(17))
    assert echo.batches[0] == [0]
    assert all(len(batch) <= 4 for batch in echo.batches)
    mixed = [batch for batch in echo.batches if len({i % 2 for i in batch}) > 1]
    assert len(mixed) <= 2


def test_memory_is_given_back_once_nobody_waits():
    """Kept memory is released when no chunk is waiting, and not between the batches of one caller."""
    space = Space()
    list(batches(Echo(), space, 4).outcomes([chunk(index=i) for i in range(20)]))
    assert 1 <= space.rests < 5


def test_no_chunk_is_asked_for_before_it_is_needed():
    """Without batching, chunks are read one at a time; with batching, at most AHEAD batches ahead of the consumer."""
    for most, furthest in ((1, 1), (4, 4 * AHEAD)):
        asked = []
        outcomes = batches(Echo(), Space(), most).outcomes(asked.append(i) or chunk(index=i) for i in range(100))
        for heard, _ in enumerate(outcomes, 1):
            assert len(asked) - heard < furthest


def test_nothing_to_speak_is_no_batch():
    """Without chunks, the engine is not called."""
    echo = Echo()
    assert list(batches(echo, Space(), 4).outcomes([])) == []
    assert echo.batches == []


def test_a_batch_is_no_longer_than_memory_holds():
    """A batch fits the memory budget, padding included; a single chunk is tried in any case.

    Each item of a batch takes as much memory as the longest one.
    """
    echo = Echo()
    each = chunk(LONG).predicted
    assert len(indices(batches(echo, Space(2.5 * each), 100).outcomes(chunk(LONG, i) for i in range(20)))) == 20
    assert max(map(len, echo.batches)) == 2
    echo = Echo()
    assert len(indices(batches(echo, Space(0.0), 100).outcomes(chunk(LONG, i) for i in range(5)))) == 5
    assert max(map(len, echo.batches)) == 1


def test_a_batch_that_memory_does_not_hold_is_halved():
    """A batch that runs out of memory is halved; no chunk is lost, and the overrun is reported to the memory budget."""
    echo, space = Echo(most=3), Space()
    assert indices(batches(echo, space, 16).outcomes(chunk(index=i) for i in range(40))) == list(range(40))
    assert space.overruns


def test_a_chunk_that_memory_does_not_hold_fails_alone():
    """A chunk that runs out of memory even alone fails with an error that says so."""
    outcomes = list(batches(Echo(most=0), Space(), 4).outcomes([chunk(), chunk(index=1)]))
    assert all("not enough memory" in str(one.error) for one in outcomes)


def test_a_batch_may_begin_with_the_first_chunk():
    """Without urgency, the first batch is full, and chunks without phonemes take no place in a batch."""
    echo = Echo()
    chunks = [chunk(index=i) if i % 10 else chunk("", index=i) for i in range(100)]
    outcomes = list(batches(echo, Space(), 32).outcomes(chunks, urgent=False))
    assert [one.item.index for one in outcomes] == list(range(100))
    assert [len(batch) for batch in echo.batches] == [32, 32, 26]
    assert all(not one.result().durations for one in outcomes[::10])


@pytest.mark.parametrize(("urgent", "most", "ahead"), [(False, 4, 1), (True, 4, 0), (False, 1, 0)])
def test_a_gpu_computes_while_samples_are_fetched(urgent, most, ahead):
    """In bulk, one more batch is begun before the outcomes of a batch are fetched, and never two.

    Nothing is begun early for a listener, nor without batching, where each chunk is computed by the processor at once.
    """
    echo, fetched, begun_before = Echo(), [], []

    def begun(chunks):
        outcomes = echo(chunks)

        def fetch():
            fetched.append(outcomes)
            begun_before.append(len(echo.batches) - len(fetched))
            return outcomes

        return fetch

    shared = Batches(Identity("echo", sample_rate=1), begun, Space(), most)
    outcomes = shared.outcomes((chunk(index=i) for i in range(40)), urgent=urgent)
    assert indices(outcomes) == list(range(40))
    assert begun_before == [*([ahead] * (len(echo.batches) - 1)), 0]
    assert all(len(batch) == most for batch in echo.batches) or urgent


def test_a_bug_in_fetching_is_raised_in_the_callers_of_its_batch():
    """An exception while outcomes are fetched is raised in a caller of that batch, and later batches are spoken."""

    def begun(chunks):
        def fetch():
            if chunks[0].index == 0:
                raise ZeroDivisionError
            return Echo()(chunks)

        return fetch

    shared = Batches(Identity("echo", sample_rate=1), begun, Space(), 4)
    with pytest.raises(ZeroDivisionError):
        list(shared.outcomes([chunk()]))
    assert indices(shared.outcomes([chunk(index=5)])) == [5]


def test_short_texts_fill_batches_together():
    """110 short texts, 99 of them with words, fill four batches, and each text gets the audio of its own chunk."""

    sizes = []

    class Batched(FakeSynthesizer):
        def synthesize(self, chunks, *, urgent=True):
            return batches(self.together, Space(), 32).outcomes(chunks, urgent=urgent)

        def together(self, chunks):
            sizes.append(len(chunks))
            return list(self.outcomes(chunks))

    talker = Speaker(find("f1"), Reader("en-us", FakePhonemizer(), Lexicon("en-us")), Batched())
    texts = [f"Text number {i}." if i % 10 else "..." for i in range(110)]
    outcomes = list(talker.speak(map(SpeechRequest, texts)))
    assert [outcome.item.text for outcome in outcomes] == texts
    assert [bool(outcome.error) for outcome in outcomes] == [text == "..." for text in texts]
    assert sizes == [32, 32, 32, 3]
    spoken = [outcome.result() for outcome in outcomes if not outcome.error]
    said = [segment.chunk.tokens[2].text for utterance in spoken for segment in utterance.segments]
    assert said == [str(i) for i in range(110) if i % 10]


def test_closing_waits_for_the_batch_under_way_and_fails_the_rest():
    """Closing waits for the running batch; all other chunks fail, in every thread."""
    started, go = threading.Event(), threading.Event()

    def speak(chunks):
        started.set()
        assert go.wait(10)
        return Echo()(chunks)

    shared = batches(speak, Space(), 1)
    heard = {}

    def call(name):
        heard[name] = list(shared.outcomes(chunk(index=i) for i in range(3)))

    callers = [threading.Thread(target=call, args=(name,)) for name in range(3)]
    for caller in callers:
        caller.start()
    assert started.wait(10)
    closer = threading.Thread(target=shared.close)
    closer.start()
    go.set()
    for thread in (*callers, closer):
        thread.join(10)
    outcomes = [one for each in heard.values() for one in each]
    assert len(outcomes) == 9
    assert sum(not one.error for one in outcomes) <= 1
    assert {str(one.error) for one in outcomes if one.error} == {"echo was closed before this was done"}


def test_a_failure_stands_in_its_place():
    """A failed chunk keeps its place in the outcomes, and the other chunks of its batch succeed."""
    outcomes = batches(Echo(broken={3, 7}), Space(), 8).outcomes(chunk(index=i) for i in range(10))
    assert indices(outcomes) == [0, 1, 2, "broken 3", 4, 5, 6, "broken 7", 8, 9]


def test_a_bug_is_raised_and_the_next_caller_is_served():
    """An exception of the engine is raised in its caller, and the next caller's chunks are synthesized."""
    calls = []

    def fails_once(chunks):
        calls.append(chunks)
        if len(calls) == 1:
            raise ZeroDivisionError
        return Echo()(chunks)

    shared = batches(fails_once, Space(), 4)
    with pytest.raises(ZeroDivisionError):
        list(shared.outcomes([chunk()]))
    assert indices(shared.outcomes([chunk(index=5)])) == [5]


def test_chunks_of_a_caller_who_has_gone_are_not_spoken():
    """Closing the iterator removes the caller's waiting chunks from the queue."""
    echo = Echo()
    shared = batches(echo, Space(), 2)
    outcomes: Any = shared.outcomes(chunk(index=i) for i in range(50))
    next(outcomes)
    next(outcomes)
    outcomes.close()
    assert indices(shared.outcomes([chunk(index=99)])) == [99]
    assert max(map(len, echo.batches)) <= 2
    assert sum(map(len, echo.batches)) < 10


def test_callers_share_batches_and_the_first_chunk_goes_before_bulk():
    """Chunks of several callers share batches; urgent first chunks go next, and each caller gets its own outcomes."""
    started, go = threading.Event(), threading.Event()
    echo = Echo()

    def speak(chunks):
        if len(echo.batches) == 1:
            started.set()
            assert go.wait(10)
        return echo(chunks)

    shared = batches(speak, Space(), 4)
    heard = {}

    def call(name, first, count):
        heard[name] = indices(shared.outcomes(chunk(index=first + i) for i in range(count)))

    bulk = threading.Thread(target=call, args=("bulk", 0, 30))
    bulk.start()
    assert started.wait(10)
    others = [threading.Thread(target=call, args=(name, first, 2)) for name, first in (("one", 100), ("two", 200))]
    for thread in others:
        thread.start()
    wait_until(lambda: sum(job.is_urgent for job in shared._waiting) >= len(others))
    go.set()
    for thread in (bulk, *others):
        thread.join(10)
    assert heard == {"bulk": list(range(30)), "one": [100, 101], "two": [200, 201]}
    assert sorted(echo.batches[2]) == [100, 200]


def test_many_threads_get_their_own():
    """Twenty concurrent callers each get their own outcomes in order."""
    shared = batches(Echo(), Space(), 8)
    heard = {}

    def call(name):
        heard[name] = indices(shared.outcomes(chunk(index=1000 * name + i) for i in range(25)))

    threads = [threading.Thread(target=call, args=(name,)) for name in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert heard == {name: [1000 * name + i for i in range(25)] for name in range(20)}


def test_memory_of_the_processor_is_known_and_its_end_recognised():
    """The free memory of the CPU is known, and torch's out-of-memory error is recognised by its message."""
    memory = Memory(torch.device("cpu"))
    before = memory.seconds()
    assert before > 1
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert memory.is_exhausted(caught.value)
    assert not memory.is_exhausted(RuntimeError("sizes do not match"))
    memory.exhausted(10.0)
    assert memory.seconds() <= 5.0


@pytest.fixture(scope="module")
def batched():
    """The Kokoro engine with up to four chunks per batch."""
    return Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.float32, batch=4)


def test_batches_are_spoken_as_one_by_one(batched, exact):
    """Batched chunks get the same durations, audio and errors as single ones, whatever their lengths."""
    chunks = [
        chunk("wˈʌn."),
        chunk("tˈu."),
        chunk("ə7"),
        chunk(LONG, voice=find("bm_george"), speed=1.4),
        chunk(""),
        chunk("θɹˈi."),
        chunk("a" * 511),
    ]
    together, alone = (list(engine.synthesize(chunks)) for engine in (batched, exact))
    for one, other in zip(together, alone, strict=True):
        assert one.item is other.item
        if other.error:
            assert type(one.error) is type(other.error)
            assert str(one.error) == str(other.error)
        else:
            ours, theirs = one.result(), other.result()
            assert ours.durations == theirs.durations
            if ours.durations:
                assert np.corrcoef(ours.audio.samples, theirs.audio.samples)[0, 1] > 0.999
    assert [bool(one.error) for one in together] == [False, False, True, False, False, False, True]


def test_a_broken_voice_fails_alone(batched, tmp_path, monkeypatch):
    """Chunks with a missing or a damaged voice pack fail, and the other chunks of the batch succeed."""
    monkeypatch.setenv("SPEAKKIT_VOICES", str(tmp_path))
    np.full((510, 1, 256), 3e38, np.float32).tofile(tmp_path / "hoarse.bin")
    gone, hoarse = (Voice(name, "en-us", ((name, 1.0),)) for name in ("gone", "hoarse"))
    voice_packs.blended.cache_clear()
    outcomes = list(
        batched.synthesize([chunk(), chunk(voice=gone), chunk(), chunk(voice=hoarse), chunk(LONG), chunk()])
    )
    failures = [type(one.error) for one in outcomes]
    assert failures == [type(None), ModelError, type(None), EngineError, type(None), type(None)]


def test_weights_that_are_no_numbers_are_named(monkeypatch):
    """Weights that are NaN give an error that names the command to verify them, not silence."""
    engine = Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.float32, batch=2)
    engine._network().bert_encoder.weight.data.fill_(float("nan"))
    outcomes = list(engine.synthesize([chunk(), chunk(), chunk(LONG)]))
    assert all("speakkit models verify kokoro" in str(one.error) for one in outcomes)


def test_no_batch_is_refused():
    """A batch size of 0 is refused before anything is loaded, and upstream refuses any batch size but one."""
    with pytest.raises(BadValue, match="0"):
        registry.synthesizer("kokoro", "cpu", 0)
    with pytest.raises(BadValue, match="one chunk at a time"):
        registry.synthesizer("upstream", "cpu", 2).__enter__()


def test_network_is_loaded_in_bfloat16_but_for_what_speech_is_sensitive_in():
    """In bfloat16, the harmonic source, the convolutions of F0 and energy, and the scales of norms stay in float32."""
    decoder = load_model(hub.ensure("kokoro"), torch.bfloat16).decoder
    assert decoder.generator.conv_post.weight.dtype == torch.bfloat16
    assert decoder.encode.conv1.weight.dtype == torch.bfloat16
    kept = (decoder.generator.m_source.l_linear, decoder.F0_conv, decoder.N_conv, decoder.encode.norm1.fc)
    assert {module.weight.dtype for module in kept} == {torch.float32}
