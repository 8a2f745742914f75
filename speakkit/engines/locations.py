"""Where engines find weights and voices: handed in by the program that uses them, and not read from its settings.

The command line, each worker process and the Python API do that once, by `use`, before they load an engine.
"""

from collections.abc import Callable

from speakkit.config import Locations


def _nowhere() -> Locations:
    raise LookupError("no program has said where weights and voices are; see speakkit.engines.locations.use")


_current: Callable[[], Locations] = _nowhere
_fetches = True


def use(found: Callable[[], Locations], *, fetches: bool = True) -> None:
    """Take the locations from `found` from here on. It is called each time that they are needed, and may raise.

    fetches: missing weights may be fetched in this process; otherwise engines fail without them
    """
    global _current, _fetches
    _current, _fetches = found, fetches


def current() -> Locations:
    """The locations. Raises what the function that was handed in raises, such as ConfigError."""
    return _current()


def may_fetch() -> bool:
    """Whether this process may fetch weights that are missing."""
    return _fetches
