"""A thread-safe buffer between the synthesis of one utterance and the player."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from speakkit.playback import pcm

AHEAD = 10.0
"""Seconds of unplayed audio above which the feed is full and `wait_for_room` blocks."""

KEPT = 1.0
"""Seconds of played audio that are kept for `rewind`, together with the rest of their chunk: more than any latency."""


@dataclass(frozen=True)
class FeedFailure:
    """The reason why an utterance is incomplete.

    reason: a code
    about: a one-line message for the user
    """

    reason: str
    about: str


class Feed:
    """The audio of one utterance, in chunks such as sentences. `put`, `end` and `fail` never block."""

    def __init__(self, room: Callable[[], None] | None = None) -> None:
        """`room` is called on the player's thread each time `ahead` falls below AHEAD."""
        self._room = room
        self._wake: Callable[[], None] = _nothing
        self._changed = threading.Condition()
        self._pcm = bytearray()
        self._base = 0  # offset of `_pcm` in the utterance; this and all other offsets are in bytes
        self._read = 0
        self._chunks: deque[int] = deque([0])
        self._is_over = False
        self._failure: FeedFailure | None = None

    def put(self, sound: bytes, *, begins_chunk: bool = True) -> None:
        """Append audio. If the device is lost, playback restarts at the beginning of a chunk.

        sound: float32 samples in the format of `pcm`
        begins_chunk: whether it begins a new chunk
        Raises ValueError if `sound` ends within a sample, or if the feed has ended.
        """
        if len(sound) % pcm.WIDTH:
            raise ValueError(f"{len(sound)} bytes are not a whole number of float32 samples")
        with self._changed:
            if self._is_over:
                raise ValueError("cannot put audio: the feed has ended")
            if begins_chunk and self._pcm:
                self._chunks.append(self._end)
            self._pcm += sound
        self._wake()

    def end(self) -> None:
        """Mark the audio as complete."""
        with self._changed:
            self._is_over = True
        self._wake()

    def fail(self, reason: str, about: str = "") -> None:
        """Mark the audio as incomplete. What was put is played, then the utterance ends as lost for that reason."""
        with self._changed:
            self._is_over, self._failure = True, FeedFailure(reason, about)
        self._wake()

    @property
    def ahead(self) -> float:
        """Seconds of audio that the player has not taken yet."""
        with self._changed:
            return pcm.duration(self._end - self._read)

    @property
    def position(self) -> float:
        """Seconds of audio that the player has taken."""
        return pcm.duration(self._read)

    @property
    def failure(self) -> FeedFailure | None:
        """The reason why the audio is incomplete, or None."""
        return self._failure

    @property
    def is_ready(self) -> bool:
        """Whether the player can begin: there is audio to play, or the feed has ended."""
        return self.ahead > 0 or self._is_over

    @property
    def is_exhausted(self) -> bool:
        """Whether the feed has ended and the player has taken all audio."""
        with self._changed:
            return self._is_over and self._read == self._end

    def wait_for_room(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until `ahead` is less than AHEAD. Returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ahead < AHEAD, timeout)

    def attach(self, wake: Callable[[], None]) -> None:
        """Set the function that is called after `put`, `end` and `fail`, to wake the player."""
        self._wake = wake

    def take(self, seconds: float) -> bytes:
        """Remove and return up to `seconds` of the next audio; empty if there is none yet."""
        with self._changed:
            was_full = self.ahead >= AHEAD
            taken = self._at(self._read, self._read + pcm.size(seconds))
            self._read += len(taken)
            self._forget()
            has_room = was_full and self.ahead < AHEAD
            if has_room:
                self._changed.notify_all()
        if has_room and self._room:
            self._room()
        return taken

    def next(self, seconds: float) -> bytes:
        """Return up to `seconds` of the next audio without removing it."""
        with self._changed:
            return self._at(self._read, self._read + pcm.size(seconds))

    def last(self, seconds: float) -> bytes:
        """The last `seconds` that were taken, or less if less is kept."""
        with self._changed:
            return self._at(max(self._base, self._read - pcm.size(seconds)), self._read)

    def rewind(self, seconds: float) -> None:
        """Go back to the beginning of the chunk that contains the position `seconds` of the utterance."""
        with self._changed:
            place = pcm.size(seconds)
            self._read = max((chunk for chunk in self._chunks if chunk <= place), default=self._base)

    @property
    def _end(self) -> int:
        return self._base + len(self._pcm)

    def _at(self, start: int, end: int) -> bytes:
        return bytes(self._pcm[start - self._base : end - self._base])

    def _forget(self) -> None:
        """Drop the chunks that are too old for `rewind`."""
        while len(self._chunks) > 1 and self._chunks[1] <= self._read - pcm.size(KEPT):
            self._chunks.popleft()
            del self._pcm[: self._chunks[0] - self._base]
            self._base = self._chunks[0]


def _nothing() -> None:
    pass
