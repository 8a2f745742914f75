"""What runs in a worker, here in this process: real speech to real files."""

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

TEXT = "Good morning. How are you?"
SETUP = Setup("kokoro", "cpu", None, "af_heart", "en-us", 1.25)


@pytest.fixture
def ask(kokoro, english):
    """Ask an instance that shares its engines with the other tests."""
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
    """With a seed of its own; from the text to the file takes longer than to the first audio."""
    spoken = list(ask(Speak(TEXT, Work(3, 7, concurrency, tmp_path, None))))
    assert len(spoken) == 3
    assert sorted(written) == [str(tmp_path / f"{seed}.wav") for seed in (7, 8, 9)]
    assert list(tmp_path.iterdir()) == []
    for one in spoken:
        assert 0 < one.first_audio <= one.seconds
        assert 1 < one.audio < 4


def test_no_request_is_begun_after_the_limit(ask, written, tmp_path):
    """One that was begun is brought to its end."""
    answers = ask(Speak(TEXT, Work(50, 0, 1, tmp_path, 0.05)))
    assert 1 <= len(list(answers)) == len(written) < 50


def test_an_instance_knows_what_it_is(ask):
    """Weights, device, torch, how long it reads the text, and what it cannot say of it."""
    (facts,) = ask(Read(f"{TEXT} 日本"))
    assert facts.weights in ("official", "rebuilt from int8")
    assert facts.device.startswith("cpu (")
    assert facts.gpu == ""
    assert facts.torch[0].isdigit()
    assert facts.device == f"cpu ({facts.threads} threads)"
    assert 0 < facts.g2p < 60
    assert (facts.chunks, "".join(facts.lost)) == (1, "日本")


def test_many_lost_words_are_named_in_part(ask):
    """All of them would not fit into a table."""
    (facts,) = ask(Read("One. " + "日本 and. " * 50))
    assert len(facts.lost) == SHOWN


def test_what_cannot_be_loaded_is_told(kokoro):
    """By the error of whoever loads."""
    for wrong in (replace(SETUP, voice="f9"), replace(SETUP, device="abacus"), replace(SETUP, engine="nobody")):
        with pytest.raises(BadValue):
            instance.load(wrong)


def test_batch_and_threads_reach_the_engine(kokoro, monkeypatch):
    """As it was given, with the device."""
    given = {}
    speaker = synthesize.speaker
    monkeypatch.setattr(
        synthesize,
        "speaker",
        lambda request, **options: given.update(options, **structs.asdict(request)) or speaker(request),
    )
    instance.load(replace(SETUP, batch=3, threads=2))
    assert {name: given[name] for name in ("engine", "device", "batch", "threads")} == {
        "engine": "kokoro",
        "device": "cpu",
        "batch": 3,
        "threads": 2,
    }


def test_a_figure_is_a_number():
    """NaN must not pass for one on its way from the process."""
    assert messages.decoded(messages.encoded(Spoken(2.0, 1.0, 9.0)), Spoken) == Spoken(2.0, 1.0, 9.0)
    with pytest.raises(FrameError, match="Expected `float` >= 0"):
        messages.decoded(messages.encoded(Spoken(2.0, float("nan"), 9.0)), Spoken)


def test_no_more_are_under_way_than_asked():
    """As one ends, the next begins."""
    begun = []
    some_at_once: Any = instance._some_at_once
    answers = some_at_once(lambda seed: begun.append(seed) or seed, range(10), 2)
    first = next(answers)
    assert first in (0, 1)
    assert len(begun) <= 4
    assert sorted([first, *answers]) == list(range(10))


def test_who_drives_instances_needs_no_torch():
    """It would take memory, and a part of a GPU, beside those that are measured."""
    code = "import sys, speakkit.bench.sweep, speakkit.bench.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
