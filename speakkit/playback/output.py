"""The single open sink, and the single thread that calls it.

A call to a hanging sound server does not return and cannot be interrupted. A watchdog thread therefore times the
calls: when one takes too long, a new thread takes over, and the old thread keeps the hanging sink.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from speakkit.playback import pcm
from speakkit.playback.sinks import Opener, SoundSink

STALL = 3.0
"""Timeout of a call to a sink, in seconds; a normal write takes as long as the audio written."""

WATCH = 0.25
"""Seconds between two checks of the watchdog, while a sink is open."""


class Replaced(Exception):
    """The current thread was in a call for too long, and another thread has replaced it."""


class Output:
    """The audio output: at most one open sink, and the thread that uses it.

    latency: seconds from writing a sample to hearing it, of the open sink or the last one
    written: seconds of audio written since the sink was opened
    underruns: number of underruns of all sinks so far
    """

    def __init__(self, open_sink: Opener, work: Callable[[bool], None], stall: float = STALL) -> None:
        """Does not start the thread yet.

        open_sink: opens a sink
        work: the thread's function; its argument is whether the thread replaces one that hung. It may raise Replaced
        stall: timeout of a call to a sink, in seconds
        """
        self.latency = 0.0
        self.written = 0.0
        self.underruns = 0
        self._ended = threading.Event()
        self._wrote_at = 0.0  # seconds of time.monotonic()
        self._quiet = 0  # bytes, so that sums are exact
        self._open_sink = open_sink
        self._work = work
        self._stall = stall
        self._sink: SoundSink | None = None
        self._lock = threading.Lock()
        self._owner: threading.Thread | None = None
        self._called_at: float | None = None
        self._in_use = threading.Event()

    def start(self) -> None:
        """Start the thread, unless it is running."""
        with self._lock:
            if self._owner is None:
                threading.Thread(target=self._watch, name="playback watch", daemon=True).start()
                self._take_over(is_stalled=False)

    def wait(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds for the thread's end. Returns whether it has ended, or was never started."""
        return self._owner is None or self._ended.wait(timeout)

    @property
    def name(self) -> str:
        """The kind of the open sink, or "" if none is open."""
        sink = self._sink
        return sink.name if sink else ""

    @property
    def quiet(self) -> float:
        """Seconds of silence at the end of what was written."""
        return pcm.duration(self._quiet)

    def open(self, latency: float) -> None:
        """Open a sink with a latency in seconds. Raises NoAudioDevice, Replaced."""
        self._in_use.set()
        sink = None
        try:
            with self._watched():
                sink = self._open_sink(latency)
        except Replaced:
            if sink:
                sink.abort()
            raise
        self._sink, self.latency = sink, sink.latency
        self._quiet, self.written = 0, 0.0

    def write(self, sound: bytes) -> None:
        """Write up to 20 ms of audio. Raises NoAudioDevice, Replaced."""
        self._write(sound)
        self._quiet = 0

    def rest(self, seconds: float) -> None:
        """Write up to 20 ms of silence. Raises NoAudioDevice, Replaced."""
        sound = pcm.silence(seconds)
        self._write(sound)
        self._quiet += len(sound)

    def abort(self) -> None:
        """Close the sink at once, dropping audio that was not heard yet. Raises Replaced."""
        self._end(lambda sink: sink.abort())

    def close(self) -> None:
        """Close a sink that has been silent for longer than its latency. Raises NoAudioDevice, Replaced."""
        self._end(lambda sink: sink.close())

    def _write(self, sound: bytes) -> None:
        assert self._sink
        before = self._sink.underruns
        is_late = self.written > 0 and 0 < self.latency < time.monotonic() - self._wrote_at
        self._use(lambda sink: sink.write(sound))
        # Few sound servers report underruns, but after a pause longer than the latency the buffer must have been empty.
        self.underruns += is_late or self._sink.underruns > before
        self._wrote_at = time.monotonic()
        self.written += pcm.duration(len(sound))

    def _end(self, end: Callable[[SoundSink], None]) -> None:
        if self._sink:
            self._use(end)
        self._sink = None
        self._in_use.clear()

    def _use(self, use: Callable[[SoundSink], None]) -> None:
        sink = self._sink
        assert sink
        try:
            with self._watched():
                use(sink)
        except Replaced:
            sink.abort()
            raise

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Time a call to a sink. Raises Replaced if it returns after the timeout."""
        with self._lock:
            self._called_at = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                is_late = threading.current_thread() is not self._owner
                if not is_late:
                    self._called_at = None
            if is_late:
                raise Replaced

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._in_use.wait()
            self._ended.wait(WATCH)
            with self._lock:
                if self._called_at is not None and time.monotonic() - self._called_at > self._stall:
                    self._called_at, self._sink = None, None
                    self._take_over(is_stalled=True)

    def _take_over(self, *, is_stalled: bool) -> None:
        self._owner = threading.Thread(target=self._own, args=(is_stalled,), name="playback", daemon=True)
        self._owner.start()

    def _own(self, is_stalled: bool) -> None:
        # A signal delivered to this thread would interrupt PortAudio's wait for the device, and end the stream.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        try:
            with suppress(Replaced):
                self._work(is_stalled)
        finally:
            if threading.current_thread() is self._owner:
                self._ended.set()
                self._in_use.set()
