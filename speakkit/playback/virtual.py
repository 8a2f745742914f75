"""Sinks without an audio device: a clock, and a file."""

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from speakkit.errors import NoAudioDevice, storage_error
from speakkit.playback import pcm

HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
"""Header of a WAV file: the RIFF chunk, the format chunk, and the name and size of the data chunk."""

IEEE_FLOAT = 3
"""WAV format tag of float samples."""


class Clock:
    """Sink that accepts samples at the rate of a real device, and drops them."""

    name = "timed-null"
    underruns = 0

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self._heard_until = 0.0

    def write(self, sound: bytes) -> None:
        now = time.monotonic()
        self._heard_until = max(self._heard_until, now) + pcm.duration(len(sound))
        time.sleep(max(0.0, self._heard_until - self.latency - now))

    def abort(self) -> None:
        pass

    close = abort


class File:
    """Sink that appends all samples, silence included, to a file, without waiting.

    The format is float32 WAV if the name ends with .wav, else raw samples.
    """

    name = "file"
    latency = 0.0
    underruns = 0

    def __init__(self, path: Path) -> None:
        """Raises NoAudioDevice if the file cannot be written, or is a WAV file of another format."""
        self._path = path
        self._is_wav = path.suffix.lower() == ".wav"
        with self._checked():
            self._file = path.open("r+b" if path.exists() else "w+b")
            head = self._file.read(HEADER.size)
            if self._is_wav and head and head[8:-4] != _header(0)[8:-4]:
                self._file.close()
                raise NoAudioDevice(f"cannot play into {path}: it is not a WAV file written by speakkit; remove it")
            if self._is_wav and not head:
                self._file.write(_header(0))
            self._file.seek(0, os.SEEK_END)

    def write(self, sound: bytes) -> None:
        with self._checked():
            self._file.write(sound)

    def close(self) -> None:
        with self._checked(), self._file as file:
            if self._is_wav:
                n_bytes = file.tell() - HEADER.size
                file.seek(0)
                file.write(_header(n_bytes))

    def abort(self) -> None:
        with suppress(NoAudioDevice):
            self.close()

    @contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise NoAudioDevice(str(storage_error(error, f"play into {self._path}"))) from error


def _header(n_bytes: int) -> bytes:
    rest = HEADER.size - 8 + n_bytes
    form = (IEEE_FLOAT, 1, pcm.RATE, pcm.RATE * pcm.WIDTH, pcm.WIDTH, 8 * pcm.WIDTH)
    return HEADER.pack(b"RIFF", rest, b"WAVE", b"fmt ", 16, *form, b"data", n_bytes)
