"""The entry points of `speakkit`, `speak` and `python -m speakkit`."""

import signal
import sys

# Until the error handler stands, Ctrl-C ends the process at once, rather than with a traceback of imports.
signal.signal(signal.SIGINT, signal.SIG_DFL)


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
