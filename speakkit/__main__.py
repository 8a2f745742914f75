"""The entry points of `speakkit`, `speak` and `python -m speakkit`."""

import gc
import os
import signal
import sys
from contextlib import suppress

# Until the error handler is installed, Ctrl-C must end the process without a traceback of imports.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# The imports of the engines create a million permanent objects: collecting at every 700th allocation, the default,
# would take a tenth of the time of a cold `speak`.
gc.set_threshold(50_000)


def main() -> None:
    """Run the command `speakkit`."""
    from speakkit.cli.app import main as run  # noqa: PLC0415  after the line above

    _exit(run())


def speak() -> None:
    """Run the command `speak`."""
    from speakkit.cli.speak import main as run  # noqa: PLC0415  after the line above

    _exit(run())


def _exit(code: int) -> None:
    """Exit with `code`. After an interrupt, do not wait for the threads of an engine that was loading."""
    from speakkit.errors import ExitCode  # noqa: PLC0415  after the line above

    if code == ExitCode.INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
