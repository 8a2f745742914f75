"""Ctrl-C at a moment when Python drops what it raises."""

import subprocess
import sys

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
    """What a destructor raises is ignored; the next check is not."""
    ended = subprocess.run(
        [sys.executable, "-c", LOST_IN_A_DESTRUCTOR], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout.split("\n") == ["went on", "stopped", ""]
