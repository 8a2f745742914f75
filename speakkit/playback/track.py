"""The player's state of one utterance."""

from dataclasses import dataclass
from enum import Enum

from speakkit.playback.events import Lost, PlaybackFinished, Stopped
from speakkit.playback.feed import Feed


class Break(Enum):
    """A reason to interrupt playback of an utterance that continues later."""

    PAUSE = "pause"


@dataclass(eq=False)
class Track:
    """An utterance that is played or queued.

    key: identifies it in events and commands
    feed: its audio
    before: the rest of the samples to play before it, such as a beep
    through_pause: whether it is played while the player is paused
    has_started: whether PlaybackStarted was sent
    told: seconds reported by the last Progress event
    lost_at: highest position in seconds at which a device was lost
    end: how it ends once its audio is silent; None while it plays
    """

    key: str
    feed: Feed
    before: bytes
    through_pause: bool
    has_started: bool = False
    told: float = 0.0
    lost_at: float = 0.0
    end: PlaybackFinished | Stopped | Lost | Break | None = None

    @property
    def natural_end(self) -> PlaybackFinished | Lost:
        """The event for reaching the end of the feed."""
        failure = self.feed.failure
        if failure:
            return Lost(self.key, failure.reason, failure.about)
        return PlaybackFinished(self.key, self.feed.position)
