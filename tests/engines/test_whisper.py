"""Whisper on people, whose words are known."""

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
    """Clips go in as a list, transcripts come out in its order, with words and times."""
    clips = [read(Path(__file__).parent.parent / "data" / clip) for clip in CLIPS]
    transcripts = list(registry.recognizer(name, "cpu").transcribe(clips))
    assert jiwer.wer(list(CLIPS.values()), [plain(transcript.text) for transcript in transcripts]) <= most_wrong
    for clip, transcript in zip(clips, transcripts, strict=True):
        assert transcript.language == "en"
        starts = [word.start for word in transcript.words]
        assert starts == sorted(starts)
        assert transcript.words[-1].end <= clip.duration + 0.5
        assert all(0 <= word.confidence <= 1 for word in transcript.words)


def test_silence_has_no_words(whisper):
    """Nothing said, nothing heard."""
    assert next(whisper.transcribe([Audio(np.zeros(16_000, np.float32), 16_000)])).words == ()
