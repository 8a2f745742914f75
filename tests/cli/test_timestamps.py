"""Tests of `speakkit timestamps`: sources of word times, formats, several recordings, and bad input."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import praatio.textgrid
import pytest
import soundfile

DATA = Path(__file__).parent.parent / "data"
TEXT = "The train left the station at nine o'clock, and nobody waved."
OTHER = "Seven green apples fell quietly into an empty wooden bucket."


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A recording of TEXT with the word times of its own engine, as x.wav and x.json."""
    from speakkit.audiofile import sink
    from speakkit.speech import captions
    from speakkit.speech.synthesize import speaker
    from speakkit.speech_request import SpeechRequest

    folder = tmp_path_factory.mktemp("recorded")
    with speaker(SpeechRequest(voice="m1", device="cpu")) as talker:
        utterance = talker.utterance(SpeechRequest(TEXT))
    with captions.file(str(folder / "x.json"), TEXT) as recorder, sink(str(folder / "x.wav"), "wav", 24_000) as out:
        for segment in utterance.segments:
            recorder.add(segment)
        out.write(utterance.audio)
    return folder


@pytest.fixture
def clip(recorded, tmp_path):
    """The recording alone, in a folder of its own."""
    return Path(shutil.copy(recorded / "x.wav", tmp_path / "x.wav"))


@pytest.fixture
def times(run):
    """times(ARGUMENT, ...) runs the command with --json, and returns the object that it prints."""

    def times(*arguments):
        ended = run("speakkit", "timestamps", *arguments, "--json")
        assert ended.code == 0, ended.err
        return json.loads(ended.out)

    return times


def own(recorded):
    """Start of each word by the engine that spoke it, in seconds."""
    return [row["start"] for row in json.loads((recorded / "x.json").read_text())["words"]]


def starts(found):
    return [word["from"] for word in found["words"]]


def check(found, text):
    """Check what holds for the words of every source."""
    assert found["text"] == text
    for word in found["words"]:
        assert text[word["start"] : word["end"]] == word["text"]
        if word["from"] is not None:
            assert 0 <= word["from"] < word["to"] <= found["duration"] + 0.05
    placed = [word for word in found["words"] if word["from"] is not None]
    assert [word["from"] for word in placed] == sorted(word["from"] for word in placed)


def test_a_known_text_is_aligned(times, clip, recorded):
    found = times(clip, "--text", TEXT)
    check(found, TEXT)
    assert [word["text"] for word in found["words"]] == TEXT.split()
    assert {word["source"] for word in found["words"]} == {"alignment"}
    assert found["engine"] == "hama"
    assert found["is_text_of_recording"]
    away = np.abs(np.array(starts(found)) - own(recorded))
    assert np.median(away) < 0.03
    assert away.max() < 0.12


def test_text_beside_the_recording_is_used(times, clip):
    clip.with_suffix(".txt").write_text(f"{TEXT}\n")
    assert times(clip)["engine"] == "hama"


def test_captions_of_the_engine_come_first(times, recorded, clip):
    clip.with_suffix(".txt").write_text(OTHER)
    shutil.copy(recorded / "x.json", clip.parent)
    found = times(clip)
    check(found, TEXT)
    assert found["engine"] == "kokoro"
    assert starts(found) == own(recorded)
    assert {word["source"] for word in found["words"]} == {"captions"}


def test_captions_of_another_recording_are_not_used(times, recorded, clip):
    kept = json.loads((recorded / "x.json").read_text())
    clip.with_suffix(".json").write_text(json.dumps(kept | {"duration": kept["duration"] + 1}))
    assert times(clip, "--text", TEXT)["engine"] == "hama"


@pytest.mark.parametrize("damaged", ["", "[1]", '{"words": [{}]}', '{"words": 3, "text": "", "duration": "x"}'])
def test_damaged_captions_are_not_used(times, clip, damaged):
    clip.with_suffix(".json").write_text(damaged)
    assert times(clip, "--text", TEXT)["engine"] == "hama"


def test_an_unknown_text_is_recognized_and_then_aligned(times, clip, recorded):
    found = times(clip)
    check(found, found["text"])
    assert found["engine"] == "whisper-base + hama"
    assert re.sub(r"[^a-z ]", "", found["text"].lower()).startswith("the train left the station")
    assert {word["source"] for word in found["words"]} <= {"recognition", "missing"}
    assert abs(starts(found)[1] - own(recorded)[1]) < 0.1


def test_a_named_recognizer_gives_its_own_times(times, clip):
    found = times(clip, "--engine", "whisper-tiny.en")
    check(found, found["text"])
    assert found["engine"] == "whisper-tiny.en"
    assert all(0 <= word["score"] <= 1 for word in found["words"])


def test_the_text_of_another_recording_is_told(run, clip):
    ended = run("speakkit", "timestamps", clip, "--text", OTHER, "--json")
    assert ended.code == 4
    assert "not this text" in ended.err
    assert not json.loads(ended.out)["is_text_of_recording"]


def test_missing_words_are_marked_and_named(run, clip):
    ended = run("speakkit", "timestamps", clip, "--text", TEXT.replace("station", "old railway station"), "--json")
    found = json.loads(ended.out)
    check(found, found["text"])
    assert "railway" in ended.err
    (missing,) = (word for word in found["words"] if word["text"] == "railway")
    assert (missing["from"], missing["to"], missing["source"]) == (None, None, "missing")
    assert ended.code == 0


def test_a_person_sees_a_table(run, clip):
    ended = run("speakkit", "timestamps", clip, "-t", TEXT)
    assert ended.code == 0
    lines = ended.out.decode().splitlines()
    assert lines[0].split() == ["from", "to", "word", "source", "score"]
    assert len(lines) == 1 + len(TEXT.split())


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("x.srt", "1\n00:00:0"),
        ("x.vtt", "WEBVTT"),
        ("x.tsv", "start\tend"),
        ("x.lrc", "[00:0"),
        ("x.json", '{\n "path"'),
    ],
)
def test_formats_by_ending(run, recorded, tmp_path, name, begins):
    ended = run("speakkit", "timestamps", recorded / "x.wav", "-o", tmp_path / name)
    assert (ended.code, ended.out) == (0, b"")
    written = (tmp_path / name).read_text()
    assert written.startswith(begins)
    assert "station" in written
    assert run("speakkit", "timestamps", recorded / "x.wav", "-o", tmp_path / name).code == 0  # of the same kind


def test_textgrid_has_the_words(run, recorded, tmp_path):
    run("speakkit", "timestamps", recorded / "x.wav", "-o", tmp_path / "x.TextGrid")
    grid = praatio.textgrid.openTextgrid(tmp_path / "x.TextGrid", includeEmptyIntervals=False)
    assert [interval.label for interval in grid.getTier("words").entries] == TEXT.split()


def test_a_format_is_printed(run, recorded):
    ended = run("speakkit", "timestamps", recorded / "x.wav", "--format", "lrc")
    assert re.match(rb"\[00:00\.\d\d\]The train left", ended.out)


def test_several_recordings_write_beside_themselves(run, clip):
    for name in ("y.wav", "z.wav"):
        shutil.copy(clip, clip.with_name(name))
    for name in ("x.txt", "y.txt"):
        clip.with_name(name).write_text(TEXT)
    clip.with_name("z.wav").write_bytes(b"no audio")
    ended = run("speakkit", "timestamps", clip.parent, "--format", "srt")
    assert ended.code == 1
    assert "z.wav is no audio" in ended.err
    assert {file.name for file in clip.parent.glob("*.srt")} == {"x.srt", "y.srt"}


def test_several_recordings_print_lines_of_json(run, recorded, clip):
    shutil.copy(recorded / "x.json", clip.parent)
    ended = run("speakkit", "timestamps", clip, recorded / "x.wav", "--json")
    assert [json.loads(line)["path"] for line in ended.out.splitlines()] == [str(clip), str(recorded / "x.wav")]


def test_a_folder_takes_the_files_of_several(run, recorded, tmp_path):
    shutil.copy(recorded / "x.wav", tmp_path / "y.wav")
    shutil.copy(recorded / "x.json", tmp_path / "y.json")
    ended = run(
        "speakkit", "timestamps", recorded / "x.wav", tmp_path / "y.wav", "-o", tmp_path / "made", "--format", "vtt"
    )
    assert ended.code == 0, ended.err
    assert {file.name for file in (tmp_path / "made").iterdir()} == {"x.vtt", "y.vtt"}


def test_standard_input(run, clip):
    ended = run("speakkit", "timestamps", "-", "--text", TEXT, "--json", stdin=clip.read_bytes())
    assert json.loads(ended.out)["words"][0]["text"] == "The"


def test_a_file_that_is_no_captions_is_kept(run, recorded, tmp_path):
    (tmp_path / "x.srt").write_text("my notes")
    ended = run("speakkit", "timestamps", recorded / "x.wav", "-o", tmp_path / "x.srt")
    assert ended.code == 1
    assert "--force" in ended.err
    assert (tmp_path / "x.srt").read_text() == "my notes"
    assert run("speakkit", "timestamps", recorded / "x.wav", "-o", tmp_path / "x.srt", "--force").code == 0


def test_silence_has_no_words(run, tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros(32_000), 16_000)
    ended = run("speakkit", "timestamps", tmp_path / "s.wav", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["words"] == []
    assert "no speech" in ended.err
    aligned = run("speakkit", "timestamps", tmp_path / "s.wav", "--text", TEXT, "--json")
    assert aligned.code == 4
    assert {word["source"] for word in json.loads(aligned.out)["words"]} == {"missing"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--text", "..."], 1, "no words"),
        (["--text", ""], 1, "no words"),
        (["--text", "a", "--text-file", "b.txt"], 2, "not both"),
        (["--text-file", "missing.txt"], 1, "missing.txt"),
        (["--format", "docx"], 2, "docx"),
        (["-o", "x.docx"], 2, "docx"),
        (["-o", "none/x.srt"], 1, "no folder"),
        (["--engine", "nobody"], 2, "nobody"),
        (["--engine", "hama"], 2, "needs the text"),
        (["--engine", "hama", "--text", "hola", "--lang", "es"], 2, "English"),
        (["--lang", "xx", "--engine", "whisper-base"], 2, "xx"),
    ],
)
def test_mistakes_are_told(run, clip, monkeypatch, arguments, code, said):
    monkeypatch.chdir(clip.parent)
    ended = run("speakkit", "timestamps", clip, *arguments)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_two_recordings_cannot_write_one_file(run, clip):
    shutil.copy(clip, clip.with_suffix(".flac"))
    ended = run("speakkit", "timestamps", clip, clip.with_suffix(".flac"))
    assert ended.code == 2
    assert "both be written" in ended.err


def test_a_folder_without_audio(run, tmp_path):
    ended = run("speakkit", "timestamps", tmp_path)
    assert ended.code == 1
    assert "no audio" in ended.err


def test_another_language_is_aligned_coarsely(times, remembering, tmp_path):
    import speakkit
    from speakkit import audiofile

    text = "Buenos días, el tren sale mañana a las nueve."
    (utterance,) = speakkit.synthesize(text, voice="s1", device="cpu")
    with audiofile.sink(str(tmp_path / "x.wav"), "wav", 24_000) as out:
        out.write(utterance.audio)
    found = times(tmp_path / "x.wav", "--text", text, "--lang", "es")
    check(found, text)
    assert [word["text"] for word in found["words"]] == text.split()
    assert (found["language"], found["engine"]) == ("es", "whisper-base")


def test_python_gives_the_same(clip):
    import speakkit

    found = speakkit.align(clip, TEXT)
    assert [word.text for word in found.words] == TEXT.split()
    assert "station" in speakkit.transcribe(str(clip)).text
