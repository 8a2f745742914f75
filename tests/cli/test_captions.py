"""Tests of `speak --captions` as the user types it."""

import json

import pytest
import srt

from speakkit.audiofile import read
from speakkit.speech.captions import FORMATS

pytestmark = pytest.mark.usefixtures("weights")  # else a line on standard error may say who is making them

TEXT = "The quick brown fox pays $5 on Nov 23. It is late."


@pytest.mark.parametrize("ending", FORMATS)
def test_captions_are_written_beside_the_speech(run, tmp_path, ending):
    """The extension gives the caption format, and the captions contain all words of the text."""
    captions = tmp_path / f"x.{ending}"
    result = run("speak", "-q", "-o", tmp_path / "x.wav", "--captions", captions, TEXT)
    assert (result.code, result.out, result.err) == (0, b"", "")
    content = " ".join(captions.read_text().split())
    assert all(word in content for word in TEXT.split())
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["x.wav", captions.name])


def test_receipt_names_the_captions(run, tmp_path):
    """The receipt names the caption file, and its times match the audio."""
    captions = tmp_path / "x.json"
    result = run("speak", "--json", "-o", tmp_path / "x.wav", "--captions", captions, TEXT)
    assert json.loads(result.out)["captions"] == str(captions)
    written = json.loads(captions.read_text())
    assert [word["text"] for word in written["words"]] == TEXT.split()
    assert written["duration"] == pytest.approx(read(tmp_path / "x.wav").duration, abs=0.001)
    assert written["words"][-1]["end"] <= written["duration"]
    assert json.loads(run("speak", "--json", "-o", tmp_path / "x.wav", TEXT).out)["captions"] is None


def test_speech_may_go_to_standard_output(run, tmp_path):
    """The captions are written to their file while the speech goes to standard output."""
    result = run("speak", "-q", "-o", "-", "--captions", tmp_path / "x.srt", TEXT)
    assert result.out[:4] == b"RIFF"
    (cue, *_) = srt.parse((tmp_path / "x.srt").read_text())
    assert cue.content.startswith("The quick brown fox")


def test_markup_is_not_shown(run, tmp_path):
    """Markup that is not spoken is not in the captions, and word offsets are those of the source file."""
    (tmp_path / "x.md").write_text("# A heading\n\nIt is **very** [nice](https://example.com), too.\n")
    run("speak", "-q", "-o", tmp_path / "x.wav", "--captions", tmp_path / "x.json", "--file", tmp_path / "x.md")
    written = json.loads((tmp_path / "x.json").read_text())
    assert [word["text"] for word in written["words"]] == ["A", "heading", "It", "is", "very", "nice,", "too."]
    assert all(written["text"][word["offset"] :].startswith(word["text"][:4]) for word in written["words"])


@pytest.mark.parametrize(
    ("name", "words"),
    [("x.ass", ("srt, vtt, json, tsv, TextGrid", "ass")), ("x", ("srt, vtt",)), ("x.wav", ("srt, vtt", "wav"))],
)
def test_captions_that_no_run_could_write_are_a_usage_error(run, tmp_path, name, words):
    """A caption file that cannot be written is a usage error, before any speech."""
    result = run("speak", "-o", tmp_path / "x.wav", "--captions", tmp_path / name, TEXT)
    assert (result.code, result.out, result.err.count("\n")) == (2, b"", 1)
    assert all(word in result.err for word in words)
    assert list(tmp_path.iterdir()) == []


def test_speech_and_captions_need_two_files(run, tmp_path):
    """The same file for speech and captions is a usage error."""
    target = tmp_path / "x.srt"
    result = run("speak", "-o", target, "--format", "wav", "--captions", target, TEXT)
    assert result.code == 2
    assert "cannot both be written" in result.err


def test_file_that_is_no_caption_is_kept_without_force(run, tmp_path):
    """A file that is not a caption file is overwritten only with --force; without it, no speech is written either."""
    target = tmp_path / "package.json"
    target.write_text('{"name": "mine"}')
    result = run("speak", "-o", tmp_path / "x.wav", "--captions", target, TEXT)
    assert result.code == 1
    assert "no caption file" in result.err
    assert [file.name for file in tmp_path.iterdir()] == ["package.json"]
    assert run("speak", "-q", "--force", "-o", tmp_path / "x.wav", "--captions", target, TEXT).code == 0
    assert "words" in json.loads(target.read_text())
