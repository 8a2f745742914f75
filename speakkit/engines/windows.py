"""Long clips: read in overlapping windows, which are joined where two neighbours heard the same word.

A window's edge may cut a word, which is then misread or missed. The overlap is longer than a word, so that each word is
whole in at least one window.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import partial
from itertools import islice, pairwise
from math import ceil
from typing import TypeAlias

from speakkit.audio import Audio, joined, silence
from speakkit.engines.attempt import attempt, each, usable
from speakkit.outcome import Outcome
from speakkit.transcript import REPETITION, Guard, Transcript, TranscriptSegment, Word, compression_ratio

SAMPLE_RATE = 16_000
"""Sample rate of all recognizers that read in windows, in hertz."""

WINDOW = 30.0
"""Maximum length of a window, in seconds."""

OVERLAP = 4.0
"""Overlap of two windows, in seconds."""

SHORTEST = 0.5
"""Length in seconds to which a shorter window is padded with silence."""

BRIEFEST = 0.02
"""Minimum length of a word in seconds, in a clip that is as long."""

NEAR = 0.5
"""Maximum distance in seconds between the centres of a word in two windows: a few frames of any recognizer."""

CUT = 1
"""Maximum number of words that the edge of a window cuts."""

UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Chinese characters, as a range of a regular expression. They are written without spaces."""

WRITTEN = re.compile(rf"[{UNSPACED}][^\w\s]*|[^\s{UNSPACED}]+")
"""A written word, with its punctuation. Each character of UNSPACED counts as a word."""


@dataclass(frozen=True)
class Heard:
    """What a recognizer found in one window.

    text: as the recognizer wrote it, without leading and trailing white space
    words: with times from the start of the window, or without times
    language: ISO 639-1 code; "" if not known
    raw_text: exactly what the recognizer returned
    average_log_probability: natural logarithm, mean over the tokens; None if not known
    """

    text: str
    words: tuple[Word, ...]
    language: str = ""
    raw_text: str = ""
    average_log_probability: float | None = None


Read: TypeAlias = Callable[[Sequence[Audio]], Sequence[Heard]]
"""Reads windows in one batch. Their sample rate is SAMPLE_RATE, and each is SHORTEST seconds long at least."""


@dataclass(frozen=True)
class Part:
    """The words of one window.

    start, end: of the window, in seconds from the start of the clip
    words: with times from the start of the clip, or without times
    """

    start: float
    end: float
    words: tuple[Word, ...]


def transcribe(clips: Iterable[Audio], read: Read, engine: str, batch: int = 1) -> Iterator[Outcome[Audio, Transcript]]:
    """Yield the transcript of each clip.

    batch: maximum number of windows that are read at once
    A clip that is empty, or has a sample that is no number, fails with EngineError.
    """
    one = partial(_transcribed, read=read, batch=batch)
    for group in _groups(clips, batch):
        together = attempt(group, one, engine) if len(group) > 1 else None
        if together and together.value:
            yield from map(Outcome, group, together.value)
        else:
            yield from each(group, lambda clip: one((clip,))[0], engine)


def spans(duration: float) -> tuple[tuple[float, float], ...]:
    """Return start and end in seconds of the windows of a clip. They are equally long, and overlap by OVERLAP."""
    count = max(1, ceil((duration - OVERLAP) / (WINDOW - OVERLAP)))
    length = (duration + (count - 1) * OVERLAP) / count
    return tuple((k * (length - OVERLAP), k * (length - OVERLAP) + length) for k in range(count))


def cut(clip: Audio) -> tuple[tuple[tuple[float, float], ...], list[Audio]]:
    """Return the spans of a clip, and its windows at SAMPLE_RATE. Raises EngineError if the clip is not usable."""
    found = spans(usable(clip).duration)
    resampled = clip.resampled(SAMPLE_RATE)
    return found, [_padded(resampled.part(*span)) for span in found]


def join(parts: Sequence[Part]) -> tuple[Word, ...]:
    """Return the words of the clip from the words of its windows, in order.

    Two windows are joined at the word that both heard nearest to the middle of their overlap. If words have no times,
    it is in the middle of the longest run of words that both heard. If there is none, words with times are taken from
    the earlier window up to the middle of the overlap, and words without times from both windows, so that none is lost.
    """
    words = list(parts[0].words)
    for before, after in pairwise(parts):
        kept, skipped = _seam(words, before, after)
        words[kept:] = after.words[skipped:]
    return tuple(words)


def written(text: str) -> list[tuple[int, int]]:
    """Return the written words of a text as half-open spans of characters."""
    return [found.span() for found in WRITTEN.finditer(text)]


def spelled(words: Iterable[str]) -> str:
    """Return the text that the written words form."""
    text = ""
    for word in words:
        is_spaced = text and not (re.search(f"[{UNSPACED}]", text[-2:]) and re.match(f"[{UNSPACED}]", word))
        text += f" {word}" if is_spaced else word
    return text


def _groups(clips: Iterable[Audio], size: int) -> Iterator[tuple[Audio, ...]]:
    """Yield the clips in groups of `size`."""
    rest = iter(clips)
    while group := tuple(islice(rest, size)):
        yield group


def _transcribed(clips: Sequence[Audio], read: Read, batch: int) -> tuple[Transcript, ...]:
    """Return the transcripts of some clips, whose windows are read in batches."""
    cuts = [cut(clip) for clip in clips]
    windows = [window for _, parts in cuts for window in parts]
    heard = iter([one for k in range(0, len(windows), batch) for one in read(windows[k : k + batch])])
    return tuple(
        _transcript(clip, found, list(islice(heard, len(found)))) for clip, (found, _) in zip(clips, cuts, strict=True)
    )


def _padded(window: Audio) -> Audio:
    """Return a window of SHORTEST seconds at least."""
    missing = SHORTEST - window.duration
    return joined((window, silence(missing, window.sample_rate))) if missing > 0 else window


def _transcript(clip: Audio, found: Sequence[tuple[float, float]], heard: Sequence[Heard]) -> Transcript:
    """Return the transcript of a clip from what was heard in its windows."""
    parts = [
        Part(start, end, tuple(_placed(word, start, clip.duration) for word in one.words))
        for (start, end), one in zip(found, heard, strict=True)
    ]
    words = join(parts)
    return Transcript(
        heard[0].text if len(heard) == 1 else spelled(word.text for word in words),
        next((one.language for one in heard if one.language), ""),
        words,
        tuple(_segment(one, *span) for span, one in zip(found, heard, strict=True)),
        "\n".join(one.raw_text for one in heard),
    )


def _segment(heard: Heard, start: float, end: float) -> TranscriptSegment:
    """Return what was heard in one window."""
    ratio = compression_ratio(heard.text)
    guards = (Guard.repetition,) if ratio > REPETITION else ()
    return TranscriptSegment(
        heard.text, start, end, heard.average_log_probability, compression_ratio=ratio, guards=guards
    )


def _placed(word: Word, offset: float, duration: float) -> Word:
    """Return a word of a window with times of the clip, within its duration, and not shorter than BRIEFEST."""
    if word.start is None or word.end is None:
        return word
    end = min(word.end + offset, duration)
    return replace(word, start=max(0.0, min(word.start + offset, end - BRIEFEST)), end=end)


def _seam(words: Sequence[Word], before: Part, after: Part) -> tuple[int, int]:
    """Return how many of the words so far to keep, and how many words of the next window to skip."""
    if any(word.start is not None for word in words) and any(word.start is not None for word in after.words):
        return _seam_in_time(words, after.words, after.start, before.end)
    return _seam_in_order(words, before, after)


def _seam_in_time(left: Sequence[Word], right: Sequence[Word], start: float, end: float) -> tuple[int, int]:
    """Return the seam of words with times, whose windows overlap from `start` to `end`."""
    ours, theirs = _centres(left), _centres(right)
    lefts = [i for i, centre in enumerate(ours) if centre >= start]
    rights = [j for j, centre in enumerate(theirs) if centre <= end]
    middle = (start + end) / 2
    pairs = [(i, _nearest(ours[i], theirs, rights)) for i in lefts] if rights else []
    both = [
        (i, j)
        for i, j in pairs
        if _key(left[i]) == _key(right[j])
        and abs(ours[i] - theirs[j]) <= NEAR
        and _nearest(theirs[j], ours, lefts) == i
    ]
    if both:
        i, j = min(both, key=lambda pair: abs(ours[pair[0]] - middle))
        return i + 1, j + 1
    kept = sum(centre < middle for centre in ours)
    heard = max((word.end for word in left[:kept] if word.end is not None), default=0.0)
    return kept, sum(centre < heard for centre in theirs)


def _nearest(time: float, centres: Sequence[float], among: Sequence[int]) -> int:
    """Return the one of the indices `among` whose centre is nearest to a time."""
    return min(among, key=lambda k: abs(centres[k] - time))


def _seam_in_order(left: Sequence[Word], before: Part, after: Part) -> tuple[int, int]:
    """Return the seam of words without times: only as many words are compared as the overlap may hold."""
    share = (before.end - after.start) / (after.end - after.start)
    most = 3 + ceil(2 * share * max(len(before.words), len(after.words)))
    first = max(0, len(left) - most)
    ours, theirs = [_key(word) for word in left[first:]], [_key(word) for word in after.words[:most]]
    run = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match()
    is_at_edges = len(ours) - run.a <= 1 + CUT and run.b <= CUT
    if not run.size or (run.size == 1 and not is_at_edges):  # a single word inside may be another one, spelled alike
        return len(left), 0
    return first + run.a + run.size // 2, run.b + run.size // 2


def _centres(words: Sequence[Word]) -> list[float]:
    """Return the centre of each word in seconds; that of the word before for one without times."""
    centres: list[float] = []
    for word in words:
        last = centres[-1] if centres else 0.0
        centres.append(last if word.start is None or word.end is None else (word.start + word.end) / 2)
    return centres


def _key(word: Word) -> str:
    """Return what is compared of a word: its letters and digits."""
    return "".join(filter(str.isalnum, word.text.casefold())) or word.text
