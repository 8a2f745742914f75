"""What is heard: the utterance whose turn it is, the beep before it, and the silence of others around it."""

import asyncio
from collections.abc import Callable

from speakkit.daemon.queue.utterance import QueuedUtterance
from speakkit.playback import events, sinks
from speakkit.playback.feed import Feed
from speakkit.playback.media import Interlude
from speakkit.playback.player import PlaybackStatus, Player

OFF = "off"
"""What an utterance asks for that wants no beep, or no pause of other people's music."""

CLOSING = 3.0
"""Seconds that the player has to fall silent and close its device."""


class Loudspeaker:
    """The player, as the event loop has it: events come there, and beep and music are seen to."""

    def __init__(
        self,
        tell: Callable[[events.Event], None],
        open_sink: sinks.Opener,
        interlude: Interlude | None = None,
        beep: bytes = b"",
    ) -> None:
        """`tell` is called in the event loop. interlude: who pauses music, or None; beep: samples, or none."""
        self._tell, self._interlude, self._beep = tell, interlude, beep
        self._loop = asyncio.get_running_loop()
        self._player = Player(self._hear, open_sink)
        self._agent: str | None = None
        self._pauses_music = True
        if interlude:
            interlude.recover()

    @property
    def status(self) -> PlaybackStatus:
        """How playing goes."""
        return self._player.status

    def play(self, key: str, feed: Feed, utterance: QueuedUtterance, *, goes_on: bool) -> bool:
        """Play the samples of `feed`. goes_on: a part of the utterance was heard already.

        A beep comes before the first utterance of a burst, and when the agent changes. Returns whether one comes.
        """
        is_new = self._agent != utterance.agent and not goes_on and utterance.options.beep != OFF
        self._agent, self._pauses_music = utterance.agent, utterance.options.media != OFF
        before = self._beep if is_new else b""
        self._player.play(key, feed, before=before, through_pause=True)
        return bool(before)

    def stop(self, key: str, *, fade: bool) -> None:
        """Be silent."""
        self._player.stop(key, fade=fade)

    async def close(self) -> None:
        """Be silent for good; music goes on."""
        self._player.close()
        await asyncio.to_thread(self._player.wait_closed, CLOSING)
        if self._interlude:
            await asyncio.to_thread(self._interlude.close)

    def _hear(self, event: events.Event) -> None:
        """On the player's thread, which opens the device once this has returned."""
        if self._interlude and isinstance(event, events.BurstBegan) and self._pauses_music:
            self._interlude.begin()
        elif self._interlude and isinstance(event, events.BurstEnded):
            self._interlude.end()
        self._loop.call_soon_threadsafe(self._heard, event)

    def _heard(self, event: events.Event) -> None:
        if isinstance(event, events.BurstEnded):
            self._agent = None
        self._tell(event)
