"""Kokoro's published settings, and what it can speak at once. Loads no network and no torch."""

import json
from functools import cache
from typing import Any

from speakkit import paths
from speakkit.text.chunks import ChunkLimits

MOST = 510
"""Phonemes; Kokoro's context of 512 tokens less one at each end (n_token of hexgrad/Kokoro-82M's config.json)."""

AIM = range(100, 201)
"""Phonemes; shorter chunks sound weak and longer ones rush (VOICES.md of hexgrad/Kokoro-82M)."""

WEAK = 50
"""Phonemes; fewer sound weak by themselves."""

SECONDS_PER_PHONEME, SECONDS_PER_CHUNK = 0.0550, 0.744
"""A line through 57 chunks of 10 to 510 phonemes of Alice in Wonderland, spoken by af_heart at speed 1: it is out by
0.39 s on average, and by 2.5 s at most."""


def settings() -> dict[str, Any]:
    """Kokoro's config.json, as published."""
    read: dict[str, Any] = json.loads((paths.data() / "kokoro" / "config.json").read_text("utf-8"))
    return read


@cache
def limits() -> ChunkLimits:
    """What Kokoro can speak at once."""
    return ChunkLimits(
        symbols=frozenset(settings()["vocab"]),
        most=MOST,
        aim=AIM[-1],
        weak=WEAK,
        seconds_per_phoneme=SECONDS_PER_PHONEME,
        seconds_per_chunk=SECONDS_PER_CHUNK,
    )
