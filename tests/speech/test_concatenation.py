"""Tests of concatenation: the silence cut off the ends of chunks, and the joins between them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from speakkit.audio import QUIET, silence
from speakkit.engines import hub, registry
from speakkit.engines.base import Synthesis
from speakkit.engines.kokoro import Kokoro
from speakkit.speech.concatenation import BEFORE, MARGIN, segment
from speakkit.speech.synthesize import speaker
from speakkit.speech_request import SpeechRequest

TEXT = (
    "Alice was beginning to get very tired of her sister.\n\n"
    "Once or twice she had peeped into the book of her sister.\n\n"
    "There was nothing so very remarkable in that, she thought."
)


def segments(voice, text, **options):
    with speaker(SpeechRequest(voice=voice, device="cpu")) as talker:
        return list(talker.segments(SpeechRequest(text, **options)))


def synthesis(chunk):
    """What the engine made of a chunk of `segments`, before anything was cut off."""
    with registry.synthesizer("kokoro", "cpu") as kokoro:
        return next(kokoro.synthesize([chunk])).result()


@pytest.fixture(scope="module")
def alice():
    made = segments("f1", TEXT)
    assert len(made) >= 3
    return made


def test_no_jump_at_a_join_is_longer_than_those_inside(alice):
    """Both sides of a join are faded, so its sample steps are under a tenth of the largest inside."""
    for first, second in pairwise(alice):
        seam = np.concatenate([first.audio.samples[-240:], second.audio.samples[:240]])
        assert np.abs(np.diff(seam)).max() < np.abs(np.diff(first.audio.samples)).max() / 10


def test_a_split_line_has_no_seam():
    """The second part of a line begins at full loudness, where the first ends; only the ends of the line are faded."""
    engine = Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.float32)
    with speaker(SpeechRequest(voice="f1", device="cpu")) as talker:
        exact = replace(talker, synthesizer=engine)
        first, second = exact.segments(SpeechRequest(TEXT.partition("\n")[0]), starts_early=True)
    seam = np.concatenate([first.audio.samples[-240:], second.audio.samples[:240]])
    steps, inside = np.abs(np.diff(seam)), np.abs(np.diff(first.audio.samples))
    assert steps[238:241].max() < inside.max() / 2
    assert np.abs(seam[235:245]).max() > 0
    assert [first.audio.samples[0], second.audio.samples[-1]] == [0, 0]
    assert first.onsets[-1] <= first.audio.duration
    assert second.onsets[0] < 0.1


def test_silence_at_a_join_is_the_gap(alice):
    """The silence at a join is the gap plus a margin on each side, whatever the voice makes of the last mark."""
    for first, second in pairwise(alice):
        silent = first.audio.duration - first.audio.sounding[1] + second.audio.sounding[0]
        assert first.chunk.gap <= silent <= first.chunk.gap + 2 * MARGIN + 0.01


ENDS = ("Hello.", "Six!", "so they went on", "Fifth?")


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        pytest.param(voice, text, marks=() if voice == "f1" or text in ENDS[1:3] else pytest.mark.slow)
        for voice in ("f1", "m1", "s1")
        for text in ENDS
    ],
)
def test_no_sound_is_cut_off(remembering, voice, text):
    """All sound above QUIET is kept, except noise before the first phoneme and after the last mark."""
    (kept,) = segments(voice, text)
    whole = synthesis(kept.chunk)
    assert kept.audio.duration < whole.audio.duration
    loud = [np.square(audio.samples[np.abs(audio.samples) > QUIET]).sum() for audio in (kept.audio, whole.audio)]
    assert loud[0] > 0.999 * loud[1]


EACH = ("f1", "f2", "m1", "m4", "s1")
USUAL = (("f1", 0.5), ("m4", 0.5), ("f2", 0.8))


@pytest.mark.parametrize(
    ("voice", "speed"),
    [
        pytest.param(voice, speed, marks=() if (voice, speed) in USUAL else pytest.mark.slow)
        for voice in EACH
        for speed in (0.5, 0.8)
    ],
)
def test_slow_speech_begins_with_its_first_phoneme(kokoro, remembering, voice, speed):
    """Slow speech starts with its first phoneme.

    Kokoro makes a vowel of up to a tenth of the peak in the stretched silence before it (kokoro issue 344).
    """
    (part,) = segments(voice, "Alice went on.", speed=speed)
    spoken = synthesis(part.chunk)
    before = spoken.audio.part(0, spoken.durations[0] * kokoro.frame - BEFORE)
    assert np.abs(before.samples).max() < 0.01 * np.abs(spoken.audio.samples).max()


@pytest.mark.parametrize("voice", ["f1", pytest.param("m4", marks=pytest.mark.slow)])
def test_slow_speech_has_no_word_too_many(whisper, voice):
    """Whisper hears no additional word in slow speech."""
    audio = segments(voice, "The quick brown fox jumps over the lazy dog.", speed=0.6)[0].audio
    (transcript,) = whisper.transcribe([audio])
    heard = transcript.text.lower().split()
    assert heard[:8] == ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy"]
    assert len(heard) == 9


@pytest.mark.parametrize("text", ["A job has failed.", "Config is updated."])
def test_fast_speech_has_its_first_word(whisper, text):
    """Whisper hears the first word of fast speech.

    When the start token's duration was divided by the speed, it heard "Job" and "Hanfig".
    """
    audio = segments("f4", text, speed=1.25)[0].audio
    (transcript,) = whisper.transcribe([audio])
    assert transcript.text.split()[0] == text.split()[0]


def test_onsets_are_those_of_what_is_left(alice):
    """A segment has one onset per phoneme and one for the end, in order, within the voiced part of its audio."""
    for part in alice:
        assert len(part.onsets) == len(part.chunk.phonemes) + 1
        assert list(part.onsets) == sorted(part.onsets)
        assert part.onsets[0] >= 0
        assert part.onsets[-1] <= part.audio.duration - part.chunk.gap + 1e-6


def test_chunk_of_lost_words_is_its_gap(kokoro, alice):
    """A chunk of lost words is silence as long as its gap, without onsets."""
    silent = Synthesis(silence(0.0, 24_000), ())
    nothing = segment(replace(alice[0].chunk, phonemes="", gap=0.25), silent, kokoro)
    assert nothing.audio.duration == 0.25
    assert not nothing.audio.samples.any()
    assert nothing.onsets == ()
