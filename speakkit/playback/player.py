"""One output stream, on which audio is played to its last sample.

Measured on PortAudio over ALSA: the first 3 to 20 ms after a stream's start are lost, and so are up to `latency`
seconds at its end, since `stop()` does not drain. Hence the silence before and after, and `abort()` at the end.
"""

import os
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from speakkit.audio import Audio, silence
from speakkit.errors import NoAudioDevice

LATENCY = 0.2
"""Seconds; shorter ones underrun as soon as another thread is busy."""

LEAD = 0.06
"""Seconds of silence before the first sample."""

TAIL = LATENCY + 0.1
"""Seconds of silence after the last sample, so that all of it has left the buffers."""

SLICE = 0.02
"""Seconds written at once: how soon an interruption is heard."""

AHEAD = 8
"""Pieces of audio that may wait to be played; then `write` waits."""


class Player:
    """A sink that plays what is written to it, in order, and returns from its block when all has been heard.

    Where the next piece is late the stream goes on with silence: a stream without data loses samples when it gets some.
    """

    def __init__(self) -> None:
        """Raises NoAudioDevice where there is nothing to play on."""
        self._sample_rate = 0
        self._waiting: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._stopped = threading.Event()
        self._played = threading.Event()
        self._error: NoAudioDevice | None = None
        self._thread = threading.Thread(target=self._play, daemon=True)
        output_device()

    def __enter__(self) -> Self:
        return self

    def write(self, audio: Audio) -> None:
        """Play `audio` next; all of it at the rate of the first. Raises NoAudioDevice where the device has gone."""
        if self._thread.ident is None:
            self._sample_rate = audio.sample_rate
            self._thread.start()
        self._put(audio.pcm16())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.ident is None:
            return
        try:
            if kind is None:
                self._put(None)
                self._played.wait()
        finally:
            # Whatever interrupts the wait: PortAudio must not be torn down while the thread is writing to it.
            # An event, since a join that Ctrl-C breaks off takes a running thread for an ended one (Python 3.11).
            self._stopped.set()
            self._played.wait()
        if self._error and kind is None:
            raise self._error

    def _put(self, piece: bytes | None) -> None:
        while True:
            if self._error:
                raise self._error
            try:
                self._waiting.put(piece, timeout=SLICE)
            except queue.Full:
                continue
            return

    def _play(self) -> None:
        # A signal that lands on this thread would break off PortAudio's wait for the device, and so the stream.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        try:
            with _no_device_as_error(), self._stream() as stream:
                for piece in self._slices():
                    stream.write(piece)
                stream.abort()
        except NoAudioDevice as error:
            self._error = error
        finally:
            self._played.set()

    @contextmanager
    def _stream(self) -> Iterator[Any]:
        with _quiet_stderr():
            stream = sounddevice().RawOutputStream(self._sample_rate, channels=1, dtype="int16", latency=LATENCY)
            stream.start()
        try:
            yield stream
        finally:
            stream.close()

    def _slices(self) -> Iterator[bytes]:
        """What the stream is fed: lead, the pieces with silence wherever one is late, and tail."""
        size = 2 * round(SLICE * self._sample_rate)
        yield from _cut(self._silence(LEAD), size)
        while not self._stopped.is_set():
            try:
                piece = self._waiting.get_nowait()
            except queue.Empty:
                yield bytes(size)
                continue
            if piece is None:
                yield from _cut(self._silence(TAIL), size)
                return
            for part in _cut(piece, size):
                if self._stopped.is_set():
                    return
                yield part

    def _silence(self, seconds: float) -> bytes:
        return silence(seconds, self._sample_rate).pcm16()


def output_device() -> str:
    """The name of the device to play on. Raises NoAudioDevice where there is none."""
    with _quiet_stderr(), _no_device_as_error():
        return str(sounddevice().query_devices(kind="output")["name"])


def sounddevice() -> Any:
    """The module, imported late, since its import looks for devices. Raises NoAudioDevice without PortAudio."""
    try:
        import sounddevice as module  # noqa: PLC0415
    except OSError as error:
        raise NoAudioDevice(
            "no sound: the PortAudio library is not installed; install it (Debian: apt install libportaudio2),"
            " or write a file with -o FILE"
        ) from error
    return module


@contextmanager
def _no_device_as_error() -> Iterator[None]:
    portaudio_error = sounddevice().PortAudioError
    try:
        yield
    except portaudio_error as error:
        reason = str(error).splitlines()[0]
        raise NoAudioDevice(
            f"no sound: there is no device to play on ({reason}); connect one, start PulseAudio or PipeWire,"
            " or write a file with -o FILE"
        ) from error


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep the lines that ALSA's C code prints for each device that it does not find off the terminal."""
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _cut(pcm: bytes, size: int) -> Iterator[bytes]:
    return (pcm[start : start + size] for start in range(0, len(pcm), size))
