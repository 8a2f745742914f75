"""Tests of the alignment of known text by Whisper's attention, on speech whose word times are known."""

from pathlib import Path

import numpy as np
import pytest

from speakkit import synthesize
from speakkit.audio import Audio, silence
from speakkit.engines import registry
from speakkit.engines.base import SpokenText
from speakkit.engines.pauses import Part
from speakkit.engines.whisper_alignment import shared_out
from speakkit.errors import BadValue
from speakkit.speech.timestamps import words
from speakkit.voices import SAMPLES


@pytest.fixture(scope="module")
def aligner():
    with registry.text_aligner("whisper-base", "cpu") as engine:
        yield engine


@pytest.fixture(scope="module")
def spanish():
    """A clip of Spanish, and its words with their times."""
    (utterance,) = synthesize(SAMPLES["es"], voice="s1", threads=1)
    return utterance.audio, list(words(SAMPLES["es"], utterance.segments))


def said(timed):
    return tuple(word.text for word in timed)


@pytest.mark.parametrize(("voice", "language", "code"), [("s1", "es", "es"), ("jf_alpha", "ja", "ja")])
def test_words_are_found_where_they_are_said(aligner, voice, language, code):
    """Words start within 0.15 s of their true time, and most are probable."""
    (utterance,) = synthesize(SAMPLES[language], voice=voice, threads=1)
    timed = list(words(SAMPLES[language], utterance.segments))
    (outcome,) = aligner.align([SpokenText(utterance.audio, said(timed))], code)
    found = outcome.result().words
    assert tuple(word.text for word in found) == said(timed)
    off = np.abs([mine.start - true.start for mine, true in zip(found, timed, strict=True)])
    assert np.median(off) < 0.1
    assert np.percentile(off, 95) < 0.4
    assert all(word.start < word.end <= utterance.audio.duration for word in found)
    assert np.mean([word.probability > 0.5 for word in found]) > 0.6


def test_a_word_that_is_not_said_is_improbable(aligner, spanish):
    """A wrong word has a low probability, and the words beside it keep theirs."""
    audio, timed = spanish
    wrong = list(said(timed))
    wrong[-1] = "zapatero."
    (outcome,) = aligner.align([SpokenText(audio, tuple(wrong))], "es")
    found = outcome.result().words
    assert found[-1].probability < 0.05
    assert np.mean([word.probability for word in found[:-1]]) > 0.6


@pytest.mark.parametrize("fourth", ["4 cuatro cinco", "4 cuarto", ""])
def test_a_long_recording_has_its_words_shared_out(fourth):
    """Each window of a long recording gets the words that it has; what one window misses does not spread."""
    said = [f"{k} {('uno dos tres', 'cuatro cinco', 'seis siete ocho nueve')[k % 3]}" for k in range(9)]
    heard = [text.replace("dos", "dosis").replace("siete ", "") for text in said]
    heard[4] = fourth
    parts = [Part(silence(0.1 * k, 16_000), 30.0 * k) for k in range(9)]
    shares = shared_out(parts, " ".join(said).split(), lambda audio: heard[round(audio.duration / 0.1)])
    found = [" ".join(words) for _, words in shares]
    assert found[:4] + found[6:] == said[:4] + said[6:]
    assert " ".join(filter(None, found)) == " ".join(said)
    assert found[4] == said[4][: len(fourth)] or fourth != said[4]


def test_a_window_without_speech_has_no_words():
    """A window in which nothing is heard has none of the words, and the last window has all that are left."""
    parts = [Part(silence(0.1 * k, 16_000), 30.0 * k) for k in range(3)]
    heard = ["", "hola mundo", ""]
    shares = list(shared_out(parts, ("Hola,", "mundo.", "Adiós."), lambda audio: heard[round(audio.duration / 0.1)]))
    assert [words for _, words in shares] == [(), ("Hola,", "mundo."), ("Adiós.",)]
    assert list(shared_out([], ("Hola",), str)) == []


@pytest.mark.slow
def test_a_long_recording_is_aligned_in_windows(aligner):
    """In a recording of over 30 s, each word is found in its place."""
    rows = (Path(__file__).parent.parent / "data" / "spoken_es.tsv").read_text().splitlines()
    text = " ".join(row.split("\t")[1].split(" | ")[0] for row in rows[:20])
    (utterance,) = synthesize(text, voice="s1", threads=1)
    timed = list(words(text, utterance.segments))
    assert utterance.audio.duration > 35
    (outcome,) = aligner.align([SpokenText(utterance.audio, said(timed))], "es")
    off = np.abs([mine.start - true.start for mine, true in zip(outcome.result().words, timed, strict=True)])
    assert np.median(off) < 0.1
    assert np.percentile(off, 95) < 0.5


def test_text_that_does_not_fit(aligner, spanish):
    """Empty words, no words, and far more words than the audio can have: each word is returned, none is invented."""
    audio, timed = spanish
    texts = [(), ("", " "), ("hola", "", "mundo"), said(timed) * 60]
    found = [outcome.result().words for outcome in aligner.align([SpokenText(audio, text) for text in texts], "es")]
    assert [len(one) for one in found] == [len(text) for text in texts]
    assert all((word.start, word.end, word.probability) == (0.0, 0.0, 0.0) for word in found[1])
    assert found[2][1].start == found[2][1].end
    lost = found[3][-1]
    assert (lost.start, lost.probability) == (lost.end, 0.0)


def test_clips_that_cannot_be_aligned_fail_alone(aligner, spanish):
    """An empty clip fails, the clip beside it does not; an unknown language is a BadValue."""
    audio, timed = spanish
    clips = [SpokenText(Audio(np.zeros(0, np.float32), 16_000), ("hola",)), SpokenText(audio, said(timed))]
    empty, right = aligner.align(clips, "es")
    assert "empty" in str(empty.error)
    assert right.error is None
    (unknown,) = aligner.align(clips[1:], "tlh")
    assert isinstance(unknown.error, BadValue)


def test_an_engine_is_loaded_once_for_both(aligner):
    """The recognizer and the text aligner of one name are one loaded engine."""
    with registry.recognizer("whisper-base", "cpu") as recognizer:
        assert recognizer is aligner
