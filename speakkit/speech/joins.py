"""Where one chunk meets the next: what is cut off its ends, and when each of its phonemes is heard in what is left."""

from dataclasses import dataclass
from itertools import accumulate

from speakkit.audio import Audio, joined, silence
from speakkit.engines.base import Synthesis, Synthesizer
from speakkit.text.chunks import Chunk

LEAD = 0.125
"""Seconds kept before the first phoneme. Kokoro begins its chunks with 0.2 to 0.5 s of silence, and most words 0.05 s
before the duration of their first phoneme does; a breathed h comes up to 0.125 s before it."""

TAIL = 0.1
"""Seconds kept after the last sound, for what of it rings on into the mark. The rest of a mark's duration, and the
end's, are silence, whose length is the voice's and not the text's."""

EARLY = 0.05
"""Seconds by which a sound is heard before its duration says so, at any speed: measured by benchmarks/timestamps.py.
kokoro's own `join_timestamps` takes off 0.075 s."""

PAUSES = ';:,.!?—…"()“” '
"""Phonemes without a sound of their own (of the symbols in Kokoro's config.json)."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One chunk, spoken and ready to follow the one before it.

    audio: clipped, trimmed, faded at both ends, with the chunk's gap after it
    onsets: when each phoneme is heard, and when the last one ends, in seconds from the start of the audio; empty where
        every word of the chunk was lost
    """

    chunk: Chunk
    audio: Audio
    onsets: tuple[float, ...]


def segment(chunk: Chunk, synthesis: Synthesis | None, synthesizer: Synthesizer) -> Segment:
    """`chunk` as `synthesizer` spoke it, or a chunk of lost words alone, which is only its gap.

    It is cut by durations alone, not by how loud it is, so that its length is the same on every device.
    """
    gap = silence(chunk.gap, synthesizer.sample_rate)
    if synthesis is None:
        return Segment(chunk, gap, ())
    ends = [frames * synthesizer.frame for frames in accumulate(synthesis.durations)]
    start = max(0.0, ends[0] - LEAD)
    voice = synthesis.audio.part(start, ends[len(chunk.phonemes.rstrip(PAUSES))] + TAIL)
    early = min(EARLY, ends[0])
    onsets = tuple(end - early - start for end in ends[:-1])
    return Segment(chunk, joined([voice.clipped().faded(), gap]), onsets)
