"""Tests of Kokoro on a GPU: it agrees with the CPU, and a batch with its chunks one by one."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from speakkit.engines import hub
from speakkit.engines.device import SECONDS, Memory
from speakkit.engines.kokoro import Kokoro
from speakkit.text.chunks import Chunk
from speakkit.voices import find

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")
PHONEMES = "ˈæləs wʌz bəɡˈɪnɪŋ tə ɡɛt vˈɛɹi tˈIəɹd ʌv sˈɪTɪŋ bI hɜɹ sˈɪstəɹ ˌɔn ðə bˈæŋk, ænd ʌv hˈævɪŋ nˈʌθɪŋ tə dˈu."


def chunks():
    """Chunks of several lengths, voices, speeds and seeds."""
    lengths = (1, 7, 30, len(PHONEMES), 50, 3, 90, len(PHONEMES))
    return [
        Chunk(i, PHONEMES[:n], (), (), find("f1" if i % 2 else "m1"), "en-us", (0.7, 1.0, 1.3)[i % 3], i, 0.0)
        for i, n in enumerate(lengths)
    ]


@pytest.fixture(scope="module")
def gpu():
    """The CUDA device; the test is skipped if there is none."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device("cuda")


@pytest.fixture(scope="module")
def weights():
    """Kokoro's installed weights."""
    return hub.ensure("kokoro")


def spoken(engine, plan):
    """The syntheses of all chunks of `plan`; raises the first failure."""
    return [outcome.result() for outcome in engine.synthesize(plan)]


def correlation(one, other):
    """The correlation of the samples of two syntheses of equal length."""
    return np.corrcoef(one.audio.samples, other.audio.samples)[0, 1]


def test_gpu_speaks_in_batches_as_one_by_one(gpu, weights):
    """Batched and single chunks have the same durations, and samples that correlate over 0.999 in float32."""
    batched = spoken(Kokoro(weights, gpu, torch.float32, 8), chunks())
    single = spoken(Kokoro(weights, gpu, torch.float32, 1), chunks())
    assert [one.durations for one in batched] == [one.durations for one in single]
    found = [correlation(*pair) for pair in zip(batched, single, strict=True)]
    print("GPU, batch against one by one:", found)
    assert min(found) > 0.999


def test_gpu_takes_the_durations_of_the_processor(gpu, weights):
    """Durations equal the CPU's, whatever the data type of the convolutions.

    The noise differs. benchmarks/quality.py compares the samples.
    """
    there = spoken(Kokoro(weights, CPU, torch.float32, 1), chunks())
    here = spoken(Kokoro(weights, gpu, batch=8), chunks())
    assert [one.durations for one in here] == [one.durations for one in there]
    for one, other in zip(here, there, strict=True):
        assert 0.5 < np.std(one.audio.samples) / np.std(other.audio.samples) < 2


def test_same_seed_gives_the_same_bytes(gpu, weights):
    """The same seed gives the same samples on one device, with one chunk per batch."""
    engine = Kokoro(weights, gpu, batch=1)
    plan = [dataclasses.replace(one, seed=5) for one in chunks()]
    first, second = (spoken(engine, plan) for _ in range(2))
    assert all(np.array_equal(a.audio.samples, b.audio.samples) for a, b in zip(first, second, strict=True))


def test_memory_that_is_short_halves_the_batch(gpu, weights):
    """If torch may not use enough memory for a batch of eight, the batch is halved, and all chunks are synthesized."""
    engine = Kokoro(weights, gpu, batch=8)
    room: Any = engine._batches._room
    room.seconds, room.used = (lambda: 1e9), (lambda _: None)
    plan = [dataclasses.replace(one, phonemes=PHONEMES * 4) for one in chunks()]
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    spoken(engine, plan[:1])
    alone = torch.cuda.max_memory_allocated()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(gpu).total_memory
    torch.cuda.set_per_process_memory_fraction(2 * alone / total)
    try:
        spoken(engine, plan)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert room._most < SECONDS


def test_memory_is_given_back_when_nobody_waits(gpu, weights):
    """When no chunk is waiting, the memory of the last batch is released for other programs."""
    engine = Kokoro(weights, gpu, batch=8)
    spoken(engine, [dataclasses.replace(one, phonemes=PHONEMES * 4) for one in chunks() * 4])
    assert torch.cuda.memory_reserved() - torch.cuda.memory_allocated() < 512 << 20
    assert Memory(gpu).seconds() > 100
