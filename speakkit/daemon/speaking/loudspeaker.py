"""Playback in the daemon: the current utterance, the beep before it, and the pause of other media players."""

import asyncio
from collections.abc import Callable

from speakkit.daemon.queue.utterance import QueuedUtterance
from speakkit.daemon.speaking.turn import Turn
from speakkit.playback import events, sinks
from speakkit.playback.feed import Feed
from speakkit.playback.media import Interlude
from speakkit.playback.player import PlaybackStatus, Player

OFF = "off"
"""Value of an utterance's `beep` or `media` for no beep, or no pause of other media players."""

CLOSING = 3.0
"""Seconds that the player may take to stop and close its device."""


class Loudspeaker:
    """The player for the event loop. It passes on events, and adds beeps and the pause of other media players."""

    def __init__(
        self,
        tell: Callable[[events.Event], None],
        open_sink: sinks.Opener,
        turn: Turn,
        interlude: Interlude | None = None,
        beep: bytes = b"",
    ) -> None:
        """`tell` is called in the event loop.

        turn: held while the device is open; interlude: pauses other players, or None; beep: samples, or empty
        """
        self._tell, self._turn, self._interlude, self._beep = tell, turn, interlude, beep
        self._loop = asyncio.get_running_loop()
        self._player = Player(self._hear, open_sink)
        self._agent: str | None = None
        self._pauses_music = True
        if interlude:
            interlude.recover()

    @property
    def status(self) -> PlaybackStatus:
        """Status of the player."""
        return self._player.status

    @property
    def waits_for(self) -> int | None:
        """Id of the process of another daemon that is heard now, until which nothing is played here; or None."""
        return self._turn.waits_for

    def play(self, key: str, feed: Feed, utterance: QueuedUtterance, *, goes_on: bool) -> bool:
        """Play the samples of `feed`. goes_on: a part of the utterance was played already.

        A beep comes before the first utterance of a burst, and when the agent changes. Returns whether one comes.
        """
        is_new = self._agent != utterance.agent and not goes_on and utterance.options.beep != OFF
        self._agent, self._pauses_music = utterance.agent, utterance.options.media != OFF
        before = self._beep if is_new else b""
        self._player.play(key, feed, before=before, through_pause=True)
        return bool(before)

    def stop(self, key: str, *, fade: bool) -> None:
        """Stop the playback `key`, at once or with a fade."""
        self._player.stop(key, fade=fade)

    async def close(self) -> None:
        """Stop playback for good; other media players resume."""
        self._player.close()
        self._turn.close()
        await asyncio.to_thread(self._player.wait_closed, CLOSING)
        if self._interlude:
            await asyncio.to_thread(self._interlude.close)

    def _hear(self, event: events.Event) -> None:
        """Called on the player's thread, which opens the device after this has returned."""
        if isinstance(event, events.BurstBegan):
            self._turn.take()
            if self._interlude and self._pauses_music:
                self._interlude.begin()
        elif isinstance(event, events.BurstEnded):
            self._turn.give_back()
            if self._interlude:
                self._interlude.end()
        self._loop.call_soon_threadsafe(self._heard, event)

    def _heard(self, event: events.Event) -> None:
        """Called in the event loop for each event."""
        if isinstance(event, events.BurstEnded):
            self._agent = None
        self._tell(event)
