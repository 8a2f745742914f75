"""How many threads of the processor compute is part of a voice: it is as was asked for, whoever spoke before."""

import json
import threading

import numpy as np
import pytest
import torch

from speakkit import voices
from speakkit.audio import Audio
from speakkit.engines import device
from speakkit.engines.base import Synthesis
from speakkit.speech import synthesize
from speakkit.speech.synthesize import Speaker

OWN = device.own_threads()


@pytest.fixture(autouse=True)
def restored():
    """Other tests compute as they would have."""
    yield
    device.fix_threads()


class Counting:
    """Synthesizer that notes how many threads would compute each chunk."""

    sample_rate, frame, weights = 24_000, 0.025, "none"

    def __init__(self, symbols):
        self.symbols, self.counts = symbols, []

    def synthesize(self, chunks):
        for chunk in chunks:
            self.counts.append(torch.get_num_threads())
            durations = (1,) * (len(chunk.phonemes) + 2)
            yield Synthesis(Audio(np.zeros(600 * len(durations), np.float32), 24_000), durations)


def test_a_count_is_fixed():
    """And torch's own comes back."""
    assert [device.fix_threads(count) for count in (3, 1, 0, 2, 0)] == [3, 1, OWN, 2, OWN]
    assert torch.get_num_threads() == OWN


def test_nothing_is_said_to_torch_by_default(monkeypatch):
    """So that it speaks as it always did."""
    monkeypatch.setattr(torch, "set_num_threads", lambda _: pytest.fail("it was set"))
    assert device.fix_threads() == OWN


def test_each_speaker_has_its_own(english, kokoro):
    """However their chunks follow one another, in threads that have computed before, or have not."""
    voice, engine = voices.find("f1"), Counting(kokoro.symbols)
    speakers = [Speaker(voice, synthesize.reader("en-us"), engine, count) for count in (1, 3)]

    def speak():
        device.fix_threads(2)
        for _ in zip(*(speaker.segments("One.\n\nTwo.\n\nThree.") for speaker in speakers), strict=True):
            pass

    speak()
    other = threading.Thread(target=speak)
    other.start()
    other.join()
    assert engine.counts == [1, 3] * (len(engine.counts) // 2)
    assert len(engine.counts) >= 4


def test_the_same_count_gives_the_same_samples(place, home, run, tmp_path, monkeypatch):
    """By the daemon, whose voice was loaded for another, and without it; the receipt says which."""
    for name, value in {"HOME": str(home), "DEVICE": "cpu", "SINK": "timed-null"}.items():
        monkeypatch.setenv(f"SPEAKKIT_{name}", value)
    files = {}
    for way in ((), ("--no-daemon",)):
        for turn, count in enumerate((2, 1, 2)):
            file = tmp_path / f"{len(files)}.wav"
            receipt = json.loads(run("speak", "--threads", count, *way, "--json", "-o", file, "One, two, three.").out)
            assert receipt["threads"] == count
            files[way, turn, count] = file.read_bytes()
    for count in (1, 2):
        assert len({made for key, made in files.items() if key[2] == count}) == 1


def test_the_setting_counts_where_no_option_does(run, tmp_path, monkeypatch):
    """0 is torch's own, also against the environment."""
    for name, value in {"THREADS": "1", "DEVICE": "cpu"}.items():
        monkeypatch.setenv(f"SPEAKKIT_{name}", value)
    arguments = ("speak", "--json", "-o", tmp_path / "x.wav", "Yes.")
    assert json.loads(run(*arguments).out)["threads"] == 1
    assert json.loads(run(*arguments, "--threads", "0").out)["threads"] == OWN
    assert json.loads(run("speakkit", "explain", "--json", "Yes.").out)["threads"] == 1
