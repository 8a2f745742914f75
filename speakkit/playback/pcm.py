"""The format of played audio, as bytes: one channel of little-endian float32 samples at 24 kHz.

This module does not use numpy, because the daemon does not load it.
"""

import struct

RATE = 24_000
"""Sample rate in Hz."""

WIDTH = 4
"""Bytes per sample."""


def size(seconds: float) -> int:
    """Number of bytes of `seconds` of audio, rounded to whole samples."""
    return WIDTH * round(seconds * RATE)


def duration(n_bytes: int) -> float:
    """Seconds of audio in `n_bytes`."""
    return n_bytes / (WIDTH * RATE)


def silence(seconds: float) -> bytes:
    """`seconds` of silence."""
    return bytes(size(seconds))


def faded_out(pcm: bytes) -> bytes:
    """`pcm`, faded out linearly to silence."""
    n = len(pcm) // WIDTH
    return _scaled(pcm, [(n - i) / (n + 1) for i in range(n)])


def faded_in(pcm: bytes) -> bytes:
    """`pcm`, faded in linearly from silence."""
    n = len(pcm) // WIDTH
    return _scaled(pcm, [(i + 1) / (n + 1) for i in range(n)])


def _scaled(pcm: bytes, gains: list[float]) -> bytes:
    form = f"<{len(gains)}f"
    return struct.pack(form, *(sample * gain for sample, gain in zip(struct.unpack(form, pcm), gains, strict=True)))
