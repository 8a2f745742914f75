"""When each word of the user's text is heard: from the engine's own durations, in the user's words and offsets."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from speakkit.speech.concatenation import PAUSES, Segment
from speakkit.text.chunks import Token

CONTINUOUS = ("CJK", "HIRAGANA", "KATAKANA")
"""How the Unicode names begin of characters that are written without spaces: there, tokens are words."""

OPENING = ("Ps", "Pi")
"""Unicode categories of the brackets and quotes that belong to the word after them."""

RUN = re.compile(r"\S+")


@dataclass(frozen=True)
class TimedWord:
    """A word that is heard.

    text: as the user wrote it, with the marks beside it
    start, end: seconds from the start of the audio
    offset: of its first character in the user's text, in characters
    spaced: white space follows it
    """

    text: str
    start: float
    end: float
    offset: int
    spaced: bool


def words(text: str, segments: Iterable[Segment]) -> Iterator[TimedWord]:
    """The words of `text` that are heard in `segments`, which speak it from its start; each as the next one begins.

    A word is what stands between two white spaces, or a token where the script has none. What was left out by a rule,
    such as markup, is in no word, and a lost word is none. A token that stands for several, such as "Nov 23, 2026", is
    divided among them by their letters.
    """
    timeline = Timeline(text)
    for segment in segments:
        yield from timeline.add(segment)
    yield from timeline.rest()


@dataclass(frozen=True)
class _Heard:
    """A stretch of the user's text without white space, as offsets, and when it is heard, in seconds."""

    first: int
    last: int
    start: float
    end: float


class Timeline:
    """The words of a text, as its segments come one by one. Its clock is the samples that they hold."""

    def __init__(self, text: str, begins: float = 0.0) -> None:
        """begins: seconds of the text that come before the first segment."""
        self._text = text
        self._begins = begins
        self._samples = 0
        self._run = (0, 0)
        self._word: _Heard | None = None
        self._unheard: list[tuple[int, int]] = []

    def add(self, segment: Segment) -> Iterator[TimedWord]:
        """The words that end where one of `segment` begins."""
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
        """The last word, once there is no more."""
        yield from self._closed(len(self._text))
        self._word = None

    def _hear(self, heard: _Heard) -> Iterator[TimedWord]:
        word = self._word
        if word and not self._begins_word(heard, word):
            self._word = replace(word, last=max(word.last, heard.last), end=heard.end)
            return
        # What stands before the text's first word belongs to it.
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
        """Where the word begins that is heard: with what stands before it up to a white space, or up to `at_least`."""
        start = self._run_start(heard.first)
        if start >= at_least:
            return start
        start = heard.first
        while start > at_least and unicodedata.category(self._text[start - 1]) in OPENING:
            start -= 1
        return start

    def _run_start(self, offset: int) -> int:
        """Where the white space before `offset` ends. Offsets come in order, so that the text is read once."""
        while self._run[1] <= offset:
            found = RUN.search(self._text, self._run[1])
            self._run = found.span() if found else (len(self._text), len(self._text) + 1)
        return self._run[0]

    def _closed(self, until: int) -> Iterator[TimedWord]:
        """The word in hand, whose text is all that can be seen up to `until`."""
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
    """The range of phonemes without the pauses at its ends; empty where nothing sounds."""
    while first < last and phonemes[first] in PAUSES:
        first += 1
    while first < last and phonemes[last - 1] in PAUSES:
        last -= 1
    return first, last


def _edge(segment: Segment, at: int) -> float:
    """When a word begins with phoneme `at`, or ends before it: two words share the space between them by halves."""
    phonemes, onsets = segment.chunk.phonemes, segment.onsets
    for space in (at - 1, at):
        if phonemes[space : space + 1] == " " and not {phonemes[space - 1], phonemes[space + 1]} & set(PAUSES):
            return (onsets[space] + onsets[space + 1]) / 2
    return onsets[at]


def _divided(token: Token, start: float, end: float) -> Iterator[_Heard]:
    """The words of a token, each with its share of the time."""
    runs = [run.span() for run in RUN.finditer(token.text)] or [(0, 0)]
    letters = [max(1, sum(map(str.isalnum, token.text[first:last]))) for first, last in runs]
    each = (end - start) / sum(letters)
    for (first, last), count in zip(runs, letters, strict=True):
        yield _Heard(token.start + first, token.start + last, start, start := start + count * each)


def _is_continuous(character: str) -> bool:
    return unicodedata.name(character, "").startswith(CONTINUOUS)
