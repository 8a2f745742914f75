"""The one open sink, and the one thread that calls it.

A call to a sound server that hangs does not return, and nothing can be done about it from outside. So the thread is
watched: when a call takes too long, another thread takes over, and the sink is left to the old one.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from speakkit.playback import pcm
from speakkit.playback.sinks import Opener, SoundSink

STALL = 3.0
"""Seconds that a call may take; one that is answered takes as long as what is written."""

WATCH = 0.25
"""Seconds between two looks at the thread, while a sink is open."""


class Replaced(Exception):
    """This thread was too long in a call, and another one has taken its place."""


class Output:
    """At most one open sink at a time.

    latency: seconds from writing to hearing, of what is open or was last
    written: seconds since it was opened
    underruns: of all sinks so far
    """

    def __init__(self, open_sink: Opener, work: Callable[[bool], None], stall: float = STALL) -> None:
        """`work` is what the thread does, told whether it takes the place of one that hung; it ends with Replaced."""
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
        """Start the thread, unless it runs."""
        with self._lock:
            if self._owner is None:
                threading.Thread(target=self._watch, name="playback watch", daemon=True).start()
                self._take_over(is_stalled=False)

    def wait(self, timeout: float | None) -> bool:
        """Wait for the thread's end. Returns whether it has ended, or never began."""
        return self._owner is None or self._ended.wait(timeout)

    @property
    def name(self) -> str:
        """The kind of what is open, "" where nothing is."""
        sink = self._sink
        return sink.name if sink else ""

    @property
    def quiet(self) -> float:
        """Seconds of silence that were written last."""
        return pcm.duration(self._quiet)

    def open(self, latency: float) -> None:
        """Open a sink. Raises NoAudioDevice, Replaced."""
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
        """Play up to 20 ms. Raises NoAudioDevice, Replaced."""
        self._write(sound)
        self._quiet = 0

    def rest(self, seconds: float) -> None:
        """Play up to 20 ms of silence. Raises NoAudioDevice, Replaced."""
        sound = pcm.silence(seconds)
        self._write(sound)
        self._quiet += len(sound)

    def abort(self) -> None:
        """Be silent at once; nothing is open any more. Raises Replaced."""
        self._end(lambda sink: sink.abort())

    def close(self) -> None:
        """End what has been silent for longer than its latency. Raises NoAudioDevice, Replaced."""
        self._end(lambda sink: sink.close())

    def _write(self, sound: bytes) -> None:
        assert self._sink
        before = self._sink.underruns
        is_late = self.written > 0 and 0 < self.latency < time.monotonic() - self._wrote_at
        self._use(lambda sink: sink.write(sound))
        # Few sound servers tell, but where nothing was written for longer than its latency, there was none to play.
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
        """Call a sink. Raises Replaced where it returns too late."""
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
        # A signal that lands on this thread would break off PortAudio's wait for the device, and so the stream.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        try:
            with suppress(Replaced):
                self._work(is_stalled)
        finally:
            if threading.current_thread() is self._owner:
                self._ended.set()
                self._in_use.set()
