"""Kokoro's own settings and the phonemes that it knows, without the network itself."""

import json
from functools import cache
from typing import Any

from speakkit import paths


def settings() -> dict[str, Any]:
    """Kokoro's config.json, as published."""
    read: dict[str, Any] = json.loads((paths.data() / "kokoro" / "config.json").read_text("utf-8"))
    return read


@cache
def symbols() -> frozenset[str]:
    """The phonemes and marks that Kokoro knows."""
    return frozenset(settings()["vocab"])
