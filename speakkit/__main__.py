"""The entry points of `speakkit`, `speak` and `python -m speakkit`."""

import gc
import os
import signal
import sys
from contextlib import suppress

# Until the error handler stands, Ctrl-C ends the process at once, rather than with a traceback of imports.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# What engines import is a million objects that stay: to go through them at every 700th would take a tenth of a cold
# `speak`.
gc.set_threshold(50_000)


def main() -> None:
    """`speakkit`."""
    from speakkit.cli.app import main as run  # noqa: PLC0415  after the line above

    _exit(run())


def speak() -> None:
    """`speak`."""
    from speakkit.cli.speak import main as run  # noqa: PLC0415  after the line above

    _exit(run())


def _exit(code: int) -> None:
    """End the process. Threads of an engine that was stopped while it loaded are not waited for."""
    from speakkit.errors import ExitCode  # noqa: PLC0415  after the line above

    if code == ExitCode.INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
