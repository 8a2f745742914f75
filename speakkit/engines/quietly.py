"""Import packages that change global state on import, and restore that state."""

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from unittest.mock import patch


def import_quietly(name: str) -> ModuleType:
    """Import the module `name`, leaving log handlers and warning filters unchanged.

    `import kokoro` removes every handler of loguru's global logger and adds its own.
    """
    from loguru import logger  # noqa: PLC0415  a dependency of kokoro, not needed for `no_warnings`

    with (
        patch.object(logger, "remove"),
        patch.object(logger, "add"),
        no_warnings(),
    ):
        return importlib.import_module(name)


@contextmanager
def no_warnings() -> Iterator[None]:
    """Suppress warnings of a package that neither speakkit nor the user can fix."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
