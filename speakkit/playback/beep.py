"""The beep: a short sound before speech, which announces that speech begins or that the agent changes."""

import array
import math
import wave
from pathlib import Path

from speakkit.errors import ConfigError, storage_error
from speakkit.playback import pcm

HERTZ = 880.0
"""Frequency of the built-in beep."""

SECONDS = 0.12
"""Length of the built-in beep."""

FADE = 0.005
"""Seconds of fade at each end; without it, the beep would click."""

LONGEST = 1.0
"""Seconds of a file that are played at most, because more would delay speech."""

LARGEST = 16 << 20
"""Bytes of a file that are read at most: one second of eight channels of 32 bits at 384 kHz takes less."""

WIDTHS = {1: "B", 2: "h", 4: "i"}
"""Bytes per sample of a WAV file -> type code of `array`."""


def sound_of(setting: str, volume: float) -> bytes:
    """The samples for a value of the setting `beep`: on, off, or a file. Raises the errors of `from_file`."""
    if setting == "off":
        return b""
    return tone(volume) if setting == "on" else from_file(Path(setting).expanduser(), volume)


def tone(volume: float) -> bytes:
    """The built-in beep, as samples in the format of `pcm`. volume: 1 is full scale."""
    count = round(SECONDS * pcm.RATE)
    wave_form = (volume * math.sin(2 * math.pi * HERTZ * i / pcm.RATE) for i in range(count))
    return _faded(array.array("f", wave_form).tobytes())


def from_file(file: Path, volume: float) -> bytes:
    """The first channel and first second of a WAV file, resampled to the format of `pcm`.

    volume: factor for the samples, where 1 keeps them
    Raises StorageError if the file cannot be read, ConfigError if it is no regular file, because a pipe could block, or
    if it is not a WAV file of integer samples.
    """
    try:
        if file.exists() and not file.is_file():
            raise ConfigError(f"the beep {file} is no regular file; set beep to a WAV file")
        with wave.open(str(file), "rb") as opened:
            channels, width, rate = opened.getnchannels(), opened.getsampwidth(), opened.getframerate()
            held = opened.readframes(min(round(LONGEST * rate), LARGEST // (channels * width)))
    except OSError as error:
        raise storage_error(error, f"read the beep {file}") from error
    except (wave.Error, EOFError) as error:
        raise ConfigError(
            f"the beep {file} is no WAV file: {error or 'it ends too early'}; set beep to another"
        ) from error
    if width not in WIDTHS or not rate or not held:
        raise ConfigError(f"the beep {file} has samples of {width} bytes at {rate} Hz, or none; use a 16-bit WAV file")
    samples = array.array(WIDTHS[width], held[: len(held) // (width * channels) * width * channels])[::channels]
    middle, full = (128, 128) if width == 1 else (0, 1 << (8 * width - 1))
    count = round(len(samples) * pcm.RATE / rate)
    scaled = (volume * (_at(samples, i * rate / pcm.RATE) - middle) / full for i in range(count))
    return _faded(array.array("f", scaled).tobytes())


def _at(samples: "array.array[int]", place: float) -> float:
    """The value at a fractional index, linearly interpolated."""
    i = min(int(place), len(samples) - 1)
    following = samples[min(i + 1, len(samples) - 1)]
    return samples[i] + (place - i) * (following - samples[i])


def _faded(sound: bytes) -> bytes:
    edge = min(pcm.size(FADE), len(sound) // 2 // pcm.WIDTH * pcm.WIDTH)
    if not edge:
        return sound
    return pcm.faded_in(sound[:edge]) + sound[edge:-edge] + pcm.faded_out(sound[-edge:])
