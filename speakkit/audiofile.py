"""Read audio files, and write audio to files and pipes.

Files are written as by `outputfile`: whole or not at all, and not over a file that is not audio, unless forced.
"""

import io
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import numpy as np
import soundfile

from speakkit import outputfile
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


T = TypeVar("T")


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


def check_target(target: str, *, force: bool = False) -> None:
    """Check that audio can be written to `target`, before any synthesis. Raises StorageError as `outputfile.check`."""
    outputfile.check(target, AUDIO, force=force)


@contextmanager
def sink(
    target: str, audio_format: str, sample_rate: int, *, force: bool = False, stdout: BinaryIO | None = None
) -> Iterator[Sink]:
    """Open `target` for audio. The file is put in place when the block succeeds; if it fails, nothing is left behind.

    Standard output ("-") gets raw PCM immediately, and any other format at the end, because its header has the length.
    Raises StorageError as `outputfile.replaced` does.
    """
    if target == STDOUT:
        with _standard_output(_binary(stdout), audio_format, sample_rate) as out:
            yield out
    else:
        with (
            outputfile.replaced(target, AUDIO, force=force) as file,
            _encoder(file, audio_format, sample_rate) as encoder,
        ):
            yield encoder


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


BEHIND = 16
"""Pieces of audio that wait at most to be written by `behind`."""


@contextmanager
def behind(sink: Sink) -> Iterator[Sink]:
    """A sink that writes to `sink` in a thread of its own, so that its caller need not wait for an encoder.

    The block ends when all is written, or, if it fails, without what waits. An error in writing is raised by a later
    write, or at the end of the block.
    """
    with ThreadPoolExecutor(1, "writer") as thread:
        waiting = _Behind(sink, thread)
        try:
            yield waiting
            waiting.finish(0)
        finally:
            waiting.cancel()


class _Behind:
    """Sink of `behind`."""

    def __init__(self, sink: Sink, thread: ThreadPoolExecutor) -> None:
        self._sink, self._thread = sink, thread
        self._waiting: deque[Future[None]] = deque()

    def write(self, audio: Audio) -> None:
        self._waiting.append(self._thread.submit(self._sink.write, audio))
        self.finish(BEHIND)

    def finish(self, left: int) -> None:
        """Wait until at most `left` pieces wait. Raises the error of a piece that could not be written."""
        while self._waiting and (len(self._waiting) > left or self._waiting[0].done()):
            self._waiting.popleft().result()

    def cancel(self) -> None:
        """Write none of the pieces that still wait."""
        for future in self._waiting:
            future.cancel()


class _Pipe:
    """Sink that writes raw PCM to a stream."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, audio: Audio) -> None:
        self._out.write(audio.pcm16())
        self._out.flush()


class _Guard(io.RawIOBase):
    """File object for libsndfile that keeps the first error, because no exception can pass through libsndfile.

    After an error nothing more is written: libsndfile gets 0 from each call.

    error: the first exception, or None
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._result(lambda: self._file.write(data), 0)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._result(lambda: self._file.seek(offset, whence), 0)

    def tell(self) -> int:
        return self._result(self._file.tell, 0)

    def read(self, size: int = -1) -> bytes:
        return self._result(lambda: self._file.read(size), b"")

    def _result(self, call: Callable[[], T], otherwise: T) -> T:
        """The result of `call`, or `otherwise` if it or an earlier call failed."""
        if self.error is None:
            try:
                return call()
            except BaseException as error:  # noqa: BLE001  the encoder raises it
                self.error = error
        return otherwise


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
def _standard_output(stdout: BinaryIO, audio_format: str, sample_rate: int) -> Iterator[Sink]:
    try:
        if audio_format == "pcm":
            yield _Pipe(stdout)
            return
        with tempfile.TemporaryFile() as spool:
            with _encoder(spool, audio_format, sample_rate) as encoder:
                yield encoder
            spool.seek(0)
            shutil.copyfileobj(spool, stdout)
            stdout.flush()
    except (StorageError, BrokenPipeError):
        raise
    except OSError as error:
        raise storage_error(error, "write standard output") from error


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


def _is_audio(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            soundfile.info(file)
        except (soundfile.LibsndfileError, TypeError):  # a TypeError if the name ends in .raw, for samples of no header
            return False
    return True


def _binary(stdout: BinaryIO | None) -> BinaryIO:
    return stdout if stdout is not None else open(1, "wb", closefd=False)


AUDIO = outputfile.Kind("audio", _is_audio)
"""Any audio file that libsndfile can read."""
