"""Tests of `speakkit voices` as the user types it."""

import json

import numpy as np
import pytest

from speakkit.audiofile import read
from speakkit.engines import voice_packs

pytestmark = pytest.mark.usefixtures("weights")  # else a line on standard error may say who is making them


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The user's voice folder, with one voice in it."""
    (tmp_path / "ef_carmen.bin").write_bytes(voice_packs.pack("ef_dora").tobytes())
    monkeypatch.setenv("SPEAKKIT_VOICES", str(tmp_path))
    return tmp_path


def names(result):
    assert result.code == 0, result.err
    return [row["name"] for row in json.loads(result.out)]


def test_list_shows_all_voices(run):
    """The table shows all voices, with grade and licence of the training data; the word `list` is optional."""
    short, long = run("speakkit", "voices"), run("speakkit", "voices", "list")
    assert (short.code, short.out) == (0, long.out)
    lines = short.out.decode().splitlines()
    assert len(lines) == 55
    assert "af_heart" in lines[1]
    assert "CC BY (SIWIS)" in short.out.decode()


def test_list_for_scripts(run):
    """--json prints a list of objects with all columns of the table."""
    rows = json.loads(run("speakkit", "voices", "--json").out)
    assert len(rows) == 54
    heart = next(row for row in rows if row["name"] == "af_heart")
    assert heart["aliases"] == ["f1"]
    assert (heart["language"], heart["sex"], heart["grade"], heart["installed"]) == ("en-us", "female", "A", True)
    assert all(row.keys() >= {"name", "language", "sex", "grade", "aliases", "installed", "licence"} for row in rows)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("--lang", "es"), ["ef_dora", "em_alex", "em_santa"]),
        (("--lang", "fr"), ["ff_siwis"]),
        (("--grade", "a-"), ["af_heart", "af_bella"]),
        (("--lang", "hi", "--sex", "male"), ["hm_omega", "hm_psi"]),
        (("--lang", "ja", "--grade", "C+"), ["jf_alpha"]),
        (("--lang", "es", "--grade", "F"), []),
    ],
)
def test_filters(run, filters, expected):
    """Voices are filtered by language, sex and minimum grade; a voice without a grade passes no grade filter."""
    assert names(run("speakkit", "voices", *filters, "--json")) == expected


def test_voices_that_need_no_fetching(run, tmp_path, monkeypatch):
    """Eleven voices are installed before anything is fetched."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    assert len(names(run("speakkit", "voices", "--installed", "--json"))) == 11


def test_ones_own_voices_are_listed(run, folder):
    """The user's own voices are listed with their file, and with the language that their name gives."""
    rows = json.loads(run("speakkit", "voices", "--lang", "es", "--json").out)
    own = next(row for row in rows if row["name"] == "ef_carmen")
    assert (own["installed"], own["source"]) == (True, str(folder / "ef_carmen.bin"))


def test_voices_of_the_clouds(run):
    """A cloud engine has its own voices and aliases."""
    rows = json.loads(run("speakkit", "voices", "--engine", "gemini", "--json").out)
    assert len(rows) == 30
    aliases = {alias: row["name"] for row in rows for alias in row["aliases"]}
    assert aliases == {"f1": "Laomedeia", "f2": "Zephyr", "f3": "Aoede", "m1": "Puck"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--lang", "klingon"), ("klingon", "pt-br")),
        (("--sex", "x"), ("female or male",)),
        (("--grade", "Z"), ("'Z'", "A, A-")),
        (("--engine", "espeak"), ("espeak", "gemini")),
        (("prevew",), ("prevew", "preview")),
        (("preview",), ("NAME",)),
        (("preview", "f9"), ("f9",)),
    ],
)
def test_what_no_run_could_accept_is_a_usage_error(run, arguments, words):
    """Invalid options exit with 2 and one line that says how to mend the command."""
    result = run("speakkit", "voices", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, b"", 1)
    assert all(word in result.err for word in words)


def test_preview_speaks_the_voices_own_language(run, whisper, tmp_path):
    """A preview speaks each voice's sample sentence in its language, one after another into one file."""
    result = run("speakkit", "voices", "preview", "s1", "ff_siwis", "-o", tmp_path / "x.wav")
    assert result.code == 0, result.err
    assert "s of es" in result.err
    audio = read(tmp_path / "x.wav")
    (spanish,) = whisper.transcribe([audio], "es")
    assert "parque" in spanish.text.lower()
    assert "fr-fr" in result.err


def test_preview_of_a_text(run, whisper, tmp_path):
    """A preview can speak a given text with a blend, whose name is shown."""
    arguments = ("preview", "f2:1,f3:1", "--text", "The quick brown fox.", "-o", tmp_path / "x.wav")
    result = run("speakkit", "voices", *arguments)
    assert (result.code, result.err.split(":")[0]) == (0, "af_bella+af_sky")
    (transcript,) = whisper.transcribe([read(tmp_path / "x.wav")])
    assert "quick brown fox" in transcript.text.lower()


def test_preview_names_what_is_lost(run, tmp_path):
    """Words that the voice cannot say are named, and the exit code is 5, as for `speak`."""
    result = run("speakkit", "voices", "preview", "f1", "--text", "Hello 你好.", "-o", tmp_path / "x.wav")
    assert result.code == 5
    assert "'你好' at character 6 was not spoken" in result.err


def test_preview_into_a_folder_that_is_not_there(run, tmp_path):
    """A missing output folder is refused before anything is spoken."""
    result = run("speakkit", "voices", "preview", "f1", "-o", tmp_path / "none" / "x.wav")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "no folder" in result.err


def test_fetch(run):
    """`fetch` says what it got."""
    result = run("speakkit", "voices", "fetch")
    assert (result.code, result.out.decode().startswith("voices: official, ")) == (0, True)


def test_speaking_with_ones_own_voice(run, folder, whisper, tmp_path):
    """The user's own voice speaks, alone or in a blend, and its name gives the language."""
    for voice in ("ef_carmen", "ef_carmen(3)+af_sky(1)"):
        result = run("speak", "-v", voice, "-o", tmp_path / "x.wav", "--json", "Buenos días.")
        receipt = json.loads(result.out)
        assert (result.code, receipt["language"]) == (0, "es")
        (transcript,) = whisper.transcribe([read(tmp_path / "x.wav")], "es")
        assert "buenos días" in transcript.text.lower()


def test_broken_pack_is_refused_in_one_line(run, folder, tmp_path):
    """An invalid voice file is refused in one line, before an audio file is written."""
    (folder / "legacy.bin").write_bytes(np.zeros((511, 1, 256), "<f4").tobytes())
    result = run("speak", "-v", "legacy", "-o", tmp_path / "out.wav", "Hello.")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "511 rows" in result.err
    assert not (tmp_path / "out.wav").exists()
