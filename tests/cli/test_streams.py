"""Tests of standard output and standard error: full disks, closed descriptors and poor encodings, in real processes."""

import json
import os
import subprocess

import pytest

FULL = "/dev/full"
SECONDS = 60


@pytest.fixture
def shell(command, tmp_path, monkeypatch):
    """Run a shell command in which $@ is `speakkit`: shell('"$@" voices > /dev/full', LC_ALL="C")."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))

    def run(line, **variables):
        return subprocess.run(
            ["sh", "-c", line, "sh", *command],
            env=os.environ | variables,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )

    return run


@pytest.mark.skipif(not os.path.exists(FULL), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("words", ["voices", "voices --json", "--help", "daemon client-script"])
def test_a_full_disk_behind_standard_output_is_one_line(shell, words):
    """If standard output cannot be written, the exit code is 1, and one line says why."""
    ended = shell(f'"$@" {words} > {FULL}')
    assert ended.stderr == b"speakkit: cannot write standard output: no space left on device\n"
    assert ended.returncode == 1


@pytest.mark.skipif(not os.path.exists(FULL), reason="needs /dev/full")  # noqa: PTH110
def test_a_full_disk_behind_standard_error_changes_nothing(shell):
    """If a message cannot be written, the result and the exit code stay the same, also if both streams are full."""
    assert shell(f'"$@" config unset speed 2> {FULL}').returncode == 0
    assert shell(f'"$@" config unset sped 2> {FULL}').returncode == 2
    assert shell(f'"$@" voices > {FULL} 2> {FULL}').returncode == 1


def test_closed_streams(shell):
    """A closed standard output is an error; with a closed standard error, nothing is written to standard output."""
    ended = shell('"$@" voices >&-')
    assert (ended.returncode, ended.stderr) == (1, b"speakkit: cannot write standard output: bad file descriptor\n")
    ended = shell('"$@" config unset sped 2>&-')
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_a_reader_that_goes_away_is_not_an_error_message(shell):
    """If the reader of a pipe exits, the command ends without a message."""
    ended = shell('("$@" config path; echo $? >&2) | true')
    assert ended.stderr == b"1\n"


def test_an_encoding_without_the_letters_gets_escapes(shell, tmp_path):
    """In ASCII, messages have escapes in place of other letters, and JSON stays JSON."""
    folder = str(tmp_path / "Müller語")
    ended = shell('"$@" config path', SPEAKKIT_HOME=folder, PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stdout) == (0, f"{tmp_path}/M\\xfcller\\u8a9e/config/config.toml\n".encode())
    ended = shell('"$@" config show --json', SPEAKKIT_HOME=folder, PYTHONIOENCODING="ascii")
    assert json.loads(ended.stdout)["file"] == f"{folder}/config/config.toml"


@pytest.mark.parametrize("poor", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_a_file_name_that_is_not_utf8_is_shown_with_escapes(shell, poor):
    """Bytes of a file name that are not UTF-8 are shown as escapes in messages, in any locale."""
    ended = shell(r'"$@" speak --file "$(printf "caf\351.txt")"', **poor)
    assert (ended.returncode, ended.stderr) == (1, b"speakkit: cannot read caf\\udce9.txt: no such file or directory\n")


@pytest.mark.parametrize("columns", ["\u00b2", "0", "-1", "9" * 5000, ""])
def test_a_size_of_the_terminal_that_is_none_is_ignored(run, monkeypatch, columns):
    """An invalid COLUMNS or LINES in the environment changes nothing."""
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    result = run("speakkit", "voices", "--lang", "fr")
    assert result.code == 0
    assert b"ff_siwis" in result.out
