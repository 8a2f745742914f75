"""Tests of Whisper on recordings of people with known words, and on what is no speech."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jiwer
import numpy as np
import pytest

from speakkit.audio import Audio, joined, silence
from speakkit.audiofile import read
from speakkit.engines import registry
from speakkit.errors import BadValue, EngineError
from speakkit.transcript import Guard

DATA = Path(__file__).parent.parent / "data"
CLIPS = {
    "librivox-0880.wav": "he was not an ill disposed young man",
    "librivox-0890.wav": "unless to be rather cold hearted and rather selfish is to be ill disposed",
}
RATE = 16_000


def plain(text):
    return "".join(c for c in text.lower().replace("-", " ") if c.isalpha() or c == " ")


@pytest.fixture(scope="module")
def person():
    return read(DATA / "librivox-0880.wav")


@pytest.fixture(scope="module")
def tiny():
    with registry.recognizer("whisper-tiny.en", "cpu") as engine:
        yield engine


def noise(seconds, level):
    drawn = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    return Audio((level * drawn).astype(np.float32), RATE)


def chord(seconds):
    """Three tones that swell and fade, as in music."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.2, 329.6))
    return Audio((0.1 * tones * (1 + np.sin(2 * np.pi * 0.5 * time))).astype(np.float32), RATE)


@pytest.mark.parametrize(("name", "most_wrong"), [("whisper-base", 0.0), ("whisper-tiny.en", 0.2)])
def test_people_are_understood(name, most_wrong):
    """Transcripts come in the order of the clips, with correct words, times and confidences."""
    clips = [read(DATA / clip) for clip in CLIPS]
    with registry.recognizer(name, "cpu") as engine:
        outcomes = list(engine.transcribe(clips, "en"))
        assert (engine.identity.name, engine.identity.licence) == (name, "MIT")
    assert all(outcome.item is clip for outcome, clip in zip(outcomes, clips, strict=True))
    transcripts = [outcome.result() for outcome in outcomes]
    assert jiwer.wer(list(CLIPS.values()), [plain(transcript.text) for transcript in transcripts]) <= most_wrong
    for clip, transcript in zip(clips, transcripts, strict=True):
        assert transcript.language == "en"
        assert transcript.language_probability is None
        starts = [word.start for word in transcript.words]
        assert starts == sorted(starts)
        assert all(word.start < word.end for word in transcript.words)
        assert transcript.words[-1].end <= clip.duration + 0.5
        assert all(0 <= word.confidence <= 1 for word in transcript.words)
        assert transcript.raw_text.strip() == transcript.text
        (segment,) = transcript.segments
        assert segment.average_log_probability < 0 <= segment.no_speech_probability <= 1
        assert 0 < segment.compression_ratio < 2.4
        assert segment.guards == ()


@pytest.mark.parametrize(
    "sound",
    [silence(1.0, RATE), silence(12.0, RATE), noise(5.0, 0.02), chord(8.0)],
    ids=["1s", "12s", "noise", "chord"],
)
def test_what_is_no_speech_has_no_words(whisper, sound):
    """No words are invented for silence, noise or tones; the segment says so and keeps what the network wrote."""
    (transcript,) = whisper.transcribe([sound])
    assert (transcript.text, transcript.words) == ("", ())
    (segment,) = transcript.segments
    assert not segment.text or segment.guards[0] == Guard.no_speech
    assert transcript.raw_text.strip() == segment.text


def test_the_language_is_detected(whisper, person):
    """If no language is given, it is detected, and its probability is told."""
    (transcript,) = whisper.transcribe([person], None)
    assert transcript.language == "en"
    assert 0.5 < transcript.language_probability <= 1


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_any_sample_rate(whisper, person, rate):
    """Clips of other sample rates are understood."""
    (transcript,) = whisper.transcribe([person.resampled(rate)])
    assert plain(transcript.text).split() == CLIPS["librivox-0880.wav"].split()


def test_a_clip_that_cannot_be_heard_fails_alone(whisper, person):
    """An invalid clip fails, and the clips beside it are transcribed."""
    nan = replace(person, samples=np.where(np.arange(len(person.samples)) == 99, np.nan, person.samples))
    clips = [person, Audio(person.samples, 0), nan, Audio(np.zeros(0, np.float32), RATE), person]
    heard = list(whisper.engine.transcribe(clips, "en"))
    assert [bool(outcome.error) for outcome in heard] == [False, True, True, True, False]
    assert "whisper-base failed" in str(heard[1].error)
    assert "NaN" in str(heard[2].error)
    assert "empty" in str(heard[3].error)
    assert isinstance(heard[3].error, EngineError)


def test_an_unknown_language_is_named_with_those_that_there_are(whisper, tiny, person):
    """A language that the weights do not know is a BadValue that lists those that they know."""
    (unknown,) = whisper.engine.transcribe([person], "tlh")
    assert isinstance(unknown.error, BadValue)
    assert "'tlh'; it knows af, " in str(unknown.error)
    (spanish,) = tiny.transcribe([person], "es")
    assert "whisper-tiny.en does not know the language 'es'; it knows en" in str(spanish.error)


def test_a_long_clip_is_read_in_windows(tiny):
    """A clip of over 30 s is cut at pauses: every word is heard once, at its time."""
    clips = [read(DATA / clip) for clip in CLIPS]
    pair = joined([clips[0].resampled(RATE), silence(0.6, RATE), clips[1].resampled(RATE), silence(0.6, RATE)])
    times = int(45 // pair.duration) + 1
    (outcome,) = tiny.transcribe([joined([pair] * times)], None)
    transcript = outcome.result()
    said = " ".join(CLIPS.values())
    assert jiwer.wer(" ".join([said] * times), plain(transcript.text)) <= 0.2
    assert len(transcript.segments) > 1
    starts = [word.start for word in transcript.words if plain(word.text) == "unless"]
    assert len(starts) == times
    expected = [k * pair.duration + clips[0].duration + 0.6 for k in range(times)]
    assert np.abs(np.array(starts) - expected).max() < 0.6


def test_transcripts_are_reproducible(tiny, person):
    """A clip has the same transcript after other clips as alone."""
    alone = next(tiny.transcribe([person], "en")).result()
    list(tiny.transcribe([chord(2.0), noise(2.0, 0.1)], "en"))
    assert next(tiny.transcribe([person], "en")).result() == alone


def test_an_unsure_text_is_read_again_with_the_padding_that_was_learned(tiny, person, monkeypatch):
    """On a CPU, a short clip is padded to 15 s; if its text is improbable, it is read again, padded to 30 s."""
    from speakkit.engines import whisper as module

    monkeypatch.setattr(module, "SURE", -9.0)
    (short,) = tiny.transcribe([person], "en")
    monkeypatch.setattr(module, "SURE", 0.0)
    (again,) = tiny.transcribe([person], "en")
    monkeypatch.setattr(tiny, "_contexts", (30.0,))
    (full,) = tiny.transcribe([person], "en")
    assert again.result() == full.result()
    assert short.result().segments != full.result().segments


def test_a_closed_engine_says_so(person):
    """After `close`, each clip fails with EngineError."""
    from speakkit.engines import whisper as module

    engine = module.Whisper.load("whisper-tiny.en", "cpu")
    engine.close()
    (outcome,) = engine.transcribe([person], "en")
    assert "was closed" in str(outcome.error)


HOURS = """
import resource, sys
from speakkit import config
from speakkit.audio import Audio, silence
from speakkit.audiofile import read
from speakkit.engines import locations, pauses, registry

locations.use(config.locations)
clip, seconds = read(sys.argv[1]), float(sys.argv[2])

def recording():
    at = 0.0
    while at < seconds:
        yield clip
        yield silence(0.8, clip.sample_rate)
        at += clip.duration + 0.8

with registry.recognizer("whisper-tiny.en", "cpu") as engine:
    for number, part in enumerate(pauses.transcribe(recording(), engine, "en")):
        if number in (0, 20) or part.segments[-1].end > seconds - 60:
            print(part.words[-1].end, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_two_hours_need_no_more_memory_than_ten_minutes():
    """A recording of two hours, read block by block, is transcribed in flat memory, to its end."""
    command = [sys.executable, "-c", HOURS, str(DATA / "librivox-0890.wav"), "7200"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [tuple(map(float, line.split())) for line in lines]
    assert rows[-1][0] > 7200 - 15
    assert rows[-1][1] < rows[1][1] + 100 < 1500
