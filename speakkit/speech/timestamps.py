"""Word timestamps from the engine's phoneme durations, as words and offsets of the source text."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from speakkit.speech.concatenation import PAUSES, Segment
from speakkit.text.chunks import Token

CONTINUOUS = ("CJK", "HIRAGANA", "KATAKANA")
"""Prefixes of the Unicode names of characters in scripts without spaces. In these scripts each token is a word."""

OPENING = ("Ps", "Pi")
"""Unicode categories of opening brackets and quotes, which belong to the next word."""

RUN = re.compile(r"\S+")


@dataclass(frozen=True)
class TimedWord:
    """A word of the source text, with its time in the audio.

    text: as it is written, with adjacent punctuation
    start, end: seconds from the start of the audio
    offset: character offset of its first character in the source text
    spaced: white space follows it
    """

    text: str
    start: float
    end: float
    offset: int
    spaced: bool


def words(text: str, segments: Iterable[Segment]) -> Iterator[TimedWord]:
    """Yield the spoken words of `text`. Its `segments` start at the beginning of the text.

    Each word is yielded when the next one starts. A word is the text between two white spaces, or a token if the script
    has no spaces. Text that a rule leaves out, such as markup, is not part of a word. Lost words are not included. If a
    token covers several words, such as "Nov 23, 2026", its time is divided among them by their letters and digits.
    """
    timeline = Timeline(text)
    for segment in segments:
        yield from timeline.add(segment)
    yield from timeline.rest()


@dataclass(frozen=True)
class _Heard:
    """A range of the source text without white space, with its time in the audio.

    first, last: half-open character offsets in the source text
    start, end: seconds from the start of the audio
    """

    first: int
    last: int
    start: float
    end: float


class Timeline:
    """Computes the word timestamps of a text as its segments arrive. Time is counted by the samples of the segments."""

    def __init__(self, text: str, begins: float = 0.0) -> None:
        """begins: seconds of the text's audio before the first segment."""
        self._text = text
        self._begins = begins
        self._samples = 0
        self._run = (0, 0)
        self._word: _Heard | None = None
        self._unheard: list[tuple[int, int]] = []

    def add(self, segment: Segment) -> Iterator[TimedWord]:
        """Add the next segment, and yield each word that is complete because a later word starts in `segment`."""
        begun = self._begins + self._samples / segment.audio.sample_rate
        self._samples += len(segment.audio.samples)
        for token, span in zip(segment.chunk.tokens, segment.chunk.spans, strict=True):
            first, last = _sounding(segment.chunk.phonemes, *span)
            if first < last:
                start, end = (begun + _edge(segment, at) for at in (first, last))
                for heard in _divided(token, start, end):
                    yield from self._hear(heard)
            elif token.is_word or token.spoken == "":
                self._unheard.append((token.start, token.end))

    def rest(self) -> Iterator[TimedWord]:
        """Yield the last word, after the last segment was added."""
        yield from self._closed(len(self._text))
        self._word = None

    def _hear(self, heard: _Heard) -> Iterator[TimedWord]:
        word = self._word
        if word and not self._begins_word(heard, word):
            self._word = replace(word, last=max(word.last, heard.last), end=heard.end)
            return
        # The first word of the text includes all characters before it.
        beginning = self._beginning(heard, word.last if word else 0) if word or self._begins else 0
        yield from self._closed(beginning)
        self._word = replace(heard, first=beginning)

    def _begins_word(self, heard: _Heard, word: _Heard) -> bool:
        if self._run_start(heard.first) >= word.last:
            return True
        return heard.first >= word.last and any(
            map(_is_continuous, self._text[word.last - 1] + self._text[heard.first])
        )

    def _beginning(self, heard: _Heard, at_least: int) -> int:
        """The offset at which the word of `heard` starts: after the last white space before it.

        If that is before `at_least`, only opening brackets and quotes between `at_least` and the word are included.
        """
        start = self._run_start(heard.first)
        if start >= at_least:
            return start
        start = heard.first
        while start > at_least and unicodedata.category(self._text[start - 1]) in OPENING:
            start -= 1
        return start

    def _run_start(self, offset: int) -> int:
        """The end of the last white space before `offset`. Offsets are ascending, so that the text is scanned once."""
        while self._run[1] <= offset:
            found = RUN.search(self._text, self._run[1])
            self._run = found.span() if found else (len(self._text), len(self._text) + 1)
        return self._run[0]

    def _closed(self, until: int) -> Iterator[TimedWord]:
        """Yield the current word, if there is one. Its text extends to `until`, without ranges that are not spoken."""
        if self._word is None:
            return
        text, at, offset = "", self._word.first, until
        for first, last in [*self._unheard, (until, until)]:
            seen = self._text[at : min(first, until)]
            if offset == until and seen.strip():
                offset = at + len(seen) - len(seen.lstrip())
            text += seen
            at = max(at, min(last, until))
        self._unheard = [stretch for stretch in self._unheard if stretch[0] >= until]
        spaced = text[-1:].isspace() or until == len(self._text)
        yield TimedWord(" ".join(text.split()), self._word.start, self._word.end, offset, spaced)


def _sounding(phonemes: str, first: int, last: int) -> tuple[int, int]:
    """The range without silent phonemes (PAUSES) at its ends, as half-open indices; empty if all are silent."""
    while first < last and phonemes[first] in PAUSES:
        first += 1
    while first < last and phonemes[last - 1] in PAUSES:
        last -= 1
    return first, last


def _edge(segment: Segment, at: int) -> float:
    """The time in seconds at which a word starts with phoneme `at`, or ends before it.

    If a space separates two words, each gets half of its duration.
    """
    phonemes, onsets = segment.chunk.phonemes, segment.onsets
    for space in (at - 1, at):
        if phonemes[space : space + 1] == " " and not {phonemes[space - 1], phonemes[space + 1]} & set(PAUSES):
            return (onsets[space] + onsets[space + 1]) / 2
    return onsets[at]


def _divided(token: Token, start: float, end: float) -> Iterator[_Heard]:
    """Yield the words of a token. The time from `start` to `end` is divided by their letters and digits."""
    runs = [run.span() for run in RUN.finditer(token.text)] or [(0, 0)]
    letters = [max(1, sum(map(str.isalnum, token.text[first:last]))) for first, last in runs]
    each = (end - start) / sum(letters)
    for (first, last), count in zip(runs, letters, strict=True):
        yield _Heard(token.start + first, token.start + last, start, start := start + count * each)


def _is_continuous(character: str) -> bool:
    return unicodedata.name(character, "").startswith(CONTINUOUS)
