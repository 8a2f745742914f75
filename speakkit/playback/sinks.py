"""Where sound goes: what every sink does, all of them by name, and which one is taken where none is named.

The names are those of the setting `sink`: auto, those of KINDS, and file:PATH.
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
    """What plays, or seems to: opened by being made, used by one thread, of no more use after `abort` or `close`.

    name: its kind
    latency: seconds between a sample's being written and its being heard
    underruns: how often it had nothing to play
    """

    @property
    def name(self) -> str: ...

    @property
    def latency(self) -> float: ...

    @property
    def underruns(self) -> int: ...

    def write(self, sound: bytes) -> None:
        """Take up to 20 ms of samples as in `pcm`, waiting until there is room. Raises NoAudioDevice."""

    def abort(self) -> None:
        """Be silent at once, and end; what was written and not yet heard is dropped."""

    def close(self) -> None:
        """End. Of a sink's last `latency` seconds nothing need be heard."""


Opener: TypeAlias = Callable[[float], SoundSink]
"""Opens a sink with a latency in seconds, or near to that. Raises NoAudioDevice."""


@dataclass(frozen=True)
class Kind:
    """A way to play.

    device: what it would play on; raises NoAudioDevice where there is nothing
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
    """How to open the sink of that name; which one "auto" is is found out at each opening. Raises BadValue."""
    if name == AUTO:
        return _open_chosen
    return _kind(name).open


def device(name: str = AUTO) -> str:
    """What the sink of that name would play on, for people. Raises NoAudioDevice where there is nothing, BadValue."""
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
    """The first kind that has a device, and that device. Raises NoAudioDevice: what is wrong with the first kind."""
    first = None
    for name in _order():
        try:
            return name, KINDS[name].device()
        except NoAudioDevice as error:
            first = first or error
    assert first
    raise first


def _order() -> tuple[str, ...]:
    # On WSLg PortAudio crackles, and what speaks to its PulseAudio directly does not (microsoft/wslg issue 1228).
    is_wsl = "microsoft" in platform.release().lower()
    return ("pacat", "sounddevice", "aplay") if is_wsl and shutil.which("pacat") else ("sounddevice", "pacat", "aplay")
