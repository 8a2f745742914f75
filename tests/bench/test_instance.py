"""Tests of the bench instance, run in this process: it synthesizes speech and writes it to files."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from speakkit import audiofile
from speakkit.bench import instance
from speakkit.bench.messages import SHOWN, Read, Setup, Speak, Spoken, Work
from speakkit.errors import BadValue
from speakkit.speech import synthesize
from speakkit.workers import messages
from speakkit.workers.frames import FrameError

TEXT = "Good morning."
SETUP = Setup("kokoro", "cpu", None, "af_heart", "en-us", 1.25)


@pytest.fixture
def ask(kokoro, english):
    """Returns the answer function of an instance that shares its engines with the other tests."""
    return instance.load(SETUP)


@pytest.fixture
def written(monkeypatch):
    """The files that were opened, in order."""
    files = []
    sink = audiofile.sink

    def noted(target, *rest):
        files.append(target)
        return sink(target, *rest)

    monkeypatch.setattr(audiofile, "sink", noted)
    return files


@pytest.mark.parametrize("concurrency", [1, 2])
def test_each_request_is_a_file_that_is_removed(ask, written, tmp_path, concurrency):
    """Each request writes a file named by its seed and removes it.

    The first audio comes no later than the end of the file.
    """
    spoken = list(ask(Speak(TEXT, Work(3, 7, concurrency, tmp_path, None))))
    assert len(spoken) == 3
    assert sorted(written) == [str(tmp_path / f"{seed}.wav") for seed in (7, 8, 9)]
    assert list(tmp_path.iterdir()) == []
    for one in spoken:
        assert 0 < one.first_audio <= one.seconds
        assert 0.5 < one.audio < 3
        assert min(one.reading, one.speaking, one.writing) > 0
        assert one.reading + one.speaking <= one.seconds


def test_no_request_is_begun_after_the_limit(ask, written, tmp_path):
    """After the time limit no request begins, and the running one is completed."""
    answers = ask(Speak(TEXT, Work(50, 0, 1, tmp_path, 0.05)))
    assert 1 <= len(list(answers)) == len(written) < 50


def test_an_instance_knows_what_it_is(ask):
    """The facts have weights, device, torch version, text processing time in seconds, and words without phonemes."""
    (facts,) = ask(Read(f"{TEXT} 日本"))
    assert facts.weights in ("official", "rebuilt from int8")
    assert facts.device.startswith("cpu (")
    assert facts.gpu == ""
    assert facts.torch[0].isdigit()
    assert facts.device == f"cpu ({facts.threads} threads)"
    assert 0 < facts.g2p < 60
    assert (facts.chunks, "".join(facts.lost)) == (1, "日本")


def test_many_lost_words_are_named_in_part(ask):
    """At most SHOWN of the words without phonemes are reported, because more would not fit into a table."""
    (facts,) = ask(Read("One. " + "日本 and. " * 50))
    assert len(facts.lost) == SHOWN


def test_what_cannot_be_loaded_is_told(kokoro):
    """Loading raises BadValue if the voice, device or engine is unknown."""
    for wrong in (replace(SETUP, voice="f9"), replace(SETUP, device="abacus"), replace(SETUP, engine="nobody")):
        with pytest.raises(BadValue):
            instance.load(wrong)


def test_batch_and_threads_reach_the_engine(kokoro, monkeypatch):
    """Batch size, threads, device and the size of bulk work are passed to the engine unchanged."""
    given = {}
    speaker = synthesize.speaker
    monkeypatch.setattr(
        synthesize,
        "speaker",
        lambda request, **options: given.update(options, **structs.asdict(request)) or speaker(request),
    )
    instance.load(replace(SETUP, batch=3, threads=2, bulk=9000))
    assert {name: given[name] for name in ("engine", "device", "batch", "threads", "bulk")} == {
        "engine": "kokoro",
        "device": "cpu",
        "batch": 3,
        "threads": 2,
        "bulk": 9000,
    }


def test_a_figure_is_a_number():
    """NaN in a message from the worker process is rejected."""
    assert messages.decoded(messages.encoded(Spoken(2.0, 1.0, 9.0)), Spoken) == Spoken(2.0, 1.0, 9.0)
    with pytest.raises(FrameError, match="Expected `float` >= 0"):
        messages.decoded(messages.encoded(Spoken(2.0, float("nan"), 9.0)), Spoken)


def test_no_more_are_under_way_than_asked():
    """At most two jobs run at the same time; when one ends, the next begins."""
    begun = []
    some_at_once: Any = instance._some_at_once
    answers = some_at_once(lambda seed: begun.append(seed) or seed, range(10), 2)
    first = next(answers)
    assert first in (0, 1)
    assert len(begun) <= 4
    assert sorted([first, *answers]) == list(range(10))


def test_who_drives_instances_needs_no_torch():
    """The process that controls the instances does not import torch.

    Torch would take memory, and part of a GPU, in addition to the measured processes.
    """
    code = "import sys, speakkit.bench.sweep, speakkit.bench.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
