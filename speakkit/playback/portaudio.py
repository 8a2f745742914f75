"""The sink for desktops: a blocking stream of PortAudio, through the package sounddevice.

Measured on PortAudio over ALSA: the first 3 to 20 ms after a stream's start are lost, and up to `latency` seconds at
its end, because `stop()` does not drain. The player therefore adds silence before and after, and this sink ends with
`abort()`.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from speakkit.errors import NoAudioDevice
from speakkit.playback import pcm

INSTEAD = "write a file with -o FILE"
"""The alternative to playback, as error messages name it."""

_open_streams: set[int] = set()
"""Ids of the open streams. While there are any, PortAudio cannot be restarted."""


class OutputStream:
    """Sink that plays on PortAudio's default device.

    latency: seconds between writing a sample and hearing it
    underruns: number of underruns so far
    """

    name = "sounddevice"

    def __init__(self, latency: float) -> None:
        """Open a stream with a latency in seconds. Raises NoAudioDevice if that fails."""
        self.underruns = 0
        with _quiet_stderr(), _no_device_as_error():
            _find_devices()
            self._stream = sounddevice().RawOutputStream(pcm.RATE, channels=1, dtype="float32", latency=latency)
            _open_streams.add(id(self))
            try:
                self._stream.start()
            except sounddevice().PortAudioError:
                self.abort()
                raise
        self.latency = max(latency, float(self._stream.latency))

    def write(self, sound: bytes) -> None:
        with _no_device_as_error():
            self.underruns += bool(self._stream.write(sound))

    def abort(self) -> None:
        portaudio_error = sounddevice().PortAudioError
        with suppress(portaudio_error):
            self._stream.abort()
        with suppress(portaudio_error):
            self._stream.close()
        _open_streams.discard(id(self))

    close = abort


def device() -> str:
    """The name of the default output device. Raises NoAudioDevice if there is none."""
    with _quiet_stderr(), _no_device_as_error():
        _find_devices()
        return str(sounddevice().query_devices(kind="output")["name"])


def sounddevice() -> Any:
    """The module sounddevice, imported late because its import searches for devices.

    Raises NoAudioDevice if PortAudio is not installed.
    """
    try:
        import sounddevice as module  # noqa: PLC0415
    except OSError as error:
        raise NoAudioDevice(
            "no sound: the PortAudio library is not installed; install it (Debian: apt install libportaudio2),"
            f" or {INSTEAD}"
        ) from error
    # Its exit handler closes every stream, and would wait for ever for a stream whose sound server hangs.
    atexit.unregister(module._exit_handler)  # noqa: SLF001
    return module


def _find_devices() -> None:
    """Search for devices again if there were none: PortAudio itself searches only when it is initialized."""
    module = sounddevice()
    if not module.query_devices() and not _open_streams:
        module._terminate()  # noqa: SLF001  there is no public function
        module._initialize()  # noqa: SLF001


@contextmanager
def _no_device_as_error() -> Iterator[None]:
    portaudio_error = sounddevice().PortAudioError
    try:
        yield
    except portaudio_error as error:
        reason = str(error).splitlines()[0]
        raise NoAudioDevice(
            f"no sound: there is no device to play on ({reason}); connect one, start PulseAudio or PipeWire,"
            f" or {INSTEAD}"
        ) from error


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Suppress standard error, where ALSA's C code prints a line for each device that it does not find."""
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
