"""Measure whether joins of chunks are audible: the largest jump between adjacent samples there, and inside chunks.

    python benchmarks/joins.py [CHUNKS [VOICE [SPEED]]]      # 20 of tests/data/alice29.txt, f1, 1.0 by default

Prints both, and the silence (below -60 dB) around a join in excess of the chosen gap.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from speakkit import config
from speakkit.engines import hub, locations
from speakkit.speech.concatenation import Segment
from speakkit.speech.synthesize import speaker
from speakkit.speech_request import SpeechRequest

lent = ExitStack()
"""Engines that stay loaded while this script runs."""


BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"
AROUND = 240
"""Samples on each side of a join that are measured with it: 0.01 s, twice a fade."""


def jumps(segments: Iterable[Segment]) -> Iterator[tuple[float, float]]:
    """For each join, the largest jump around it, and the largest inside the chunk before it, of full scale 1."""
    for first, second in pairwise(segments):
        inside = np.abs(np.diff(first.audio.samples)).max()
        voice = first.audio.samples[: len(first.audio.samples) - round(first.chunk.gap * first.audio.sample_rate)]
        seam = np.concatenate([voice[-AROUND:], first.audio.samples[len(voice) :], second.audio.samples[:AROUND]])
        yield float(np.abs(np.diff(seam)).max()), float(inside)


def silences(segments: Iterable[Segment]) -> Iterator[float]:
    """For each join, the seconds of silence around it in excess of the gap."""
    for first, second in pairwise(segments):
        yield first.audio.duration - first.audio.sounding[1] + second.audio.sounding[0] - first.chunk.gap


def main(count: int, voice: str, speed: float) -> None:
    """Print the figures."""
    talker = lent.enter_context(speaker(SpeechRequest(voice=voice, device="cpu")))
    segments = list(islice(talker.segments(SpeechRequest(BOOK.read_text()[500:30_000], speed=speed)), count))
    at_joins, inside = zip(*jumps(segments), strict=True)
    beyond = list(silences(segments))
    print(f"{len(segments)} chunks, voice {voice}, speed {speed:g}, weights {hub.ensure('kokoro').source}")
    print(f"longest jump at joins {max(at_joins):.4f}, inside chunks {max(inside):.4f} of full scale")
    print(f"silence beyond the gap: {min(beyond):.3f} to {max(beyond):.3f} s, median {np.median(beyond):.3f} s")


if __name__ == "__main__":
    locations.use(config.locations)
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20,
        sys.argv[2] if len(sys.argv) > 2 else "f1",
        float(sys.argv[3]) if len(sys.argv) > 3 else 1.0,
    )
