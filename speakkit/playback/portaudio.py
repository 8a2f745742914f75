"""The sink of desktops: a blocking stream of PortAudio, through the package sounddevice.

Measured on PortAudio over ALSA: the first 3 to 20 ms after a stream's start are lost, and so are up to `latency`
seconds at its end, since `stop()` does not drain. Hence the player's silence before and after, and `abort()` here.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from speakkit.errors import NoAudioDevice
from speakkit.playback import pcm

INSTEAD = "write a file with -o FILE"

_open_streams: set[int] = set()
"""While there are any, PortAudio cannot be started anew."""


class OutputStream:
    """Sink that plays on the default device."""

    name = "sounddevice"

    def __init__(self, latency: float) -> None:
        """Raises NoAudioDevice."""
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
    """The name of the device to play on. Raises NoAudioDevice where there is none."""
    with _quiet_stderr(), _no_device_as_error():
        _find_devices()
        return str(sounddevice().query_devices(kind="output")["name"])


def sounddevice() -> Any:
    """The module, imported late, since its import looks for devices. Raises NoAudioDevice without PortAudio."""
    try:
        import sounddevice as module  # noqa: PLC0415
    except OSError as error:
        raise NoAudioDevice(
            "no sound: the PortAudio library is not installed; install it (Debian: apt install libportaudio2),"
            f" or {INSTEAD}"
        ) from error
    # At exit it would close every stream, and wait for ever for one whose sound server hangs.
    atexit.unregister(module._exit_handler)  # noqa: SLF001
    return module


def _find_devices() -> None:
    """Look for devices again where there were none: PortAudio itself only does so when it is started."""
    module = sounddevice()
    if not module.query_devices() and not _open_streams:
        module._terminate()  # noqa: SLF001  there is no public way
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
