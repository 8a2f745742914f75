"""Tests of the CPU thread count: it is part of a voice, and is as requested, whatever was spoken before."""

import json
import threading
from dataclasses import replace

import pytest
import torch

from speakkit import voices
from speakkit.engines import device
from speakkit.engines.fake import FakePhonemizer, FakeSynthesizer
from speakkit.speech.frontend import Reader
from speakkit.speech.synthesize import Speaker
from speakkit.speech_request import SpeechRequest
from speakkit.text.chunks import Chunk
from speakkit.text.lexicon import Lexicon

OWN = device.own_threads()


@pytest.fixture(autouse=True)
def restored():
    """Restore torch's own thread count after the test, so that other tests are unaffected."""
    yield
    device.fix_threads()


def test_a_count_is_fixed():
    """A thread count is set, and 0 restores torch's own."""
    assert [device.fix_threads(count) for count in (3, 1, 0, 2, 0)] == [3, 1, OWN, 2, OWN]
    assert torch.get_num_threads() == OWN


def test_nothing_is_said_to_torch_by_default(monkeypatch):
    """By default torch's thread count is not set, so that its samples stay the same."""
    monkeypatch.setattr(torch, "set_num_threads", lambda _: pytest.fail("it was set"))
    assert device.fix_threads() == OWN


def test_each_speaker_has_its_own():
    """Every chunk carries its speaker's thread count, even if chunks of two speakers alternate."""
    voice, engine = voices.find("f1"), FakeSynthesizer()
    reader = Reader("en-us", FakePhonemizer(), Lexicon("en-us"))
    speakers = [Speaker(voice, reader, engine, count) for count in (1, 3)]
    for _ in zip(*(speaker.segments(SpeechRequest("One.\n\nTwo.\n\nThree.")) for speaker in speakers), strict=True):
        pass
    counts = [chunk.threads for chunk in engine.taken]
    assert counts == [1, 3] * (len(counts) // 2)
    assert len(counts) >= 2


def test_a_chunk_is_computed_with_its_own(kokoro, monkeypatch):
    """A chunk is computed with its own thread count, in new and in used program threads, whatever was set since."""
    network, counts, made = kokoro._network(), [], []

    def counting(*given):
        counts.append(torch.get_num_threads())
        made.append(made[0] if made else network(*given))
        return made[0]

    monkeypatch.setattr(kokoro._network, "_model", counting)
    plain = Chunk(0, "hˈI.", (), (), voices.find("f1"), "en-us", 1.0, 7, 0.0)

    def speak():
        device.fix_threads(2)
        list(kokoro.synthesize(replace(plain, threads=count) for count in (1, 3, 0)))

    speak()
    other = threading.Thread(target=speak)
    other.start()
    other.join()
    assert counts == [1, 3, OWN] * 2


def test_the_same_count_gives_the_same_samples(place, home, run, tmp_path, monkeypatch):
    """The same thread count gives the same samples, and the receipt names it.

    This holds without the daemon, and with the daemon even if its voice was loaded for another count.
    """
    for name, value in {"HOME": str(home), "DEVICE": "cpu", "SINK": "timed-null"}.items():
        monkeypatch.setenv(f"SPEAKKIT_{name}", value)
    files = {}
    for way in ((), ("--no-daemon",)):
        for turn, count in enumerate((2, 1)):
            file = tmp_path / f"{len(files)}.wav"
            receipt = json.loads(run("speak", "--threads", count, *way, "--json", "-o", file, "Yes.").out)
            assert receipt["threads"] == count
            files[way, turn, count] = file.read_bytes()
    for count in (1, 2):
        assert len({made for key, made in files.items() if key[2] == count}) == 1


def test_the_setting_counts_where_no_option_does(run, tmp_path, monkeypatch):
    """The setting applies if the option is missing; the option 0 means torch's own count and overrides it."""
    for name, value in {"THREADS": "1", "DEVICE": "cpu"}.items():
        monkeypatch.setenv(f"SPEAKKIT_{name}", value)
    arguments = ("speak", "--json", "-o", tmp_path / "x.wav", "Yes.")
    assert json.loads(run(*arguments).out)["threads"] == 1
    assert json.loads(run(*arguments, "--threads", "0").out)["threads"] == OWN
    assert json.loads(run("speakkit", "explain", "--json", "Yes.").out)["threads"] == 1
