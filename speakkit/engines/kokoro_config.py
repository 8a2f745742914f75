"""Kokoro's published configuration and chunk limits. Imports neither the network nor torch."""

import json
from functools import cache
from typing import Any

from speakkit import paths
from speakkit.text.chunks import ChunkLimits

MOST = 510
"""Maximum phonemes per chunk: Kokoro's context of 512 tokens minus one at each end (n_token of hexgrad/Kokoro-82M's
config.json)."""

AIM = range(100, 201)
"""Preferred phonemes per chunk: shorter chunks sound weak and longer ones rush (VOICES.md of hexgrad/Kokoro-82M)."""

WEAK = 50
"""Phonemes; a chunk with fewer sounds weak by itself."""

SPLITS = 30
"""Phonemes; shorter chunks, of some 2 seconds, are spoken soon enough as a whole."""

SECONDS_PER_PHONEME, SECONDS_PER_CHUNK = 0.0550, 0.744
"""Linear prediction of the speech duration, in seconds. Fitted to 57 chunks of 10 to 510 phonemes of Alice in
Wonderland, spoken by af_heart at speed 1; its error is 0.39 s on average, and 2.5 s at most."""


def settings() -> dict[str, Any]:
    """Return Kokoro's config.json, as published."""
    read: dict[str, Any] = json.loads((paths.data() / "kokoro" / "config.json").read_text("utf-8"))
    return read


@cache
def limits() -> ChunkLimits:
    """Return the chunk limits of Kokoro."""
    return ChunkLimits(
        symbols=frozenset(settings()["vocab"]),
        most=MOST,
        aim=AIM[-1],
        weak=WEAK,
        seconds_per_phoneme=SECONDS_PER_PHONEME,
        seconds_per_chunk=SECONDS_PER_CHUNK,
    )
