"""What the player tells, on its own thread. Each utterance ends with one of Finished, Stopped and Lost."""

from dataclasses import dataclass
from typing import TypeAlias

AUDIO_UNAVAILABLE = "audio_unavailable"
"""The reason where there is nothing to play on."""


@dataclass(frozen=True)
class BurstBegan:
    """There is sound to be played. The device is opened when the callback returns: music may be paused in it."""


@dataclass(frozen=True)
class BurstEnded:
    """The device is closed, and nothing is about to be played."""


@dataclass(frozen=True)
class PlaybackStarted:
    """The first sample was written; it is heard a latency later. Told once, whatever is paused or restarted.

    at: seconds of time.monotonic()
    """

    key: str
    at: float


@dataclass(frozen=True)
class Progress:
    """How much was heard.

    seconds: from the utterance's beginning; fewer than before where it was restarted at a sentence
    """

    key: str
    seconds: float


@dataclass(frozen=True)
class PlaybackFinished:
    """All of it was heard.

    seconds: its length
    """

    key: str
    seconds: float


@dataclass(frozen=True)
class Stopped:
    """It was stopped, and is silent. To play the same feed again starts with the chunk that was heard last.

    seconds: how much of it was heard, from its beginning
    """

    key: str
    seconds: float


@dataclass(frozen=True)
class Lost:
    """It cannot be played to its end.

    reason: a code, AUDIO_UNAVAILABLE or what the feed failed with
    about: a line for people, "" where none was given
    """

    key: str
    reason: str
    about: str


Event: TypeAlias = BurstBegan | BurstEnded | PlaybackStarted | Progress | PlaybackFinished | Stopped | Lost
