"""The events of the player, reported on its own thread.

Each utterance ends with exactly one of PlaybackFinished, Stopped and Lost. `key` is the utterance's key.
"""

from dataclasses import dataclass
from typing import TypeAlias

AUDIO_UNAVAILABLE = "audio_unavailable"
"""The reason code if there is no device to play on."""


@dataclass(frozen=True)
class BurstBegan:
    """A burst of sound begins. The device is opened when the callback returns, so it may pause other players."""


@dataclass(frozen=True)
class BurstEnded:
    """The burst is over: the device is closed, and nothing is ready to be played."""


@dataclass(frozen=True)
class PlaybackStarted:
    """The first sample was written to the sink; it is heard one latency later.

    It is sent once per utterance, even if that is paused or restarted.
    at: seconds of time.monotonic()
    """

    key: str
    at: float


@dataclass(frozen=True)
class Progress:
    """How much of an utterance was heard.

    seconds: from its beginning; less than before if it was restarted at a sentence
    """

    key: str
    seconds: float


@dataclass(frozen=True)
class PlaybackFinished:
    """All of an utterance was heard.

    seconds: its length
    """

    key: str
    seconds: float


@dataclass(frozen=True)
class Stopped:
    """An utterance was stopped, and is silent. Its feed is rewound to the chunk that was heard last.

    seconds: how much of it was heard, from its beginning
    """

    key: str
    seconds: float


@dataclass(frozen=True)
class Lost:
    """An utterance cannot be played to its end.

    reason: a code, AUDIO_UNAVAILABLE or the reason of the feed's failure
    about: a one-line message for the user, or ""
    """

    key: str
    reason: str
    about: str


Event: TypeAlias = BurstBegan | BurstEnded | PlaybackStarted | Progress | PlaybackFinished | Stopped | Lost
