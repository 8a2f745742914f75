"""Bundle sentences into passages, the units of text for an engine that takes text. Only white space is dropped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from speakkit.text.sentences import Sentence

CLAUSE_END = re.compile(r"[,;:—–、，；：]\s*")
WORD_END = re.compile(r"\s+")


@dataclass(frozen=True)
class Passage:
    """One unit of text for a synthesizer that takes text.

    text: the stretch of the source text to speak
    start: offset of its first character in the source text, in characters
    voice: full name
    language: one of `voices.LANGUAGES`
    speed: 1.0 is the voice's own speed
    """

    text: str
    start: int
    voice: str
    language: str
    speed: float = 1.0


def passages(
    text: str, sentences: Iterable[Sentence], most: int, *, voice: str, language: str, speed: float = 1.0
) -> Iterator[Passage]:
    """Bundle the sentences of `text` into passages of at most `most` characters.

    A passage ends with a paragraph or a sentence. A sentence that is too long is cut after a clause, else after a word,
    else at the limit. White space between passages is dropped. Raises ValueError if `most` is below 1.
    """
    if most < 1:
        raise ValueError(f"a passage cannot have {most} characters")
    for start, end in _bundled(sentences, most):
        for first, last in _cut(text, start, end, most):
            yield Passage(text[first:last], first, voice, language, speed)


def _bundled(sentences: Iterable[Sentence], most: int) -> Iterator[tuple[int, int]]:
    """Yield the half-open character offsets of bundles of whole sentences."""
    start = end = -1
    for sentence in sentences:
        if start >= 0 and sentence.end - start > most:
            yield start, end
            start = -1
        start, end = (sentence.start if start < 0 else start), sentence.end
        if sentence.ends_paragraph:
            yield start, end
            start = -1
    if start >= 0:
        yield start, end


def _cut(text: str, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of one bundle, without white space at their ends; none if the bundle is all white space."""
    while start < end:
        start += len(text[start:end]) - len(text[start:end].lstrip())
        stop = end if end - start <= most else start + _good_end(text[start : start + most + 1], most)
        stripped = text[start:stop].rstrip()
        if stripped:
            yield start, start + len(stripped)
        start = stop


def _good_end(text: str, most: int) -> int:
    """Return the offset at which to cut a text that is one character too long."""
    for pattern in (CLAUSE_END, WORD_END):
        ends = [found.end() for found in pattern.finditer(text) if len(text[: found.end()].rstrip()) <= most]
        if ends and ends[-1] >= most // 2:
            return min(ends[-1], len(text))
    return most
