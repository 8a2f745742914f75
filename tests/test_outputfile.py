"""Tests of output files: written whole or not at all, and never over a file of another kind, also if it is new."""

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from speakkit.errors import StorageError
from speakkit.outputfile import Kind, check, replaced

DIARY = Kind("diary", lambda path: path.read_bytes().startswith(b"dear"))
OLD, NEW, POEM = b"dear diary, an old day", b"dear diary, a new day", b"a poem"
NOBODY = 65_534
STRANGER = 12_345


def written(target, meanwhile=lambda: None, *, force=False):
    """Write NEW to `target`; meanwhile() is called when its content is made, and not yet in place."""
    with replaced(target, DIARY, force=force) as out:
        out.write(NEW)
        meanwhile()


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@contextmanager
def shared_folder(mode=0o1777):
    """A folder outside of those of pytest, which other users cannot reach; skips the test without root's rights."""
    if os.geteuid() != 0:
        pytest.skip("only root can act for other users")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(mode)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def user(uid):
    """Act as another user."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture(params=[True, False], ids=["with hard links", "without"])
def links(request, monkeypatch):
    """Whether the file system has hard links."""

    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    if not request.param:
        monkeypatch.setattr(os, "link", refused)


@pytest.mark.parametrize("before", [None, b"", OLD])
def test_what_may_be_overwritten_is_replaced(tmp_path, links, before):
    """A new file, an empty one and one of the same kind are replaced."""
    target = tmp_path / "x.txt"
    if before is not None:
        target.write_bytes(before)
    check(target, DIARY)
    written(target)
    assert contents(tmp_path) == {"x.txt": NEW}


@pytest.mark.parametrize("before", [None, b"", OLD])
def test_a_file_that_is_made_meanwhile_is_kept(tmp_path, links, before):
    """A file of another kind that appears after the check is kept; the new content is saved beside it, and named."""
    target = tmp_path / "x.txt"
    if before is not None:
        target.write_bytes(before)
    check(target, DIARY)
    with pytest.raises(StorageError, match=r"x\.txt exists and is no diary file; .* saved as .*/x\.1\.txt$"):
        written(target, lambda: target.write_bytes(POEM))
    assert contents(tmp_path) == {"x.txt": POEM, "x.1.txt": NEW}
    with pytest.raises(StorageError, match=r"saved as .*/x\.2\.txt$"):
        written(target)
    assert contents(tmp_path) == {"x.txt": POEM, "x.1.txt": NEW, "x.2.txt": NEW}


@pytest.mark.parametrize("found", [b"", OLD])
def test_a_file_that_is_made_meanwhile_and_may_be_overwritten_is_replaced(tmp_path, links, found):
    """The rule for files that appear after the check is that of the check."""
    target = tmp_path / "x.txt"
    written(target, lambda: target.write_bytes(found))
    assert contents(tmp_path) == {"x.txt": NEW}


def test_force_replaces_any_file(tmp_path, links):
    """With `force`, a file of another kind is replaced, whether it was there before or appears meanwhile."""
    target = tmp_path / "x.txt"
    written(target, lambda: target.write_bytes(POEM), force=True)
    target.write_bytes(POEM)
    check(target, DIARY, force=True)
    written(target, force=True)
    assert contents(tmp_path) == {"x.txt": NEW}


def test_a_folder_that_is_made_meanwhile_is_kept(tmp_path):
    """A folder or pipe that appears after the check is kept, also with `force`."""
    for name, make in (("folder", Path.mkdir), ("pipe", os.mkfifo)):
        target = tmp_path / name
        with pytest.raises(StorageError, match=rf"saved as .*/{name}\.1$"):
            written(target, lambda make=make, target=target: make(target), force=True)
    assert (tmp_path / "folder").is_dir()
    assert (tmp_path / "pipe").is_fifo()


def test_a_pipe_that_becomes_a_file_is_kept(tmp_path):
    """A file that has taken the place of a pipe is not written to."""
    target = tmp_path / "x.txt"
    os.mkfifo(target)

    def replace():
        target.unlink()
        target.write_bytes(POEM)

    with pytest.raises(StorageError, match="is a file now"):
        written(target, replace)
    assert contents(tmp_path) == {"x.txt": POEM}


def test_a_folder_that_disappears_is_an_error(tmp_path):
    """If the folder is removed meanwhile, the error names the file."""
    target = tmp_path / "folder" / "x.txt"
    target.parent.mkdir()
    with pytest.raises(StorageError, match=r"^cannot write .*x\.txt: its folder, .* was removed$"):
        written(target, lambda: shutil.rmtree(target.parent))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_becomes_unwritable_keeps_what_is_complete():
    """If the folder becomes unwritable meanwhile, the complete content stays in the temporary file, which is named."""
    with shared_folder(0o777) as folder, user(NOBODY):
        (folder / "own").mkdir()
        with pytest.raises(StorageError, match=r"x\.txt: permission denied; the complete file was saved as ") as error:
            written(folder / "own" / "x.txt", lambda: (folder / "own").chmod(0o555))
        assert Path(str(error.value).rpartition(" saved as ")[2]).read_bytes() == NEW


def test_what_cannot_be_read_is_no_bug():
    """An existing file without read permission is a StorageError with its name."""
    with shared_folder(0o777) as folder:
        (folder / "x.txt").write_bytes(POEM)
        (folder / "x.txt").chmod(0)
        with user(NOBODY), pytest.raises(StorageError, match=r"^cannot read .*x\.txt: permission denied$"):
            check(folder / "x.txt", DIARY)


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "ü" * 125 + ".txt", "語" * 83 + ".txt", "x." + "y" * 253])
def test_the_longest_names_are_written(tmp_path, name):
    """A name of up to 255 bytes is written; if a file of that name appears meanwhile, a free name is found."""
    target = tmp_path / name
    check(target, DIARY)
    written(target)
    assert contents(tmp_path) == {name: NEW}
    with pytest.raises(StorageError, match=" saved as "):
        written(target, lambda: target.write_bytes(POEM))
    (spare,) = {file.name for file in tmp_path.iterdir()} - {name}
    assert spare.startswith(f"{Path(name).stem[:40]}.1{Path(name).suffix[:20]}")


@pytest.mark.parametrize("name", ["x" * 252 + ".txt", "ü" * 126 + ".txt"])
def test_a_name_that_is_too_long_is_refused(tmp_path, name):
    """A name of over 255 bytes is a StorageError."""
    for attempt in (lambda: check(tmp_path / name, DIARY), lambda: written(tmp_path / name)):
        with pytest.raises(StorageError, match=r"file name too long$"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_links_are_followed(tmp_path):
    """Links stay links, also those of folders and in a row, and the file at their end is replaced."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "shortcut").symlink_to("folder")
    (tmp_path / "folder" / "first").symlink_to("../folder/second")
    (tmp_path / "folder" / "second").symlink_to(tmp_path / "real")
    written(tmp_path / "shortcut" / "first")
    assert (tmp_path / "real").read_bytes() == NEW
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_symlink()) == ["first", "second", "shortcut"]


def test_links_in_a_circle_are_refused(tmp_path):
    """Links that lead to each other are a StorageError."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StorageError, match="too many levels of symbolic links"):
        check(tmp_path / "a", DIARY)


@pytest.mark.parametrize("planted", ["x.txt", "link", "folder"])
def test_a_link_of_another_user_is_not_followed(tmp_path, planted):
    """In a folder like /tmp, a link that another user made is not followed, not even with `force`."""
    victim = tmp_path / "x.txt"
    victim.write_bytes(OLD)
    with shared_folder() as folder:
        (folder / planted).symlink_to(tmp_path if planted == "folder" else victim)
        os.lchown(folder / planted, STRANGER, STRANGER)
        target = folder / planted / "x.txt" if planted == "folder" else folder / planted
        if planted == "link":
            target = tmp_path / "mine"
            target.symlink_to(folder / planted)
        for attempt in (lambda: check(target, DIARY, force=True), lambda: written(target, force=True)):
            with pytest.raises(StorageError, match=rf"{folder / planted}: it is a link of another user"):
                attempt()
    assert victim.read_bytes() == OLD


@pytest.mark.parametrize(
    ("mode", "owner", "follower"), [(0o1777, NOBODY, NOBODY), (0o1777, 0, NOBODY), (0o755, STRANGER, 0)]
)
def test_other_links_are_followed(mode, owner, follower):
    """One's own link, that of the folder's owner, and any link in a folder that is not shared are followed."""
    with shared_folder(mode) as folder, shared_folder(0o777) as elsewhere:
        (folder / "x.txt").symlink_to(elsewhere / "real")
        os.lchown(folder / "x.txt", owner, owner)
        with user(follower):
            check(folder / "x.txt", DIARY)
            written(folder / "x.txt")
        assert (elsewhere / "real").read_bytes() == NEW


def test_standard_output_by_name_is_a_pipe(tmp_path):
    """/dev/stdout, a link to a pipe without a path, is written to."""
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe:
        check(f"/dev/fd/{writing}", DIARY)
        written(f"/dev/fd/{writing}")
        os.close(writing)
        assert pipe.read() == NEW


def test_permissions_are_kept(tmp_path):
    """The temporary file is private; the file in place has the permissions of the one that it replaces."""
    target = tmp_path / "x.txt"
    target.write_bytes(OLD)
    target.chmod(0o604)
    modes = []
    written(target, lambda: modes.extend(stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob(".*.part")))
    assert modes == [0o600]
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


def test_an_error_of_the_block_is_a_storage_error(tmp_path):
    """An OSError while the content is made is a StorageError that names the file, and nothing is left behind."""

    def fail():
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"^cannot write .*x\.txt: no space left on device$"):
        written(tmp_path / "x.txt", fail)
    assert list(tmp_path.iterdir()) == []
