"""Audio out of the speakers for one command, which stays until all of it has been heard."""

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from speakkit.errors import NoAudioDevice
from speakkit.playback import pcm, sinks
from speakkit.playback.events import Event, Lost, PlaybackFinished, Stopped
from speakkit.playback.feed import Feed
from speakkit.playback.player import SLICE, Player

if TYPE_CHECKING:
    from speakkit.audio import Audio

LATENCY = 0.2
"""Seconds; shorter ones underrun as soon as another thread is busy, and here one speaks."""

KEY = "aloud"


class BlockingSink:
    """A sink that plays what is written to it, in order, and returns from its block when all has been heard."""

    def __init__(self, sink: str = sinks.AUTO) -> None:
        """`sink` is named as in `sinks`. Raises NoAudioDevice where there is nothing to play on, BadValue."""
        sinks.device(sink)
        self._feed = Feed()
        self._player = Player(self._hear, sinks.opener(sink), latency=LATENCY)
        self._over = threading.Event()
        self._lost: Lost | None = None
        self._has_begun = False

    def __enter__(self) -> Self:
        return self

    def write(self, audio: "Audio") -> None:
        """Play `audio` next. Raises NoAudioDevice where the device has gone."""
        if not self._has_begun:
            self._has_begun = True
            self._player.play(KEY, self._feed)
        while not self._feed.wait_for_room(SLICE):
            self._check()
        self._check()
        self._feed.put(audio.resampled(pcm.RATE).clipped().samples.astype("<f4").tobytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._has_begun and kind is None:
                self._feed.end()
                self._over.wait()
        finally:
            # Whatever interrupts the wait, such as Ctrl-C: what is heard ends before the command does. An event, since
            # a join that Ctrl-C breaks off takes a running thread for an ended one (Python 3.11).
            self._player.stop(KEY, fade=False)
            self._player.close()
            self._player.wait_closed()
        if kind is None:
            self._check()

    def _hear(self, event: Event) -> None:
        if isinstance(event, PlaybackFinished | Stopped | Lost):
            self._lost = event if isinstance(event, Lost) else None
            self._over.set()

    def _check(self) -> None:
        if self._lost:
            raise NoAudioDevice(self._lost.about)
