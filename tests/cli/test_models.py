"""Tests of `speakkit models` as the user types it."""

import json
import shutil

import pytest

from speakkit.engines import hub

pytestmark = pytest.mark.usefixtures("weights")


def test_list_names_the_weights(run):
    """`list` shows the kind of weights and, beside rebuilt ones, the command that fetches the official ones."""
    result = run("speakkit", "models", "list")
    out = result.out.decode()
    assert result.code == 0
    assert "rebuilt from int8" in out
    assert "speakkit models fetch --official kokoro" in out


def test_list_for_scripts(run):
    """`list --json` prints a list of objects."""
    rows = {row["name"]: row for row in json.loads(run("speakkit", "models", "list", "--json").out)}
    assert list(rows) == list(hub.MODELS)
    assert rows["whisper-small"]["state"] == "not installed"
    assert rows["kokoro"]["state"] == "installed"
    assert rows["kokoro"]["weights"] == "rebuilt from int8"
    assert rows["kokoro"]["official"] is False


def test_fetch_says_what_it_got(run):
    """`fetch` says what it got, and a second run gives the same result."""
    for _ in range(2):
        result = run("speakkit", "models", "fetch", "whisper-tiny.en")
        assert result.code == 0
        assert result.out.decode().startswith("whisper-tiny.en: official, ")


def test_official_weights_without_a_hub_are_an_error(run):
    """If the Hub is unreachable, `fetch --official` fails in one line and the installed weights stay."""
    result = run("speakkit", "models", "fetch", "--official", "kokoro")
    assert result.code == 1
    assert "unreachable" in result.err
    assert result.err.count("\n") == 1
    assert hub.state("kokoro").installed is not None


def test_path_is_for_scripts(run):
    """`path` prints one line, the folder."""
    folder = run("speakkit", "models", "path", "kokoro").out.decode().strip()
    assert folder == str(hub.ensure("kokoro").folder)


def test_verify_names_what_is_damaged(run, tmp_path, monkeypatch):
    """`verify` names damaged files, exits with 4 and shows the command that mends them."""
    whole = hub.ensure("whisper-tiny.en").folder
    shutil.copytree(whole, tmp_path / "cache" / "models" / "whisper-tiny.en")
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    assert run("speakkit", "models", "verify", "whisper-tiny.en").code == 0
    (tmp_path / "cache" / "models" / "whisper-tiny.en" / "vocabulary.txt").write_text("other")
    result = run("speakkit", "models", "verify", "whisper-tiny.en")
    assert result.code == 4
    assert "vocabulary.txt" in result.out.decode()
    assert "speakkit models fetch whisper-tiny.en" in result.out.decode()


def test_model_that_is_not_there(run, tmp_path, monkeypatch):
    """A missing model gives one line with the command that fetches it."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    result = run("speakkit", "models", "path", "kokoro")
    assert (result.code, result.out) == (1, b"")
    assert "speakkit models fetch kokoro" in result.err


@pytest.mark.parametrize("verb", ["fetch", "verify", "path"])
def test_unknown_model_is_a_usage_error(run, verb):
    """An unknown model is a usage error that lists the known names."""
    result = run("speakkit", "models", verb, "kokoto")
    assert result.code == 2
    assert "whisper-base" in result.err
