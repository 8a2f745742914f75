"""Tests of small TOML files: what is refused, line numbers of keys, and replacing a file."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from speakkit import tomlfile
from speakkit.errors import ConfigError, StorageError

FAULTS = {
    "a value that is missing": (b"a = \n", r"settings\.toml is not TOML: invalid value \(at line 1, column 5\)$"),
    "a key given twice": (b"a = 1\na = 2\n", r"not TOML: cannot overwrite a value \(at line 2, column 6\)$"),
    "a list without end": (b"a = " + b"[" * 60_000, r"not TOML: a number in it is too long, or a list too deep$"),
    "a number without end": (b"a = " + b"1" * 5000, r"not TOML: a number in it is too long, or a list too deep$"),
    "another encoding": (b"a = '\xe9'\n", r"settings\.toml is not UTF-8 text \(at offset 5\)$"),
    "UTF-16": ("a = 1\n".encode("utf-16"), r"not UTF-8 text \(at offset 0\)$"),
    "a byte too much": (
        b"#" * (tomlfile.LARGEST + 1),
        r"settings\.toml is larger than 64 KB, the maximum; shorten it$",
    ),
    "a key with too many parts": (b"\na" + b".a" * 20_000 + b" = 1\n", r"a key has more than 32 parts \(at line 2\)$"),
    "a table with too many parts": (b"[" + b"'a' . " * 9000 + b"a]\n", r"a key has more than 32 parts \(at line 1\)$"),
    "an inline key with too many parts": (b"b = {" + b"a." * 9000 + b"a = 1}\n", r"more than 32 parts \(at line 1\)$"),
}

HALTING = """
import pathlib, sys, time
from speakkit import tomlfile

def halt(descriptor):
    print("half-way", flush=True)
    time.sleep(60)

tomlfile.os.fsync = halt
file = pathlib.Path(sys.argv[1])
with tomlfile.locked(file):
    tomlfile.replace(file, "a = 2")
"""
"""A process that stops after it has written the new file, and before it renames it."""

COUNTING = """
import pathlib, sys
from speakkit import tomlfile

file = pathlib.Path(sys.argv[1])
for _ in range(25):
    with tomlfile.locked(file):
        tomlfile.replace(file, f"a = {tomlfile.read(file).values['a'] + 1}")
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.toml"


@pytest.mark.parametrize(("raw", "message"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_is_no_toml(raw, message, file):
    """An invalid file raises ConfigError in one line, with its name and, if known, the position."""
    file.write_bytes(raw)
    with pytest.raises(ConfigError, match=message) as caught:
        tomlfile.read(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"[blends]\n" + b"".join(b"n%d = 'f1'\n" % number for number in range(4500)),
        (b"a" + b".a" * 31 + b" = 1\n[" + b"a." * 31 + b"b]\n") * 400,
        b"a = '" + b"a" * 60_000 + b"'",
        b"a = " + b"'" * 3 + b'"' * 60_000,
        b"a" * 60_000,
        b"a = " + b"[" * 60_000,
    ],
)
def test_no_file_takes_long(raw, file):
    """The largest accepted files, however they are written, are read or refused in less than a second."""
    file.write_bytes(raw)
    began = time.process_time()
    with suppress(ConfigError):
        tomlfile.read(file).where("a")
    assert time.process_time() - began < 1


def test_a_larger_file_can_be_accepted(file):
    """The caller may accept larger files."""
    file.write_bytes(b"#" * (tomlfile.LARGEST + 1))
    assert tomlfile.read(file, largest=tomlfile.LARGEST + 1).values == {}


def test_a_missing_file_is_empty(tmp_path):
    """A missing file has no values, also if its parent is a file."""
    (tmp_path / "file").touch()
    assert tomlfile.read(tmp_path / "nowhere.toml").values == {}
    assert tomlfile.read(tmp_path / "file" / "settings.toml").values == {}


def test_a_byte_order_mark_is_no_fault(file):
    """A byte order mark, as some editors write it, is accepted."""
    file.write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert tomlfile.read(file).values == {"a": 1}


def test_what_is_no_file_is_refused(tmp_path):
    """A folder raises ConfigError, and so does a pipe, without waiting for a writer."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read .*/folder: is a directory"):
        tomlfile.read(tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="/pipe is no regular file"):
        tomlfile.read(tmp_path / "pipe")


def test_where_a_key_stands(file):
    """where() finds keys in tables and under dotted or quoted names, but not inside multi-line strings.

    For a missing key it returns the file's name without a line.
    """
    file.write_text(
        'a = 1\n"b" = 2 # c = 3\n\n# \'\'\' no quotes\ntext = """\nd = 4\n[d]\n"""\nd = 5\ne.f = 6\n'
        "g = {h = 7}\n[ i . 'j' ]\n  k = 8\n[[l]]\nm = 9\n"
    )
    read = tomlfile.read(file)
    places = [("a",), ("b",), ("c",), ("d",), ("e", "f"), ("g", "h"), ("i", "j"), ("i", "j", "k"), ("l",), ("l", "m")]
    lines = [read.where(*keys).removeprefix("settings.toml").strip() for keys in places]
    assert lines == ["line 1", "line 2", "", "line 9", "line 10", "line 11", "line 12", "line 13", "line 14", "line 15"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_private_file_that_others_may_touch(mode, file):
    """A private file that other users can read or write is refused with the command that mends it."""
    file.write_text("a = 1")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"can be read or changed by others; try: chmod 600 {file}$"):
        tomlfile.read(file, private=True)
    file.chmod(0o600)
    assert tomlfile.read(file, private=True).values == {"a": 1}


def test_a_private_file_of_another_user(file):
    """A private file of another user is refused, also for root."""
    file.touch(0o600)
    if os.geteuid() == 0:
        os.chown(file, 12345, -1)
    with pytest.raises(ConfigError, match="belongs to another user"):
        tomlfile.read(file if os.geteuid() == 0 else Path("/etc/passwd"), private=True)


def test_a_link_to_a_private_file(file, tmp_path):
    """A link to a private file is followed, unless it leads into a folder of another user."""
    with tempfile.NamedTemporaryFile(dir=None if os.geteuid() else tmp_path) as target:
        file.symlink_to(target.name)
        if os.geteuid() == 0:
            assert tomlfile.read(file, private=True).values == {}
            os.chown(tmp_path, 12345, -1)
        with pytest.raises(ConfigError, match="links into a folder of another user"):
            tomlfile.read(file, private=True)


def test_an_error_of_a_private_file_quotes_nothing(file):
    """The error about a private file gives the position and quotes none of its content."""
    file.touch(0o600)
    file.write_text("[sk-1234]\n[sk-1234]\n")
    with pytest.raises(ConfigError) as caught:
        tomlfile.read(file, private=True)
    assert str(caught.value).endswith("settings.toml is not TOML: (at line 2, column 9)")


def test_a_new_file_is_private_from_the_start(file, monkeypatch):
    """A new file has mode 0600 before its first byte is written, whatever the umask."""
    modes = []
    fsync = os.fsync

    def look(descriptor):
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    before = os.umask(0)
    try:
        with tomlfile.locked(file.parent / "new" / "settings.toml"):
            tomlfile.replace(file.parent / "new" / "settings.toml", "a = 1")
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert (file.parent / "new").stat().st_mode & 0o777 == 0o700
    assert (file.parent / "new" / "settings.toml").stat().st_mode & 0o777 == 0o600


def test_rights_and_links_are_kept(file, tmp_path):
    """Replacing a file keeps its mode, and a symbolic link to it."""
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles" / "mine.toml"
    target.write_text("a = 1")
    target.chmod(0o644)
    file.symlink_to(target)
    tomlfile.replace(file, "a = 2")
    assert file.is_symlink()
    assert target.read_text() == "a = 2"
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_cannot_be_written(tmp_path):
    """A folder that cannot be written to raises StorageError with the reason."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(StorageError, match=r"cannot write .*/file/settings\.toml: file exists"),
        tomlfile.locked(tmp_path / "file" / "settings.toml"),
    ):
        pytest.fail("there is no lock to hold")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*/folder: is a directory"):
        tomlfile.replace(tmp_path / "folder", "a = 1")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


def test_killed_half_way(file):
    """If the writer is killed midway, the old file stays, the lock is free, and the partial file is removed later."""
    file.write_text("a = 1")
    with subprocess.Popen([sys.executable, "-c", HALTING, file], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half-way\n"
        process.send_signal(signal.SIGKILL)
    assert tomlfile.read(file).values == {"a": 1}
    with tomlfile.locked(file):
        tomlfile.replace(file, "a = 3")
    assert tomlfile.read(file).values == {"a": 3}
    assert not list(file.parent.glob(".*.partial"))


def test_writers_at_once_lose_nothing(file):
    """Three processes count to 75 together without lost updates, and the file is readable at any moment."""
    file.write_text("a = 0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNTING, file]) for _ in range(3)]
    while any(process.poll() is None for process in processes):
        assert 0 <= tomlfile.read(file).values["a"] <= 75
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert tomlfile.read(file).values == {"a": 75}
