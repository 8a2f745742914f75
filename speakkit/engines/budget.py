"""A limit of processor time for one step of an engine, so that no text can hold up the speech of others."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from speakkit.errors import EngineError

AGAIN = 1.0
"""Seconds of processor time after which the error is raised again, if a library has suppressed it."""


@contextmanager
def processor_time(seconds: float) -> Iterator[None]:
    """Return a context that ends its block with an error after `seconds` of processor time of its thread.

    The limit works in the main thread only, in which a worker process computes, because it is a signal (SIGPROF). It
    does not apply if the program has a timer of that signal, such as a profiler's. Raises EngineError in the block when
    the time is used up; C code is not interrupted before it returns.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGPROF) is not signal.SIG_DFL:
        yield
        return
    end = time.thread_time() + seconds
    is_open = True

    def check(_signal: int, _frame: FrameType | None) -> None:
        left = end - time.thread_time()
        signal.setitimer(signal.ITIMER_PROF, left if left > 0 else AGAIN)  # it counts the time of other threads too
        if is_open and left <= 0:
            raise EngineError(f"it took more than {seconds:g} s of processor time")

    signal.signal(signal.SIGPROF, check)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        is_open = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
