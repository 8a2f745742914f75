"""Tests of bulk work on a CPU: long texts for files are spoken with one thread, in several processes."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

import speakkit
from speakkit.cli import request
from speakkit.cli.request import SpeakOutput
from speakkit.engines import device, memory, registry
from speakkit.engines.fake import FakePhonemizer, FakeSynthesizer
from speakkit.errors import ModelError
from speakkit.speech import synthesize
from speakkit.speech_request import BULK, SpeechRequest
from speakkit.text.sentences import Sentence

SENTENCE = "The quick brown fox jumps over the lazy dog. "
LONG = SENTENCE * (1 + BULK // len(SENTENCE))
TO_FILE = SpeakOutput("x.wav", None, None, play=False, force=False, as_json=False, quiet=True)


@pytest.fixture
def pools(monkeypatch):
    """Replace the pool on a machine of 8 cores and much memory; returns the (processes, fake synthesizer) of each."""
    started = []

    @contextmanager
    def pooled(processes):
        synthesizer = FakeSynthesizer()
        started.append((processes, synthesizer))
        yield synthesizer

    monkeypatch.setattr(registry, "pooled_synthesizer", pooled)
    monkeypatch.setattr(device, "own_threads", lambda: 8)
    monkeypatch.setattr(memory, "free", lambda _: 64 << 30)
    return started


@pytest.fixture
def to_cpu(place, home, monkeypatch):
    """Speak on the CPU, with the setting of the daemon on; returns the runtime directory, where it would be."""
    for name, value in {"HOME": str(home), "DEVICE": "cpu"}.items():
        monkeypatch.setenv(f"SPEAKKIT_{name}", value)
    return place


@pytest.mark.parametrize(("threads", "processes"), [((), 6), (("--threads", "4"), 2)])
def test_a_long_text_is_written_by_processes(run, pools, to_cpu, tmp_path, threads, processes):
    """A long text for a file is spoken with one thread in several processes, and not by the daemon.

    The receipt tells the thread count. The option --threads overrides it.
    """
    result = run("speak", "--json", *threads, "-o", tmp_path / "x.wav", LONG)
    assert result.code == 0, result.err
    ((started, synthesizer),) = pools
    receipt = json.loads(result.out)
    assert started == processes
    assert receipt["threads"] == (int(threads[-1]) if threads else 1)
    assert {chunk.threads for chunk in synthesizer.taken} == {receipt["threads"]}
    assert [chunk.index for chunk in synthesizer.taken] == list(range(receipt["chunks"]))
    assert (tmp_path / "x.wav").stat().st_size > receipt["seconds"] * 48_000
    assert not (to_cpu.path / "daemon.lock").exists()


def test_what_somebody_waits_for_is_no_bulk_work():
    """Neither a short text is bulk work, nor one that is played, or that goes to standard output or only to captions.

    Only the text and the command decide, so that samples do not depend on the state of the machine.
    """
    long = SpeechRequest(LONG)
    assert request.bulk(long, TO_FILE) == len(LONG)
    assert request.bulk(SpeechRequest(LONG[: BULK - 1]), TO_FILE) == 0
    for other in (replace(TO_FILE, play=True), replace(TO_FILE, target="-"), replace(TO_FILE, target=None)):
        assert request.bulk(long, other) == 0


def test_one_process_speaks_as_several_do(pools, monkeypatch):
    """Where there is one core, or memory for one process, this process speaks, and still with one thread."""
    lent = []
    monkeypatch.setattr(registry, "synthesizer", lambda *given: lent.append(given) or registry.pooled_synthesizer(1))
    for cores, free in ((1, 64 << 30), (8, 1 << 30)):
        monkeypatch.setattr(device, "own_threads", lambda cores=cores: cores)
        monkeypatch.setattr(memory, "free", lambda _, free=free: free)
        with synthesize.speaker(SpeechRequest(device="cpu"), bulk=BULK) as talker:
            assert talker.threads == 1
    assert lent == [("kokoro", "cpu", None)] * 2


def test_a_gpu_is_read_to_by_processes(pools, monkeypatch):
    """On a GPU one process speaks long texts in full batches, and other processes find the phonemes for it."""
    readers = []

    class Readers(FakePhonemizer):
        def start(self):
            readers.append(self)

    monkeypatch.setattr(registry, "is_on_cpu", lambda _: False)
    monkeypatch.setattr(registry, "synthesizer", lambda *_: registry.pooled_synthesizer(1))
    monkeypatch.setattr(registry, "pooled_phonemizer", lambda *_: Readers())
    with synthesize.speaker(SpeechRequest(device="cuda"), bulk=BULK) as talker:
        assert (talker.threads, talker.is_awaited, talker.processes) == (8, False, 1)
        assert sum(segment.audio.duration for segment in talker.segments(SpeechRequest("One. Two."))) > 0
        assert [talker.reader.phonemizer] == readers
    assert readers[0].taken
    (outcome,) = readers[0].phonemize([Sentence("Three.", 0)])
    assert "closed" in str(outcome.error)
    monkeypatch.setattr(device, "own_threads", lambda: 1)
    assert registry.reading_processes() == 1


@pytest.mark.parametrize("texts", [LONG, [LONG[:BULK]] * 3, (SENTENCE,) * 100])
def test_many_texts_are_spoken_by_processes(pools, texts):
    """`synthesize` speaks a long text, or a collection of texts that is long altogether, in several processes."""
    utterances = list(speakkit.synthesize(texts, device="cpu"))
    assert [utterance.text for utterance in utterances] == ([texts] if isinstance(texts, str) else list(texts))
    ((processes, synthesizer),) = pools
    assert processes > 1
    assert {chunk.threads for chunk in synthesizer.taken} == {1}


def test_a_voice_is_there_before_the_processes_need_it(pools, tmp_path, monkeypatch):
    """A voice that cannot be had is an error before any process is started: the processes themselves fetch none."""
    monkeypatch.setenv("SPEAKKIT_VOICES", str(tmp_path))
    (tmp_path / "broken_voice.bin").write_bytes(b"no pack")
    with pytest.raises(ModelError, match="broken_voice"):
        next(speakkit.synthesize(LONG, voice="broken_voice", device="cpu"))
    assert pools == []


def test_texts_that_may_be_streamed_are_spoken_one_by_one(pools):
    """An iterator of texts has no known length, so its texts are spoken one by one, in this process."""
    (utterance,) = speakkit.synthesize(iter(["Yes."]), device="cpu", threads=1)
    assert utterance.audio.duration > 0.1
    assert pools == []
