"""The entry points of `speakkit`, `speak` and `python -m speakkit`."""

import gc
import signal
import sys

# Until the error handler stands, Ctrl-C ends the process at once, rather than with a traceback of imports.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# What engines import is a million objects that stay: to go through them at every 700th would take a tenth of a cold
# `speak`.
gc.set_threshold(50_000)


def main() -> None:
    """`speakkit`."""
    from speakkit.cli.app import main as run  # noqa: PLC0415  after the line above

    sys.exit(run())


def speak() -> None:
    """`speak`."""
    from speakkit.cli.speak import main as run  # noqa: PLC0415  after the line above

    sys.exit(run())


if __name__ == "__main__":
    main()
