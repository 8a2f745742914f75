"""The sound that is played: one channel of float32 samples, little-endian, at 24 kHz, as bytes.

No numpy: the daemon lives without it.
"""

import struct

RATE = 24_000
"""Samples a second."""

WIDTH = 4
"""Bytes of a sample."""


def size(seconds: float) -> int:
    """Bytes of so much sound, in whole samples."""
    return WIDTH * round(seconds * RATE)


def duration(n_bytes: int) -> float:
    """Seconds of so many bytes."""
    return n_bytes / (WIDTH * RATE)


def silence(seconds: float) -> bytes:
    """`seconds` of nothing."""
    return bytes(size(seconds))


def faded_out(pcm: bytes) -> bytes:
    """`pcm`, falling to silence."""
    n = len(pcm) // WIDTH
    return _scaled(pcm, [(n - i) / (n + 1) for i in range(n)])


def faded_in(pcm: bytes) -> bytes:
    """`pcm`, rising from silence."""
    n = len(pcm) // WIDTH
    return _scaled(pcm, [(i + 1) / (n + 1) for i in range(n)])


def _scaled(pcm: bytes, gains: list[float]) -> bytes:
    form = f"<{len(gains)}f"
    return struct.pack(form, *(sample * gain for sample, gain in zip(struct.unpack(form, pcm), gains, strict=True)))
