"""Prepare synthesized chunks for concatenation: trim their ends, add the gaps, and compute phoneme onset times."""

from dataclasses import dataclass
from itertools import accumulate

from speakkit.audio import Audio, joined, silence
from speakkit.engines.base import Synthesis, Synthesizer
from speakkit.text.chunks import Chunk

BEFORE = 0.125
"""Seconds by which the first phoneme may be audible before its duration starts: most phonemes are by 0.05 to 0.1 s, a
breathed h by 0.125 s. Earlier audio is noise: Kokoro's chunks start with 0.2 to 0.5 s of it."""

AFTER = 0.1
"""Seconds for which the last sounding phoneme may ring on after its duration ends. Later audio belongs to the rest of
the punctuation mark's duration and to the end token."""

MARGIN = 0.05
"""Seconds of silence kept before the first and after the last sound, within the limits BEFORE and AFTER. A join with a
gap of 0 thus has 0.1 s of silence: as much as Kokoro itself makes between two short sentences."""

EARLY = 0.0625
"""Seconds by which a sound is audible before its duration starts: by pocketsphinx's alignment 0.0575 with one voice
(benchmarks/timestamps.py) and 0.0665 with eight at speeds from 0.8 to 1.25 (benchmarks/alignment.py), and 0.08 at the
first sound after a pause. By hama it differs by 6 ms at most between these voices and speeds. kokoro's own
`join_timestamps` subtracts 0.075."""

PAUSES = ';:,.!?—…"()“” '
"""Symbols of Kokoro's config.json that have no sound of their own: punctuation and the space."""


@dataclass(frozen=True, eq=False)
class Segment:
    """The audio of one chunk, ready to be appended to the previous segment.

    audio: clipped, trimmed, faded at both ends, followed by the chunk's gap; but neither trimmed nor faded where the
        chunk continues another one of its line, or is continued
    onsets: start time of each phoneme, then the end time of the last one, in seconds from the start of the audio; empty
        if every word of the chunk was lost
    warnings: one line for each part of the text that was dropped or failed since the previous segment, without the lost
        words
    """

    chunk: Chunk
    audio: Audio
    onsets: tuple[float, ...]
    warnings: tuple[str, ...] = ()


def segment(chunk: Chunk, synthesis: Synthesis, synthesizer: Synthesizer) -> Segment:
    """The segment of `chunk`, from its `synthesis`; only the gap if the chunk has no phonemes."""
    gap = silence(chunk.gap, synthesizer.identity.sample_rate)
    if not synthesis.durations:
        return Segment(chunk, gap, ())
    ends = [frames * synthesizer.frame for frames in accumulate(synthesis.durations)]
    sounds = max(1, len(chunk.phonemes.rstrip(PAUSES)))
    start, end = _audible(synthesis.audio, ends[0], ends[sounds - 1], ends[sounds])
    if chunk.at:
        start = 0.0
    if chunk.is_continued:
        end = synthesis.audio.duration
    voice = synthesis.audio.part(start, end)
    moved = start + min(EARLY, ends[0])
    onsets = tuple(min(max(0.0, end - moved), voice.duration) for end in ends[:-1])
    faded = voice.clipped().faded(starts=not chunk.at, ends=not chunk.is_continued)
    return Segment(chunk, joined([faded, gap]), onsets)


def _audible(audio: Audio, first: float, last: float, end: float) -> tuple[float, float]:
    """The start and the end time of the audible part of a chunk's audio, in seconds.

    first, last: start times of the first and the last sound, by their durations, in seconds
    end: end time of the last sound, in seconds
    """
    start = max(0.0, first - BEFORE)
    voice = audio.part(start, end + AFTER)
    begins, ends = voice.sounding
    begins = max(0.0, min(begins - MARGIN, first - start))
    return start + begins, start + min(max(ends + MARGIN, last - start), voice.duration)
