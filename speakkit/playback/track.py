"""An utterance on its way through the player."""

from dataclasses import dataclass
from enum import Enum

from speakkit.playback.events import Lost, PlaybackFinished, Stopped
from speakkit.playback.feed import Feed


class Break(Enum):
    """An end of sound that is no end of its utterance, which waits to go on."""

    PAUSE = "pause"


@dataclass(eq=False)
class Track:
    """What the player knows of an utterance.

    before: what of the sound before it is still to be played
    through_pause: whether it is played while the player is paused
    told: seconds, at its last Progress
    lost_at: seconds, the furthest that it had come when a device was lost
    end: what it comes to once that is silent; None while it sounds
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
        """How it ends where its feed does."""
        failure = self.feed.failure
        if failure:
            return Lost(self.key, failure.reason, failure.about)
        return PlaybackFinished(self.key, self.feed.position)
