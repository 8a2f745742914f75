"""Where one chunk meets the next: what is cut off its ends, and when each of its phonemes is heard in what is left."""

from dataclasses import dataclass
from itertools import accumulate

from speakkit.audio import Audio, joined, silence
from speakkit.engines.base import Synthesis, Synthesizer
from speakkit.text.chunks import Chunk

BEFORE = 0.125
"""Seconds before the duration of the first phoneme in which it may be heard: most are by 0.05 to 0.1, a breathed h by
0.125. What is earlier is noise; Kokoro begins its chunks with 0.2 to 0.5 s of it."""

AFTER = 0.1
"""Seconds after the duration of the last phoneme that sounds, in which it may ring on. Later there are the rest of the
mark's duration and the end's."""

MARGIN = 0.05
"""Seconds kept of the silence between these and the first and the last sound, so that a join with a gap of 0 has 0.1:
as much as Kokoro itself makes between two short sentences."""

EARLY = 0.0625
"""Seconds by which a sound is heard before its duration says so: 0.0575 in running speech by pocketsphinx's alignment,
0.08 at the first sound after a pause (benchmarks/timestamps.py); kokoro's own `join_timestamps` takes 0.075 off."""

PAUSES = ';:,.!?—…"()“” '
"""Phonemes without a sound of their own (of the symbols in Kokoro's config.json)."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One chunk, spoken and ready to follow the one before it.

    audio: clipped, trimmed, faded at both ends, with the chunk's gap after it
    onsets: when each phoneme is heard, and when the last one ends, in seconds from the start of the audio; empty if
        every word of the chunk was lost
    warnings: one line for each thing that was dropped or failed since the segment before, without the lost words
    """

    chunk: Chunk
    audio: Audio
    onsets: tuple[float, ...]
    warnings: tuple[str, ...] = ()


def segment(chunk: Chunk, synthesis: Synthesis, synthesizer: Synthesizer) -> Segment:
    """`chunk` as `synthesizer` spoke it, or its gap alone where there was nothing in it to speak."""
    gap = silence(chunk.gap, synthesizer.identity.sample_rate)
    if not synthesis.durations:
        return Segment(chunk, gap, ())
    ends = [frames * synthesizer.frame for frames in accumulate(synthesis.durations)]
    sounds = max(1, len(chunk.phonemes.rstrip(PAUSES)))
    start, voice = _trimmed(synthesis.audio, ends[0], ends[sounds - 1], ends[sounds])
    moved = start + min(EARLY, ends[0])
    onsets = tuple(min(max(0.0, end - moved), voice.duration) for end in ends[:-1])
    return Segment(chunk, joined([voice.clipped().faded(), gap]), onsets)


def _trimmed(audio: Audio, first: float, last: float, end: float) -> tuple[float, Audio]:
    """What is heard of a chunk, and where that begins in it.

    first, last: when its first and its last sound begin, by their durations; end: when the last one ends
    """
    start = max(0.0, first - BEFORE)
    voice = audio.part(start, end + AFTER)
    begins, ends = voice.sounding
    begins = max(0.0, min(begins - MARGIN, first - start))
    return start + begins, voice.part(begins, max(ends + MARGIN, last - start))
