"""Group timed words into cues: the lines of a caption that are displayed together, with their start and end times."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from speakkit.speech.timestamps import TimedWord
from speakkit.text import abbreviations
from speakkit.voices import LANGUAGES

LINE = 42
"""Maximum columns of a line. LINE, LINES and LONGEST are from Netflix's Timed Text Style Guide, General Requirements.
BBC's Subtitle Guidelines also require two lines, and breaks at natural points."""

LINES = 2
"""Maximum lines of a cue."""

WIDE = LINE / 16
"""Columns of a wide character: 16 of them fill a line (Netflix's Simplified Chinese Timed Text Style Guide)."""

SHORTEST, LONGEST = 1.0, 7.0
"""Minimum and maximum duration of a cue in seconds. Netflix allows 5/6 of a second if it cannot be longer."""

PAUSE = 0.25
"""Minimum silence between two words, in seconds, that counts as a natural place for a break."""

SENTENCE, CLAUSE, WORD, LETTER = 0.0, 1.0, 6.0, 20.0
"""Cost of a cue break or line break after a sentence, after a clause, after a word, and within a word that is longer
than a line."""

CUE, INNER, STILL, FLASH = 1.5, 1.0, 2.0, 30.0
"""Cost of each cue, of continuing a cue after the end of a sentence, of a second of silence within a cue, and of a cue
that is a second shorter than SHORTEST."""

ENDS = {SENTENCE: ".!?…。！？।॥", CLAUSE: ",;:—–、，；："}
"""Cost of a break -> the marks after which it has that cost."""

CLOSING = ")]}\"'”’»」』）"
OPENING = "([{\"'“‘«"
"""Brackets and quotes after and before a word, which are ignored when its last mark is determined."""

TITLES = frozenset[str]().union(*(abbreviations.of(language).never for language in LANGUAGES))
"""Abbreviations of all languages after which no sentence ends, such as "Dr"."""


@dataclass(frozen=True)
class Cue:
    """A caption of one or two lines of the source text.

    start, end: display time in seconds from the start of the audio
    lines: the text, as displayed
    text: the text in one line
    """

    start: float
    end: float
    lines: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class _Part:
    """A word, or a part of a word that is longer than a line.

    start, end: seconds from the start of the audio
    spaced: white space follows it
    cost: cost of a break after it
    """

    text: str
    start: float
    end: float
    spaced: bool
    cost: float


def cues(words: Iterable[TimedWord]) -> list[Cue]:
    """Group the words into the cues with the lowest total cost. Cues do not overlap; silence may separate them."""
    parts = _priced([part for word in words for part in _parts(word)])
    begins = _cheapest(parts)
    following = [*(parts[at].start for at in begins), float("inf")][1:]
    spans = pairwise([*begins, len(parts)])
    return [_cue(parts[at:until], after) for (at, until), after in zip(spans, following, strict=True)]


def width(text: str) -> float:
    """The display width of `text` in columns."""
    return sum(map(_columns, text))


def _columns(character: str) -> float:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return WIDE if unicodedata.east_asian_width(character) in "WF" else 1


def _parts(word: TimedWord) -> Iterator[_Part]:
    """Yield the word, or its parts if it is longer than a line. Its time is divided by the characters of the parts."""
    pieces, filled = [""], 0.0
    for character in word.text:
        filled += _columns(character)
        if filled > LINE:
            pieces.append("")
            filled = _columns(character)
        pieces[-1] += character
    start, each = word.start, (word.end - word.start) / max(1, len(word.text))
    for piece in pieces[:-1]:
        yield _Part(piece, start, start := start + each * len(piece), spaced=False, cost=LETTER)
    yield _Part(pieces[-1], start, word.end, word.spaced, WORD)


def _priced(parts: Sequence[_Part]) -> list[_Part]:
    """The parts, each with the cost of a break after it."""
    following = [*(part.start for part in parts), float("inf")][1:]
    return [
        _Part(part.text, part.start, part.end, part.spaced, _cost(part, after - part.end))
        for part, after in zip(parts, following, strict=True)
    ]


def _cost(part: _Part, silence: float) -> float:
    word = part.text.rstrip(CLOSING)
    last = "" if word.endswith(".") and word[:-1].lstrip(OPENING) in TITLES else word[-1:]
    marked = next((cost for cost, marks in ENDS.items() if last and last in marks), part.cost)
    return min(marked, CLAUSE) if silence >= PAUSE else marked


def _cheapest(parts: Sequence[_Part]) -> list[int]:
    """The index of the first part of each cue, for the lowest total cost.

    Each step considers only as many parts as fit into one cue, so that the time is linear in the length of the text.
    """
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * len(parts)
    for at in range(len(parts)):
        inner = 0.0
        for until in _fitting(parts, at):
            last = parts[until - 1]
            following = parts[until].start if until < len(parts) else float("inf")
            cost = best[at][0] + CUE + inner + last.cost + FLASH * max(0.0, SHORTEST - following + parts[at].start)
            best[until] = min(best[until], (cost, at))
            inner += INNER * (last.cost == SENTENCE) + STILL * (following - last.end)
    begins, at = [], len(parts)
    while at:
        at = best[at][1]
        begins.append(at)
    return begins[::-1]


def _fitting(parts: Sequence[_Part], at: int) -> Iterator[int]:
    """Yield the possible ends of a cue that starts with part `at`, as indices just past its last part.

    A cue has at least one part. More are added if they fit into LINES lines and LONGEST seconds.
    """
    filled, lines = 0.0, 1
    for i in range(at, len(parts)):
        added = width(parts[i].text)
        if filled and filled + added > LINE:
            filled, lines = 0.0, lines + 1
        if i > at and (lines > LINES or parts[i].end - parts[at].start > LONGEST):
            return
        filled += added + parts[i].spaced
        yield i + 1


def _cue(parts: Sequence[_Part], following: float) -> Cue:
    start = parts[0].start
    end = min(max(parts[-1].end, start + SHORTEST), start + LONGEST, following)
    return Cue(start, end, _lines(parts), _text(parts))


def _lines(parts: Sequence[_Part]) -> tuple[str, ...]:
    """The parts as one line, or as two, broken at the lowest cost.

    Lines of similar width cost less, and so does a second line that is at least as long as the first.
    """
    whole = _text(parts)
    if width(whole) <= LINE:
        return (whole,)
    ways = []
    for i in range(1, len(parts)):
        upper, lower = _text(parts[:i]), _text(parts[i:])
        widths = width(upper), width(lower)
        if max(widths) <= LINE:
            ways.append((parts[i - 1].cost + abs(widths[0] - widths[1]) / 4 + (widths[0] > widths[1]), (upper, lower)))
    return min(ways)[1]


def _text(parts: Sequence[_Part]) -> str:
    return "".join(part.text + " " * part.spaced for part in parts).rstrip()
