"""The Python below this environment, without what is installed in it: as other users, and containers, have it."""

import sys

BARE_PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
