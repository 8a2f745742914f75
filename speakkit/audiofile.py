"""Read audio files, and write audio to files and pipes.

A file is written whole or not at all, and does not replace an existing file that is not audio, unless forced.
"""

import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import soundfile

from speakkit.audio import Audio
from speakkit.errors import BadValue, StorageError, storage_error

FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "pcm": ("RAW", "PCM_16"),
}
"""File extension -> libsndfile's names of the format and subtype. "pcm" is 16 bits, little-endian, no header."""

STDOUT = "-"

BLOCK = 24_000
"""Samples per write. Given minutes at once, libsndfile's Vorbis encoder overflows the stack (soundfile issue 396)."""


class Sink(Protocol):
    """A target that audio is written to in pieces."""

    def write(self, audio: Audio) -> None:
        """Append the next piece of audio. Raises StorageError."""


def format_of(target: str, given: str | None) -> str:
    """The format to write to `target`: `given` if set, else the file extension, or wav for standard output.

    Raises BadValue if the result is not one of FORMATS, or if the installed libsndfile was built without it.
    """
    ending = Path(target).suffix.lstrip(".").lower()
    name = given or ("wav" if target == STDOUT else ending)
    known = ", ".join(FORMATS)
    if not name:
        raise BadValue(f"{target} has no file extension; end it with one of {known}, or give --format")
    if name not in FORMATS:
        raise BadValue(f"speakkit does not write {name}; the formats are {known}")
    container, subtype = FORMATS[name]
    if subtype not in soundfile.available_subtypes(container):
        raise BadValue(f"libsndfile {soundfile.__libsndfile_version__} was built without {name}; try wav or flac")
    return name


def check_target(
    target: str, *, force: bool = False, kind: str = "audio", is_kind: Callable[[Path], bool] | None = None
) -> None:
    """Check that `target` can be written, before any synthesis.

    kind: what will be written, for the error message
    is_kind: whether an existing file is of that kind; audio by default
    Raises StorageError if the folder is missing or not writable, if `target` is a folder, or, without `force`, if
    `target` is a file with content that is not of `kind`.
    """
    path = Path(target)
    folder = Path(os.path.realpath(path)).parent  # Path.resolve raises RuntimeError for a link to itself
    try:
        has_folder, is_folder = folder.is_dir(), path.is_dir()
    except OSError as error:  # the name is too long
        raise storage_error(error, f"write {target}") from error
    if not has_folder:
        raise StorageError(f"cannot write {target}: there is no folder {folder}")
    if is_folder:
        raise StorageError(f"cannot write {target}: it is a folder")
    if not os.access(path if _is_special(path) else folder, os.W_OK):
        raise StorageError(f"cannot write {target}: the folder {folder} is not writable")
    if not force and path.is_file() and path.stat().st_size and not (is_kind or _is_audio)(path):
        raise StorageError(f"{target} exists and is no {kind} file; to overwrite it, add --force")


@contextmanager
def sink(target: str, audio_format: str, sample_rate: int, *, stdout: BinaryIO | None = None) -> Iterator[Sink]:
    """Open `target` for audio. The file is put in place when the block succeeds; if it fails, nothing is left behind.

    Standard output ("-") gets raw PCM immediately, and any other format at the end, because its header has the length.
    Raises StorageError, also if the disk is full.
    """
    try:
        if target != STDOUT:
            with replaced(Path(target)) as out, _encoder(out, audio_format, sample_rate) as encoder:
                yield encoder
        elif audio_format == "pcm":
            yield _Pipe(_binary(stdout))
        else:
            with tempfile.TemporaryFile() as spool:
                with _encoder(spool, audio_format, sample_rate) as encoder:
                    yield encoder
                spool.seek(0)
                _copy(spool, _binary(stdout))
    except (StorageError, BrokenPipeError):
        raise
    except OSError as error:
        raise storage_error(error, f"write {'standard output' if target == STDOUT else target}") from error


def read(path: str | Path) -> Audio:
    """The audio of a file as one channel, the mean of its channels. Raises StorageError if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            samples, sample_rate = soundfile.read(file, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise StorageError(f"{path} is no audio file that libsndfile can read") from error
    except OSError as error:
        raise storage_error(error, f"read {path}") from error
    return Audio(samples.mean(axis=1, dtype=np.float32), sample_rate)


class _Pipe:
    """Sink that writes raw PCM to a stream."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, audio: Audio) -> None:
        self._out.write(audio.pcm16())
        self._out.flush()


class _Guard(io.RawIOBase):
    """File object for libsndfile that keeps the write errors that libsndfile would swallow.

    error: the first exception of a write, or None
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return self._file.write(data)
        except BaseException as error:  # noqa: BLE001  an exception cannot pass through libsndfile: the encoder raises it
            self.error = self.error or error
            return 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class _FileWriter:
    """Sink that encodes with libsndfile, in any of its formats."""

    def __init__(self, file: soundfile.SoundFile, guard: _Guard) -> None:
        self._file = file
        self._guard = guard

    def write(self, audio: Audio) -> None:
        pcm = np.frombuffer(audio.pcm16(), np.int16)
        for start in range(0, len(pcm), BLOCK):
            with _libsndfile(self._guard):
                self._file.write(pcm[start : start + BLOCK])


@contextmanager
def _encoder(out: BinaryIO, audio_format: str, sample_rate: int) -> Iterator[_FileWriter]:
    container, subtype = FORMATS[audio_format]
    guard = _Guard(out)
    with _libsndfile(guard):
        file = soundfile.SoundFile(guard, "w", sample_rate, 1, subtype, format=container)
    try:
        yield _FileWriter(file, guard)
    finally:
        with _libsndfile(guard):
            file.close()


@contextmanager
def _libsndfile(guard: _Guard) -> Iterator[None]:
    """Raise the error that `guard` kept, in place of libsndfile's own error."""
    try:
        yield
    except (soundfile.LibsndfileError, AssertionError):
        if guard.error is None:
            raise
    if guard.error is not None:
        raise guard.error


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A temporary file that replaces `path` if the block succeeds. A device or pipe is written to at the end."""
    if _is_special(path):
        with tempfile.TemporaryFile() as spool:
            yield spool
            spool.seek(0)
            with path.open("wb") as device:
                _copy(spool, device)
        return
    path = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with open(handle, "w+b") as file:
            yield file
            os.fchmod(file.fileno(), _mode(path))
            file.flush()
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """The permission bits of the file to be replaced, or those of a new file."""
    with suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _is_audio(path: Path) -> bool:
    try:
        soundfile.info(str(path))
    except soundfile.LibsndfileError:
        return False
    return True


def _binary(stdout: BinaryIO | None) -> BinaryIO:
    return stdout if stdout is not None else open(1, "wb", closefd=False)


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while block := source.read(1 << 20):
        target.write(block)
    target.flush()
