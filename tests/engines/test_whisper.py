"""Tests of Whisper on recordings of people with known words."""

from pathlib import Path

import jiwer
import numpy as np
import pytest

from speakkit.audio import Audio
from speakkit.audiofile import read
from speakkit.engines import registry

CLIPS = {
    "librivox-0880.wav": "he was not an ill disposed young man",
    "librivox-0890.wav": "unless to be rather cold hearted and rather selfish is to be ill disposed",
}


def plain(text):
    return "".join(c for c in text.lower().replace("-", " ") if c.isalpha() or c == " ")


@pytest.mark.parametrize(("name", "most_wrong"), [("whisper-base", 0.0), ("whisper-tiny.en", 0.2)])
def test_people_are_understood(name, most_wrong):
    """Transcripts come in the order of the clips, with correct words, times and confidences."""
    clips = [read(Path(__file__).parent.parent / "data" / clip) for clip in CLIPS]
    with registry.recognizer(name, "cpu") as engine:
        outcomes = list(engine.transcribe(clips, "en"))
        assert (engine.identity.name, engine.identity.licence) == (name, "MIT")
    assert all(outcome.item is clip for outcome, clip in zip(outcomes, clips, strict=True))
    transcripts = [outcome.result() for outcome in outcomes]
    assert jiwer.wer(list(CLIPS.values()), [plain(transcript.text) for transcript in transcripts]) <= most_wrong
    for clip, transcript in zip(clips, transcripts, strict=True):
        assert transcript.language == "en"
        starts = [word.start for word in transcript.words]
        assert starts == sorted(starts)
        assert transcript.words[-1].end <= clip.duration + 0.5
        assert all(0 <= word.confidence <= 1 for word in transcript.words)
        assert transcript.raw_text.strip() == transcript.text
        (segment,) = transcript.segments
        assert segment.average_log_probability < 0 <= segment.no_speech_probability <= 1
        assert 0 < segment.compression_ratio < 2.4


def test_silence_has_no_words(whisper):
    """A clip of silence has no words."""
    assert next(whisper.transcribe([Audio(np.zeros(16_000, np.float32), 16_000)])).words == ()


def test_the_language_is_detected(whisper):
    """If no language is given, it is detected."""
    clip = read(Path(__file__).parent.parent / "data" / "librivox-0880.wav")
    (transcript,) = whisper.transcribe([clip], None)
    assert transcript.language == "en"


def test_a_clip_that_cannot_be_heard_fails_alone(whisper):
    """An invalid clip or an unknown language fails, and the clips beside it are transcribed."""
    clip = read(Path(__file__).parent.parent / "data" / "librivox-0880.wav")
    heard = list(whisper.engine.transcribe([clip, Audio(clip.samples, 0), clip], "en"))
    assert [bool(outcome.error) for outcome in heard] == [False, True, False]
    assert "whisper-base failed" in str(heard[1].error)
    (unknown,) = whisper.engine.transcribe([clip], "tlh")
    assert "tlh" in str(unknown.error)
