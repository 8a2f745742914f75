"""Play utterances one after another on one thread. The device is open only while there is something to play.

A burst is a run of utterances between opening and closing the device. It consists of:
- 60 ms of silence, because the first 3 to 20 ms of a stream are lost;
- the utterances, with silence between them and wherever audio is late, because a stream that runs empty loses samples
  when data arrives again;
- more silence than the latency, because the content of the buffers is lost when the device is closed.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from speakkit.errors import NoAudioDevice
from speakkit.playback import pcm, sinks
from speakkit.playback.events import (
    AUDIO_UNAVAILABLE,
    BurstBegan,
    BurstEnded,
    Event,
    Lost,
    PlaybackFinished,
    PlaybackStarted,
    Progress,
    Stopped,
)
from speakkit.playback.feed import Feed
from speakkit.playback.output import STALL, Output
from speakkit.playback.track import Break, Track

LATENCY = 0.06
"""Seconds. On two cores, four busy processes cause no gap, eight do. A longer one would delay fades beyond 0.1 s."""

LONGEST_LATENCY = 0.5
"""Seconds: the limit of the latency, which underruns increase."""

UNDERRUNS = 3
"""Number of underruns in a burst that doubles the latency."""

SLICE = 0.01
"""Seconds of audio per write, which is the response time to a command."""

LEAD = 0.06
"""Seconds of silence before the first sample."""

TAIL = 0.1
"""Seconds of silence after the last sample, in addition to the latency."""

GAP = 0.15
"""Seconds of silence between two utterances, at least the latency: the first must be heard before the next begins."""

LINGER = 1.0
"""Seconds between the last utterance and the closing of the device."""

FADE = 0.008
"""Seconds of the fade-out of an utterance that is stopped or paused."""

FADED = 0.1
"""Seconds of latency below which a stopped utterance is faded out; with a longer latency, it is cut off."""

PROGRESS = 0.1
"""Seconds between two Progress events."""

FIRST_TRIES = (0.2, 0.5)
"""Seconds before each retry to open a device that has not played in this burst yet."""

TRIES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each retry to open a device that has played in this burst, and was lost."""


@dataclass(frozen=True)
class PlaybackStatus:
    """State and counters of the player.

    sink: the kind of the open sink, or "" if none is open
    latency: seconds, of the next sink to be opened
    underruns: number of underruns so far
    starved: seconds of silence played in utterances because their audio was late
    """

    sink: str
    latency: float
    underruns: int
    starved: float


class Player:
    """Plays utterances in the order of `play`. Its methods are thread-safe; only `wait_closed` blocks."""

    def __init__(
        self,
        tell: Callable[[Event], None],
        open_sink: sinks.Opener | None = None,
        *,
        latency: float = LATENCY,
        gap: float = GAP,
        linger: float = LINGER,
        stall: float = STALL,
    ) -> None:
        """Does not start the player's thread yet.

        tell: called with each event on the player's thread; must neither raise nor block for long
        open_sink: opens a sink; by default, that of `sinks.opener`
        latency: seconds from writing a sample to hearing it
        gap: seconds between utterances
        linger: seconds between the last utterance and the closing of the device
        stall: seconds after which a device that does not respond is lost
        """
        self._tell = tell
        self._latency = latency
        self._gap = gap
        self._linger = linger
        self._output = Output(open_sink or sinks.opener(), self._work, stall)
        self._wake = threading.Event()
        # Changed by callers, under the lock:
        self._lock = threading.Lock()
        self._waiting: deque[Track] = deque()
        self._stops: dict[str, bool] = {}
        self._is_paused = False
        self._is_closing = False
        # Changed by the player's thread only:
        self._current: Track | None = None
        self._in_burst = False
        self._burst_ends = 0.0  # seconds of time.monotonic(), for a burst without an open device
        self._needed = 0.0  # seconds of silence before the next utterance
        self._tries: Iterator[float] = iter(FIRST_TRIES)
        self._try_at = 0.0
        self._underruns = 0
        self._starved = 0.0
        self._reopens = False

    def play(self, key: str, feed: Feed, *, before: bytes = b"", through_pause: bool = False) -> None:
        """Append `feed` to the queue.

        key: identifies the utterance in events and for `stop`
        before: samples to play immediately before it, such as a beep
        through_pause: whether to play it even while the player is paused
        Raises ValueError after `close`.
        """
        feed.attach(self._wake.set)
        with self._lock:
            if self._is_closing:
                raise ValueError("cannot play: the player is closed")
            self._waiting.append(Track(key, feed, before, through_pause))
        self._output.start()
        self._wake.set()

    def stop(self, key: str, *, fade: bool = True) -> None:
        """Stop a playing or queued utterance: within 0.1 s, or at once without `fade`.

        Does nothing if the utterance has ended already.
        """
        with self._lock:
            self._stops[key] = fade and self._stops.get(key, True)
        self._wake.set()

    def pause(self) -> None:
        """Pause all utterances but those with `through_pause`. `resume` continues at the same sample."""
        with self._lock:
            self._is_paused = True
        self._wake.set()

    def resume(self) -> None:
        """Continue after a pause, at the sample where playback paused."""
        with self._lock:
            self._is_paused = False
        self._wake.set()

    def close(self) -> None:
        """Stop all utterances and end the thread, without waiting: see `wait_closed`."""
        with self._lock:
            self._is_closing = True
        self._wake.set()

    def wait_closed(self, timeout: float | None = None) -> bool:
        """After `close`, wait until the device is closed and the last event sent. Returns whether that happened."""
        return self._output.wait(timeout)

    @property
    def status(self) -> PlaybackStatus:
        """The current state and counters."""
        return PlaybackStatus(self._output.name, self._latency, self._output.underruns, self._starved)

    def _work(self, is_stalled: bool) -> None:
        if is_stalled:
            self._lose(NoAudioDevice("no sound: the device does not answer; restart the sound server"))
        while self._step():
            pass

    def _step(self) -> bool:
        """Take the next step. Returns False when the player is closed and has finished."""
        try:
            self._obey()
            self._dismiss()
            return self._sound() if self._output.name else self._rest()
        except NoAudioDevice as error:
            self._lose(error)
            return True

    def _obey(self) -> None:
        """Carry out the stops and pauses requested since the last step."""
        with self._lock:
            stops, self._stops = self._stops, {}
            gone = [track for track in self._waiting if track.key in stops or self._is_closing]
            self._waiting = deque(track for track in self._waiting if track not in gone)
            is_paused, is_closing = self._is_paused, self._is_closing
        for waiting in gone:
            self._tell(Stopped(waiting.key, waiting.feed.position))
        track = self._current
        if track and (track.key in stops or is_closing):
            self._stop(track, fade=stops.get(track.key, True))
        elif track and not track.end and (self._reopens or (is_paused and not track.through_pause)):
            self._fade(track)
            track.end = Break.PAUSE

    def _stop(self, track: Track, *, fade: bool) -> None:
        if fade and isinstance(track.end, PlaybackFinished | Stopped | Lost):
            return
        if fade and self._output.latency < FADED:
            if not track.end:
                self._fade(track)
            track.end = Stopped(track.key, track.feed.position)
            return
        stopped = Stopped(track.key, self._heard(track))
        track.end = stopped
        self._output.abort()
        track.feed.rewind(stopped.seconds)
        self._burst_ends = time.monotonic() + self._linger
        self._current = None
        self._tell(stopped)

    def _fade(self, track: Track) -> None:
        """Write a fade-out made of a copy of the next audio, so that the feed loses nothing."""
        sound = (track.before or track.feed.next(FADE))[: pcm.size(FADE)]
        if sound and not self._output.quiet:
            self._output.write(pcm.faded_out(sound))

    def _next(self) -> Track | None:
        """The next utterance to play, or None if none can begin."""
        with self._lock:
            allowed = (track for track in self._waiting if track.through_pause or not self._is_paused)
            track = next(allowed, None)
        return track if track and track.feed.is_ready else None

    def _dismiss(self) -> None:
        """End the next utterances that have no audio left."""
        while not self._current and (track := self._next()) and track.feed.is_exhausted:
            with self._lock:
                self._waiting.remove(track)
            self._tell(track.natural_end)

    def _rest(self) -> bool:
        """Step without an open device: wait for an utterance or the next retry, or open the device.

        Returns False when the player is closed and has finished.
        """
        now = time.monotonic()
        if not self._next():
            if self._in_burst and (self._is_closing or now >= self._burst_ends):
                self._end_burst()
            if self._is_closing:
                return False
            self._await(self._burst_ends - now if self._in_burst else None)
        elif now < self._try_at:
            self._await(self._try_at - now)
        else:
            if not self._in_burst:
                self._in_burst = True
                self._tell(BurstBegan())
            self._output.open(self._latency)
            self._needed = _whole(LEAD)
        return True

    def _sound(self) -> bool:
        """Step with an open device: write the next 10 ms, or finish an utterance or the burst. Returns True."""
        track, output = self._current, self._output
        if not track:
            self._between()
        elif not track.end:
            self._play(track)
        elif output.quiet < output.latency:
            output.rest(SLICE)
        else:
            self._finish(track, track.end)
        return True

    def _between(self) -> None:
        output = self._output
        track = None if self._reopens else self._next()
        if track and output.quiet >= self._needed:
            with self._lock:
                self._waiting.remove(track)
            was_paused = track.end is Break.PAUSE
            self._current, track.end = track, None
            if was_paused and (sound := track.feed.last(FADE)):
                output.write(pcm.faded_in(sound))
        elif track or output.quiet < self._closes_after:
            missing = self._needed - output.quiet
            output.rest(min(SLICE, missing) if missing > 0 else SLICE)
        else:
            output.close()
            if not self._reopens:
                self._end_burst()
            self._reopens, self._underruns = False, output.underruns

    @property
    def _closes_after(self) -> float:
        """Seconds of silence after which the device is closed."""
        least = self._output.latency + TAIL
        return least if self._is_closing or self._reopens else max(self._linger, least)

    def _play(self, track: Track) -> None:
        if track.before:
            sound, track.before = track.before[: pcm.size(SLICE)], track.before[pcm.size(SLICE) :]
            self._output.write(sound)
        elif sound := track.feed.take(SLICE):
            self._output.write(sound)
            self._report(track)
        elif track.feed.is_exhausted:
            track.end = track.natural_end
        elif not self._await(SLICE):
            self._output.rest(SLICE)
            self._starved += SLICE
        self._adapt()

    def _report(self, track: Track) -> None:
        if not track.has_started:
            track.has_started = True
            self._tell(PlaybackStarted(track.key, time.monotonic()))
        heard = self._heard(track)
        if abs(heard - track.told) >= PROGRESS:
            track.told = heard
            self._tell(Progress(track.key, heard))
        if track.feed.position > track.lost_at and self._output.written > self._output.latency + LEAD:
            self._tries = iter(TRIES)

    def _adapt(self) -> None:
        """After too many underruns, double the latency and reopen the device."""
        has_too_many = self._output.underruns - self._underruns >= UNDERRUNS
        if has_too_many and self._latency < LONGEST_LATENCY and not self._reopens:
            self._latency = min(2 * self._latency, LONGEST_LATENCY)
            self._reopens = True

    def _heard(self, track: Track) -> float:
        """Seconds of the utterance that were heard: those written, minus those still in the buffers."""
        return max(0.0, track.feed.position - max(0.0, self._output.latency - self._output.quiet))

    def _finish(self, track: Track, end: PlaybackFinished | Stopped | Lost | Break) -> None:
        self._current = None
        self._needed = _whole(max(self._gap, self._output.latency))
        if isinstance(end, Break):
            with self._lock:
                self._waiting.appendleft(track)
        else:
            self._tell(end)

    def _lose(self, error: NoAudioDevice) -> None:
        """Handle the loss of the device: schedule a retry, or give up all queued utterances."""
        track, self._current, self._reopens = self._current, None, False
        if track and isinstance(track.end, Stopped):
            self._tell(track.end)
        elif track:
            track.lost_at = max(track.lost_at, track.feed.position)
            if track.end is not Break.PAUSE:
                track.feed.rewind(self._heard(track))
            with self._lock:
                self._waiting.appendleft(track)
        self._output.abort()
        delay = next(self._tries, None)
        if delay is None:
            self._give_up(error)
        else:
            self._try_at = time.monotonic() + delay

    def _give_up(self, error: NoAudioDevice) -> None:
        with self._lock:
            lost, self._waiting = self._waiting, deque()
        for track in lost:
            self._tell(Lost(track.key, AUDIO_UNAVAILABLE, str(error)))
        self._end_burst()

    def _end_burst(self) -> None:
        self._in_burst, self._burst_ends, self._try_at = False, 0.0, 0.0
        self._tries = iter(FIRST_TRIES)
        self._tell(BurstEnded())

    def _await(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds for a command or new audio. Returns whether there was any."""
        has_news = self._wake.wait(timeout)
        self._wake.clear()
        return has_news


def _whole(seconds: float) -> float:
    """`seconds` rounded to whole samples, so that it can be compared with written durations."""
    return pcm.duration(pcm.size(seconds))
