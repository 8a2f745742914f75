"""Alignment of a known text by Whisper's cross-attention, for languages without a phoneme aligner.

It is coarse: the attention tells in which step of the text the network looks at which sound, not where a word begins.

Audio that is longer than one window is cut at pauses, and each window is recognized to find out which of the words it
has.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from math import prod

import numpy as np
import numpy.typing as npt

from speakkit.alignment import CoarseWord
from speakkit.audio import Audio
from speakkit.engines.ctranslate import Tokenizer
from speakkit.engines.pauses import Part
from speakkit.engines.whisper_network import Network, Samples, TokenTimes
from speakkit.engines.whisper_words import UNSPACED, settled

TOKENS = 440
"""Maximum number of text tokens of one window: Whisper has 448 positions, of which a few are not for text."""

MARGIN = 1000
"""Letters of the text that are compared beyond twice those that were heard: about two windows of speech."""

SKIP = 0.1
"""Cost of a letter of the text that is left out before what was heard, where a wrong letter costs 1."""


def shared_out(
    parts: Iterable[Part], words: Sequence[str], hear: Callable[[Audio], str]
) -> Iterator[tuple[Part, Sequence[str]]]:
    """Yield each part of a recording with its share of the words, in order. The last part has all that are left.

    hear: returns what a recognizer hears in a part
    """
    keys = [_key(word) for word in words]
    ends = list(accumulate(map(len, keys)))
    letters = "".join(keys)
    first = letter = 0
    before: Part | None = None
    for part in parts:
        if before is not None:
            reached = _reached(letters, letter, _key(hear(before.audio)))
            last = _nearest(ends, first, reached)
            yield before, words[first:last]
            first, letter = last, ends[last - 1] if last else 0
        before = part
    if before is not None:
        yield before, words[first:]


def aligned(network: Network, samples: Samples, words: Sequence[str], language: str) -> list[CoarseWord]:
    """Return the words that are said in one window, with times from its start."""
    tokenizer = network.tokenizer(language)
    space = "" if language in UNSPACED else " "
    groups = [tokenizer.encode(space + word.strip()) if word.strip() else [] for word in words]
    tokens = [token for group in groups for token in group][:TOKENS]
    spans = list(pairwise([0, *accumulate(map(len, groups))]))
    found = [i for i, (first, last) in enumerate(spans) if first < last <= len(tokens)]
    placed = [CoarseWord(word, 0.0, 0.0, 0.0) for word in words]
    if not found:
        return placed
    (times,) = network.align(network.encode([samples]), [tokens], language)
    seconds = settled([(times.starts[spans[i][0]], times.starts[spans[i][1]]) for i in found], samples)
    for i, (start, end) in zip(found, seconds, strict=True):
        placed[i] = CoarseWord(words[i], start, end, _probability(tokenizer, tokens, times, *spans[i]))
    for i in sorted(set(range(len(words))) - set(found)):
        end = placed[i - 1].end if i else 0.0
        placed[i] = CoarseWord(words[i], end, end, 0.0)
    return placed


def _probability(tokenizer: Tokenizer, tokens: Sequence[int], times: TokenTimes, first: int, last: int) -> float:
    """Return the probability of tokens first to last: the product of those with a letter or digit."""
    said = [i for i in range(first, last) if any(map(str.isalnum, tokenizer.decode([tokens[i]])))]
    return prod(times.probabilities[i] for i in said or range(first, last))


def _reached(letters: str, first: int, heard: str) -> int:
    """Return how many letters of a text are said at the end of a window that begins at letter `first`.

    It is the end of the stretch of the text with the least edit distance to what was heard. What is left out before
    that stretch was not recognized.
    """
    expected = _codes(letters[first : first + 2 * len(heard) + MARGIN])
    steps = np.arange(len(expected) + 1)
    costs = SKIP * steps
    for i, code in enumerate(_codes(heard)):
        replaced = costs[:-1] + (expected != code)
        costs = np.concatenate([[i + 1], np.minimum(replaced, costs[1:] + 1)])
        costs = np.minimum.accumulate(costs - steps) + steps
    return first + int(costs.argmin())


def _codes(text: str) -> npt.NDArray[np.int32]:
    return np.array(list(map(ord, text)), np.int32)


def _nearest(ends: Sequence[int], word: int, letter: int) -> int:
    """Return the number of words, `word` or more, whose last letter is nearest to `letter`."""
    candidates = range(word, len(ends) + 1)
    return min(candidates, key=lambda count: abs((ends[count - 1] if count else 0) - letter))


def _key(text: str) -> str:
    """Return what is compared of a text: its letters and digits."""
    return "".join(filter(str.isalnum, text.casefold()))
