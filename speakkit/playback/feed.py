"""The pipe from whoever makes the sound of one utterance to the player, safe to use from any thread."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from speakkit.playback import pcm

AHEAD = 10.0
"""Seconds that are put ahead of what is played, at most, by those who wait for room."""

KEPT = 1.0
"""Seconds of what was read that can be gone back to, and the rest of their chunk: more than any latency."""


@dataclass(frozen=True)
class FeedFailure:
    """Why an utterance breaks off.

    reason: a code
    about: a line for people
    """

    reason: str
    about: str


class Feed:
    """Sound of one utterance, in chunks such as sentences. `put`, `end` and `fail` never wait."""

    def __init__(self, room: Callable[[], None] | None = None) -> None:
        """`room` is called, on the player's thread, each time that `ahead` falls below AHEAD."""
        self._room = room
        self._wake: Callable[[], None] = _nothing
        self._changed = threading.Condition()
        self._pcm = bytearray()
        self._base = 0  # where in the utterance `_pcm` begins; this and all other places are in bytes
        self._read = 0
        self._chunks: deque[int] = deque([0])
        self._is_over = False
        self._failure: FeedFailure | None = None

    def put(self, sound: bytes, *, begins_chunk: bool = True) -> None:
        """Add what is to be played next. Where the device is lost, it is played again from the beginning of a chunk.

        sound: float32 samples as in `pcm`. Raises ValueError for a part of a sample, and after the end.
        """
        if len(sound) % pcm.WIDTH:
            raise ValueError(f"{len(sound)} bytes are no whole number of float32 samples")
        with self._changed:
            if self._is_over:
                raise ValueError("nothing can be put into a feed that has ended")
            if begins_chunk and self._pcm:
                self._chunks.append(self._end)
            self._pcm += sound
        self._wake()

    def end(self) -> None:
        """There is no more."""
        with self._changed:
            self._is_over = True
        self._wake()

    def fail(self, reason: str, about: str = "") -> None:
        """There would have been more. What was put is played, and then the utterance is lost for that reason."""
        with self._changed:
            self._is_over, self._failure = True, FeedFailure(reason, about)
        self._wake()

    @property
    def ahead(self) -> float:
        """Seconds that were put and not yet played."""
        with self._changed:
            return pcm.duration(self._end - self._read)

    @property
    def position(self) -> float:
        """Seconds that the player took."""
        return pcm.duration(self._read)

    @property
    def failure(self) -> FeedFailure | None:
        """Why it breaks off, if it does."""
        return self._failure

    @property
    def is_ready(self) -> bool:
        """Whether the player can begin: there is something to play, or there never will be."""
        return self.ahead > 0 or self._is_over

    @property
    def is_exhausted(self) -> bool:
        """Whether everything was played that there will ever be."""
        with self._changed:
            return self._is_over and self._read == self._end

    def wait_for_room(self, timeout: float) -> bool:
        """Wait until less than AHEAD is ahead, for `timeout` seconds at most. Returns whether there is room."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ahead < AHEAD, timeout)

    def attach(self, wake: Callable[[], None]) -> None:
        """Have the player woken when there is news."""
        self._wake = wake

    def take(self, seconds: float) -> bytes:
        """What is to be played next, up to so much; nothing where nothing is there yet."""
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
        """The same without taking it."""
        with self._changed:
            return self._at(self._read, self._read + pcm.size(seconds))

    def last(self, seconds: float) -> bytes:
        """What was taken last, or less where less is kept."""
        with self._changed:
            return self._at(max(self._base, self._read - pcm.size(seconds)), self._read)

    def rewind(self, seconds: float) -> None:
        """Go back to the beginning of the chunk in which the utterance is after so many seconds."""
        with self._changed:
            place = pcm.size(seconds)
            self._read = max((chunk for chunk in self._chunks if chunk <= place), default=self._base)

    @property
    def _end(self) -> int:
        return self._base + len(self._pcm)

    def _at(self, start: int, end: int) -> bytes:
        return bytes(self._pcm[start - self._base : end - self._base])

    def _forget(self) -> None:
        """Drop the chunks that nobody goes back to."""
        while len(self._chunks) > 1 and self._chunks[1] <= self._read - pcm.size(KEPT):
            self._chunks.popleft()
            del self._pcm[: self._chunks[0] - self._base]
            self._base = self._chunks[0]


def _nothing() -> None:
    pass
