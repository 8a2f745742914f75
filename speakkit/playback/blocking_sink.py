"""Playback for a single command: blocks until all audio has been heard."""

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
"""Seconds. A shorter latency underruns when another thread is busy, and here one thread synthesizes."""

KEY = "aloud"
"""The player's key of the only utterance."""


class BlockingSink:
    """Sink that plays what is written to it, in order. Its `with` block ends when all audio has been heard."""

    def __init__(self, sink: str = sinks.AUTO) -> None:
        """`sink` is a name from `sinks`. Raises NoAudioDevice if there is no device, BadValue for an unknown name."""
        sinks.device(sink)
        self._feed = Feed()
        self._player = Player(self._hear, sinks.opener(sink), latency=LATENCY)
        self._over = threading.Event()
        self._lost: Lost | None = None
        self._has_begun = False

    def __enter__(self) -> Self:
        return self

    def write(self, audio: "Audio") -> None:
        """Queue `audio` for playback, after waiting for room. Raises NoAudioDevice if the device was lost."""
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
            # Even if the wait is interrupted, as by Ctrl-C, the sound must end before the command does. The player's
            # end is an event, because a thread's join that Ctrl-C interrupts reports a running thread as ended
            # (Python 3.11).
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
