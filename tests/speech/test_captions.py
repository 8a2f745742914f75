"""Tests of caption files, read back by commonly used parsers."""

import json

import pytest
import srt
import webvtt
from praatio import textgrid

from speakkit.errors import BadValue, StorageError
from speakkit.speech import captions
from speakkit.speech.captions import FORMATS, Captions
from speakkit.speech.cues import cues
from speakkit.speech.timestamps import TimedWord

TEXT = 'He said: "a --> b" & <i>so</i> on, for hours. שלום, 5 < 6!'
WORDS = tuple(TimedWord(word, 0.5 + i, 1.25 + i, TEXT.index(word), spaced=True) for i, word in enumerate(TEXT.split()))
SPOKEN = Captions(TEXT, WORDS, 3700.0)
CUES = cues(WORDS)


def written(tmp_path, ending):
    file = tmp_path / f"x.{ending}"
    file.write_bytes(FORMATS[ending].write(SPOKEN).encode())
    return file


def test_srt_is_read_by_srt(tmp_path):
    """An srt file has the texts and times of the cues, to the millisecond."""
    read = list(srt.parse(written(tmp_path, "srt").read_text()))
    assert [cue.content for cue in read] == ["\n".join(cue.lines) for cue in CUES]
    assert [cue.index for cue in read] == list(range(1, len(CUES) + 1))
    assert [cue.start.total_seconds() for cue in read] == pytest.approx([cue.start for cue in CUES], abs=0.0006)
    assert [cue.end.total_seconds() for cue in read] == pytest.approx([cue.end for cue in CUES], abs=0.0006)


def test_vtt_is_read_by_webvtt(tmp_path):
    """In a vtt file, an arrow, a tag and an entity of the source text are text."""
    read = list(webvtt.read(written(tmp_path, "vtt")).captions)
    escaped = [cue.raw_text for cue in read]
    assert not any("<" in text or "-->" in text for text in escaped)
    plain = [text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in escaped]
    assert plain == ["\n".join(cue.lines) for cue in CUES]
    assert [(cue.start, cue.end) for cue in read] == [(f"00:00:{c.start:06.3f}", f"00:00:{c.end:06.3f}") for c in CUES]


def test_textgrid_is_read_by_praatio(tmp_path):
    """A TextGrid file has the words as intervals, with their quotes, from 0 to the end of the audio."""
    grid = textgrid.openTextgrid(str(written(tmp_path, "TextGrid")), includeEmptyIntervals=True)
    tier = grid.getTier("words")
    assert [(entry.start, entry.end, entry.label) for entry in tier.entries if entry.label] == [
        (word.start, word.end, word.text) for word in WORDS
    ]
    edges = [(entry.start, entry.end) for entry in tier.entries]
    assert [start for start, _ in edges] == [0.0, *[end for _, end in edges[:-1]]]
    assert edges[-1][1] == grid.maxTimestamp == 3700.0


def test_json_has_words_with_offsets_into_its_text(tmp_path):
    """A json file has times in seconds and offsets in characters."""
    whole = json.loads(written(tmp_path, "json").read_text())
    assert whole["text"] == TEXT
    assert whole["duration"] == 3700.0
    assert whole["words"][0] == {"text": "He", "start": 0.5, "end": 1.25, "offset": 0}
    assert all(whole["text"][word["offset"] :].startswith(word["text"]) for word in whole["words"])


def test_tsv_is_as_whisper_writes_it(tmp_path):
    """A tsv file has a header, and per cue start and end in whole milliseconds and the text, as Whisper writes it."""
    header, *rows = written(tmp_path, "tsv").read_text().splitlines()
    assert header == "start\tend\ttext"
    assert [row.split("\t") for row in rows] == [
        [str(round(1000 * cue.start)), str(round(1000 * cue.end)), cue.text] for cue in CUES
    ]


def test_hours_are_written(tmp_path):
    """Times of a hundred hours are written in full."""
    late = Captions("late", (TimedWord("late", 360_000.0, 360_001.5, 0, spaced=True),), 360_002.0)
    assert "100:00:00,000 --> 100:00:01,500" in FORMATS["srt"].write(late)
    assert "100:00:00.000 --> 100:00:01.500" in FORMATS["vtt"].write(late)


@pytest.mark.parametrize("ending", FORMATS)
def test_own_files_are_overwritten(tmp_path, ending):
    """A caption file of the same format, whatever the case of its extension, and an empty file are overwritten."""
    file = written(tmp_path, ending).rename(tmp_path / f"x.{ending.upper()}")
    captions.check_target(str(file))
    file.write_bytes(b"")
    captions.check_target(str(file))


@pytest.mark.parametrize("ending", FORMATS)
def test_other_files_are_kept(tmp_path, ending):
    """Captions of another format and other files are overwritten only with `force`."""
    file = tmp_path / f"x.{ending}"
    for content in ('{"name": "package"}', "notes", FORMATS["srt" if ending == "vtt" else "vtt"].write(SPOKEN)):
        file.write_text(content)
        with pytest.raises(StorageError, match="exists and is no caption file; to overwrite it, add --force"):
            captions.check_target(str(file))
        captions.check_target(str(file), force=True)


@pytest.mark.parametrize("name", ["x.ass", "x", ".srt", "-"])
def test_endings_that_there_are_not_are_refused(name):
    """An unknown file extension raises a BadValue that lists the known ones."""
    with pytest.raises(BadValue, match="srt, vtt, json, tsv, TextGrid"):
        captions.check_target(name)


def test_place_that_cannot_be_written_is_refused(tmp_path):
    """A folder as target, and a target in a missing folder, raise a StorageError."""
    (tmp_path / "x.srt").mkdir()
    with pytest.raises(StorageError, match="it is a folder"):
        captions.check_target(str(tmp_path / "x.srt"))
    with pytest.raises(StorageError, match="there is no folder"):
        captions.check_target(str(tmp_path / "nope" / "x.srt"))


def test_nothing_is_written_where_speaking_fails(tmp_path):
    """If speech fails, no file and no part of one is written."""
    with pytest.raises(KeyboardInterrupt), captions.file(str(tmp_path / "x.srt"), TEXT):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
