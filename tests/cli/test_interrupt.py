"""Tests of Ctrl-C at moments when Python drops the exception."""

import signal
import subprocess
import sys
from contextlib import suppress

from speakkit import config

LOST_IN_A_DESTRUCTOR = """
import signal
from speakkit.cli import interrupt

class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

interrupt.listen()
interrupt.check()
Dying()
print("went on")
try:
    interrupt.check()
except KeyboardInterrupt:
    print("stopped")
"""


def test_a_request_that_python_dropped_is_raised_at_the_next_step():
    """Python ignores an exception in a destructor, so the next check raises it again."""
    ended = subprocess.run(
        [sys.executable, "-c", LOST_IN_A_DESTRUCTOR], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout.split("\n") == ["went on", "stopped", ""]


def test_what_compiled_code_makes_of_a_request_is_no_bug(run, monkeypatch):
    """An error that results from Ctrl-C in compiled code exits with 130.

    For example, libsndfile counts no sample as written if Ctrl-C ends its write callback.
    """

    def broken(_):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise AssertionError("0 samples were written")

    monkeypatch.setattr(config, "checked_speed", broken)
    result = run("speak", "-o", "x.wav", "Hello.")
    assert (result.code, result.err) == (130, "")
