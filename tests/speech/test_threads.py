"""How many threads of the processor compute is part of a voice: it is as was asked for, whoever spoke before."""

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
    """Other tests compute as they would have."""
    yield
    device.fix_threads()


def test_a_count_is_fixed():
    """And torch's own comes back."""
    assert [device.fix_threads(count) for count in (3, 1, 0, 2, 0)] == [3, 1, OWN, 2, OWN]
    assert torch.get_num_threads() == OWN


def test_nothing_is_said_to_torch_by_default(monkeypatch):
    """So that it speaks as it always did."""
    monkeypatch.setattr(torch, "set_num_threads", lambda _: pytest.fail("it was set"))
    assert device.fix_threads() == OWN


def test_each_speaker_has_its_own():
    """Every chunk says it, however those of two speakers follow one another."""
    voice, engine = voices.find("f1"), FakeSynthesizer()
    reader = Reader("en-us", FakePhonemizer(), Lexicon("en-us"))
    speakers = [Speaker(voice, reader, engine, count) for count in (1, 3)]
    for _ in zip(*(speaker.segments(SpeechRequest("One.\n\nTwo.\n\nThree.")) for speaker in speakers), strict=True):
        pass
    counts = [chunk.threads for chunk in engine.taken]
    assert counts == [1, 3] * (len(counts) // 2)
    assert len(counts) >= 2


def test_a_chunk_is_computed_with_its_own(kokoro, monkeypatch):
    """In threads that have computed before, or have not, and whatever was set since."""
    network, counts = kokoro._network(), []
    monkeypatch.setattr(
        kokoro._network, "_model", lambda *given: counts.append(torch.get_num_threads()) or network(*given)
    )
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
    """By the daemon, whose voice was loaded for another, and without it; the receipt says which."""
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
    """0 is torch's own, also against the environment."""
    for name, value in {"THREADS": "1", "DEVICE": "cpu"}.items():
        monkeypatch.setenv(f"SPEAKKIT_{name}", value)
    arguments = ("speak", "--json", "-o", tmp_path / "x.wav", "Yes.")
    assert json.loads(run(*arguments).out)["threads"] == 1
    assert json.loads(run(*arguments, "--threads", "0").out)["threads"] == OWN
    assert json.loads(run("speakkit", "explain", "--json", "Yes.").out)["threads"] == 1
