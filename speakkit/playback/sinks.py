"""The interface of audio sinks, the available sinks by name, and the choice of the default one.

The names are the values of the setting `sink`: auto, those of KINDS, and file:PATH.
"""

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from speakkit.errors import BadValue, NoAudioDevice
from speakkit.playback import piped, portaudio, virtual

AUTO = "auto"
FILE = "file:"


class SoundSink(Protocol):
    """An audio output, real or simulated.

    It is opened by its constructor, used by one thread, and unusable after `abort` or `close`.

    name: the kind of sink
    latency: seconds between writing a sample and hearing it
    underruns: how often its buffer ran empty
    """

    @property
    def name(self) -> str: ...

    @property
    def latency(self) -> float: ...

    @property
    def underruns(self) -> int: ...

    def write(self, sound: bytes) -> None:
        """Write up to 20 ms of samples in the format of `pcm`; blocks until there is room. Raises NoAudioDevice."""

    def abort(self) -> None:
        """Close the sink at once, dropping audio that was not heard yet."""

    def close(self) -> None:
        """Close the sink. The last `latency` seconds of audio may be dropped."""


Opener: TypeAlias = Callable[[float], SoundSink]
"""Opens a sink with approximately the given latency in seconds. Raises NoAudioDevice."""


@dataclass(frozen=True)
class Kind:
    """A kind of sink.

    open: opens a sink of this kind
    device: returns the name of the device it would use; raises NoAudioDevice if there is none
    """

    open: Opener
    device: Callable[[], str]


KINDS = {
    "sounddevice": Kind(portaudio.OutputStream, portaudio.device),
    "pacat": Kind(piped.pacat, piped.pacat_device),
    "aplay": Kind(piped.aplay, piped.aplay_device),
    "timed-null": Kind(virtual.Clock, lambda: "nothing, in real time"),
}


def opener(name: str = AUTO) -> Opener:
    """The function that opens sink `name`; "auto" chooses a kind at each opening. Raises BadValue if it is unknown."""
    if name == AUTO:
        return _open_chosen
    return _kind(name).open


def device(name: str = AUTO) -> str:
    """The device that sink `name` would use, as text. Raises NoAudioDevice if there is none, BadValue if unknown."""
    return _chosen()[1] if name == AUTO else _kind(name).device()


def _open_chosen(latency: float) -> SoundSink:
    return KINDS[_chosen()[0]].open(latency)


def _kind(name: str) -> Kind:
    if name.startswith(FILE):
        path = Path(name.removeprefix(FILE))
        return Kind(lambda _: virtual.File(path), lambda: str(path))
    if name not in KINDS:
        raise BadValue(f"there is no sink {name!r}; there are {AUTO}, {', '.join(KINDS)} and {FILE}PATH")
    return KINDS[name]


def _chosen() -> tuple[str, str]:
    """The first kind with a device, and that device. If none has one, raises the NoAudioDevice of the first kind."""
    first = None
    for name in _order():
        try:
            return name, KINDS[name].device()
        except NoAudioDevice as error:
            first = first or error
    assert first
    raise first


def _order() -> tuple[str, ...]:
    # On WSLg, PortAudio crackles, and clients of its PulseAudio server do not (microsoft/wslg issue 1228).
    is_wsl = "microsoft" in platform.release().lower()
    return ("pacat", "sounddevice", "aplay") if is_wsl and shutil.which("pacat") else ("sounddevice", "pacat", "aplay")
