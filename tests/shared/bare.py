"""The Python interpreter below this environment, without its packages, as other users and containers have it."""

import sys

BARE_PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
