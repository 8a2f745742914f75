"""Import packages that change their host when imported, and put the host back as it was."""

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from unittest.mock import patch


def import_quietly(name: str) -> ModuleType:
    """The module `name`, with the host's log handlers and warning filters left alone.

    `import kokoro` removes every handler of loguru's global logger and adds its own.
    """
    from loguru import logger  # noqa: PLC0415  kokoro's, and of no use to those who want `no_warnings` alone

    with (
        patch.object(logger, "remove"),
        patch.object(logger, "add"),
        no_warnings(),
    ):
        return importlib.import_module(name)


@contextmanager
def no_warnings() -> Iterator[None]:
    """Keep to ourselves what a package warns of that neither we nor the user can mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
