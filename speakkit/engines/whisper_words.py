"""Words of a text that Whisper aligned, with their times."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from speakkit.engines.ctranslate import Tokenizer
from speakkit.engines.whisper_network import FRAME, SAMPLE_RATE, Samples, TokenTimes
from speakkit.transcript import Word

UNSPACED = ("zh", "ja", "th", "lo", "my", "yue")
"""Languages that are written without spaces between words, as in faster-whisper. Each of their characters is a word."""

STEP = SAMPLE_RATE // 100
"""Samples of a step in which loudness is measured (10 ms)."""

FLOOR = 10 ** (-40 / 20)
"""Loudness, compared with the loudest step of a window, below which a step is silence (-40 dB)."""


def timed_words(tokenizer: Tokenizer, tokens: Sequence[int], times: TokenTimes, samples: Samples) -> tuple[Word, ...]:
    """Return the words of the tokens of one window, each with its punctuation and the mean probability of its tokens.

    A word is what is written between two spaces.
    """
    groups = _groups(tokenizer, tokens)
    ends = list(accumulate(len(group) for _, group in groups))
    spans = [(end - len(group), end) for end, (_, group) in zip(ends, groups, strict=True)]
    seconds = settled([(times.starts[first], times.starts[last]) for first, last in spans], samples)
    return tuple(
        Word(text.strip(), start, end, float(np.mean(times.probabilities[first:last])))
        for (text, _), (first, last), (start, end) in zip(groups, spans, seconds, strict=True)
    )


def _groups(tokenizer: Tokenizer, tokens: Sequence[int]) -> list[tuple[str, list[int]]]:
    """Return the words of a text, each with its tokens. Punctuation between spaces belongs to the word before it."""
    is_spaced = tokenizer.language_code not in UNSPACED
    pieces: list[tuple[str, list[int]]] = []
    for piece, group in zip(*tokenizer.split_tokens_on_unicode(list(tokens)), strict=True):
        _add(pieces, piece, group, is_apart=piece.startswith(" ") or not is_spaced)
    words: list[tuple[str, list[int]]] = []
    for piece, group in pieces:
        _add(words, piece, group, is_apart=_has_letter(piece) and (not words or _has_letter(words[-1][0])))
    return words


def _add(groups: list[tuple[str, list[int]]], text: str, tokens: list[int], *, is_apart: bool) -> None:
    """Append a text with its tokens to the last one, or as a new one if it `is_apart` or the first."""
    if is_apart or not groups:
        groups.append((text, tokens))
    else:
        before, last = groups[-1]
        groups[-1] = (before + text, last + tokens)


def _has_letter(text: str) -> bool:
    return any(map(str.isalnum, text))


def settled(spans: Sequence[tuple[float, float]], samples: Samples) -> list[tuple[float, float]]:
    """Return the spans of words in seconds without the silence at their edges, in order, and FRAME long at least."""
    loud = _loud(samples)
    settled: list[tuple[float, float]] = []
    for start, end in spans:
        begin, finish = _sounding(loud, start, end)
        begin = max(begin, settled[-1][1] if settled else 0.0)
        settled.append((begin, max(finish, begin + FRAME)))
    return settled


def _loud(samples: Samples) -> Samples:
    """Return for each STEP whether it is louder than FLOOR."""
    whole = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    loudness = np.sqrt(np.mean(whole**2, axis=1))
    found: Samples = loudness > FLOOR * loudness.max(initial=0.0)
    return found


def _sounding(loud: Samples, start: float, end: float) -> tuple[float, float]:
    """Return the part of a span from its first loud step to its last; the whole span if no step is loud."""
    first = round(start * SAMPLE_RATE / STEP)
    steps = np.flatnonzero(loud[first : round(end * SAMPLE_RATE / STEP)])
    if not len(steps):
        return start, end
    return (first + int(steps[0])) * STEP / SAMPLE_RATE, (first + int(steps[-1]) + 1) * STEP / SAMPLE_RATE
