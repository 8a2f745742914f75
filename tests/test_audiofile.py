"""Tests of audio files: written completely or not at all, and never over a file that is not audio."""

import os
import resource
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speakkit.audio import Audio
from speakkit.audiofile import BEHIND, FORMATS, behind, check_target, format_of, read, sink
from speakkit.errors import BadValue, StorageError
from waiting import wait_until

RATE = 24_000
TONE = Audio((0.5 * np.sin(2 * np.pi * 220 * np.arange(2 * RATE) / RATE)).astype(np.float32), RATE)


def written(target, audio_format="wav", audio=TONE):
    with sink(str(target), audio_format, RATE) as out:
        out.write(audio)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pcm"])
def test_what_is_written_is_read_back(tmp_path, name):
    """What is written can be read back in full length; lossless formats keep the samples within 1e-4."""
    written(tmp_path / f"x.{name}", name)
    back = read(tmp_path / f"x.{name}")
    assert back.duration == pytest.approx(2.0, abs=0.1)
    if name in ("wav", "flac"):
        assert np.abs(back.samples - TONE.samples).max() < 1e-4
    else:
        assert np.sqrt(np.mean(back.samples**2)) == pytest.approx(np.sqrt(np.mean(TONE.samples**2)), rel=0.1)


@pytest.mark.parametrize("name", ["ogg", "opus", "mp3"])
def test_minutes_at_once_are_encoded(tmp_path, name):
    """Three minutes in one write are encoded completely: libsndfile's encoders get them in blocks."""
    noise = np.random.default_rng(0).uniform(-1, 1, 180 * RATE).astype(np.float32)
    written(tmp_path / f"x.{name}", name, Audio(noise, RATE))
    assert read(tmp_path / f"x.{name}").duration == pytest.approx(180, abs=0.2)


def broken_off(target, error):
    with sink(str(target), "wav", RATE) as out:
        out.write(Audio(TONE.samples[:100], RATE))
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_is_broken_off_leaves_the_old_file(tmp_path, error):
    """An interrupted write keeps the old file and leaves no other file behind."""
    written(tmp_path / "x.wav")
    before = (tmp_path / "x.wav").read_bytes()
    with pytest.raises(error):
        broken_off(tmp_path / "x.wav", error)
    assert (tmp_path / "x.wav").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_file_is_in_its_place_only_when_it_is_whole(tmp_path):
    """The file appears under its name only after it is complete."""
    with sink(str(tmp_path / "x.wav"), "wav", RATE) as out:
        out.write(TONE)
        assert not (tmp_path / "x.wav").exists()
    assert read(tmp_path / "x.wav").duration == 2.0


def test_permissions_are_those_of_any_new_file(tmp_path):
    """A new file gets the permissions of the umask; a file that is replaced keeps its own."""
    mask = os.umask(0o027)
    try:
        written(tmp_path / "x.wav")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x.wav").stat().st_mode) == 0o640
    (tmp_path / "x.wav").chmod(0o604)
    written(tmp_path / "x.wav")
    assert stat.S_IMODE((tmp_path / "x.wav").stat().st_mode) == 0o604


def test_link_is_followed(tmp_path):
    """A symbolic link stays a link, and its target is replaced."""
    (tmp_path / "link.wav").symlink_to(tmp_path / "real.wav")
    written(tmp_path / "link.wav")
    assert (tmp_path / "link.wav").is_symlink()
    assert read(tmp_path / "real.wav").duration == 2.0


def test_device_is_written_to_and_not_replaced():
    """Writing to /dev/null leaves it a character device."""
    check_target("/dev/null")
    written("/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_pipe_gets_the_whole_file(tmp_path):
    """A named pipe gets the whole file, with the right length in the header."""
    os.mkfifo(tmp_path / "x.wav")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "x.wav").read_bytes()))
    reader.start()
    written(tmp_path / "x.wav")
    reader.join(10)
    assert int.from_bytes(got[0][40:44], "little") == len(TONE.pcm16())


def test_only_audio_is_overwritten_without_force(tmp_path):
    """An audio file or an empty file is overwritten; any other file requires --force."""
    target = tmp_path / "x.wav"
    target.touch()
    check_target(str(target))
    written(target)
    check_target(str(target))
    target.write_text("a poem")
    with pytest.raises(StorageError, match="--force"):
        check_target(str(target))
    check_target(str(target), force=True)


NOISE = Audio(np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE).astype(np.float32), RATE)
"""Five seconds of noise: over 20 kB in every format."""


@contextmanager
def largest_file(n_bytes):
    """Let no file become larger, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("n_bytes", [0, 1_000, 20_000])
@pytest.mark.parametrize("name", FORMATS)
def test_full_disk_is_one_error_and_leaves_nothing(tmp_path, capfd, name, n_bytes):
    """A full disk is a StorageError in every format; no file is left, and nothing is printed by a C callback."""
    with largest_file(n_bytes), pytest.raises(StorageError, match=rf"^cannot write .*x\.{name}: file too large$"):
        written(tmp_path / f"x.{name}", name, NOISE)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", FORMATS)
def test_full_device_is_one_error(capfd, name):
    """A full device, and a full disk below standard output, are a StorageError in every format."""
    with pytest.raises(StorageError, match=r"^cannot write /dev/full: no space left on device$"):
        written("/dev/full", name)
    with pytest.raises(StorageError, match=r"^cannot write standard output: no space left on device$"):
        written_to_full_stdout(name)
    assert capfd.readouterr() == ("", "")


def written_to_full_stdout(audio_format):
    with open("/dev/full", "wb", buffering=0) as full, sink("-", audio_format, RATE, stdout=full) as out:
        out.write(TONE)


def test_file_that_is_made_meanwhile_is_kept(tmp_path):
    """A file that appears after the check is kept if it is not audio; the speech is saved beside it."""
    check_target(str(tmp_path / "x.wav"))
    with pytest.raises(StorageError, match=r"no audio file; the complete file was saved as .*/x\.1\.wav"):
        interfered_with(tmp_path / "x.wav", force=False)
    assert (tmp_path / "x.wav").read_text() == "a poem"
    assert read(tmp_path / "x.1.wav").duration == 2.0
    interfered_with(tmp_path / "x.wav", force=True)
    assert read(tmp_path / "x.wav").duration == 2.0


def interfered_with(target, *, force):
    with sink(str(target), "wav", RATE, force=force) as out:
        out.write(TONE)
        target.write_text("a poem")


def test_name_of_raw_samples_is_no_bug(tmp_path):
    """An existing file with the extension raw, for which soundfile raises a TypeError, needs --force."""
    (tmp_path / "x.raw").write_bytes(b"poem")
    with pytest.raises(StorageError, match="--force"):
        check_target(str(tmp_path / "x.raw"))


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_ending_names_the_format(ending):
    """The file's extension gives the format, in upper case too; --format overrides it."""
    assert format_of(f"x.{ending.upper()}", None) == ending
    assert format_of("x.wav", ending) == ending


def test_format_that_libsndfile_lacks_is_refused(monkeypatch):
    """A format that the installed libsndfile lacks, such as mp3 in an old one, raises BadValue."""
    monkeypatch.setattr(soundfile, "available_subtypes", lambda _: {"PCM_16": ""})
    with pytest.raises(BadValue, match="without mp3"):
        format_of("x.mp3", None)


def test_what_is_no_audio_cannot_be_read(tmp_path):
    """A file that is not audio, or that does not exist, raises StorageError with its name."""
    (tmp_path / "x.wav").write_text("a poem")
    with pytest.raises(StorageError, match=r"x\.wav is no audio"):
        read(tmp_path / "x.wav")
    with pytest.raises(StorageError, match="no such file"):
        read(tmp_path / "y.wav")


class Gate:
    """A sink that records pieces once it is open; it fails at piece number `broken`."""

    def __init__(self, broken=-1):
        self.open = threading.Event()
        self.pieces = []
        self.broken = broken

    def write(self, audio):
        assert self.open.wait(10)
        if len(self.pieces) == self.broken:
            raise StorageError("the disk is full")
        self.pieces.append(int(audio.samples[0]))


def piece(number):
    return Audio(np.full(1, number, np.float32), RATE)


def test_a_caller_need_not_wait_for_the_encoder():
    """Pieces are written in order by another thread; at most BEHIND of them wait; the block ends when all are written.

    A caller that is further ahead waits.
    """
    gate, given = Gate(), []

    def give():
        with behind(gate) as out:
            for number in range(3 * BEHIND):
                out.write(piece(number))
                given.append(number)

    caller = threading.Thread(target=give)
    caller.start()
    wait_until(lambda: len(given) == BEHIND)
    assert not gate.pieces
    gate.open.set()
    caller.join(10)
    assert gate.pieces == list(range(3 * BEHIND))


@pytest.mark.parametrize("count", [4, 4 * BEHIND])
def test_an_error_of_the_thread_reaches_the_caller(count):
    """An error in writing is raised by a later write, or at the end."""
    gate = Gate(broken=3)
    gate.open.set()

    def give():
        with behind(gate) as out:
            for number in range(count):
                out.write(piece(number))

    with pytest.raises(StorageError, match="full"):
        give()
    assert gate.pieces == [0, 1, 2]


def test_what_waits_is_not_written_after_a_failure():
    """If the block fails, the pieces that wait are dropped, and its error is raised."""
    gate = Gate()

    def fail():
        with behind(gate) as out:
            for number in range(BEHIND):
                out.write(piece(number))
            threading.Timer(0.1, gate.open.set).start()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert len(gate.pieces) <= 1
