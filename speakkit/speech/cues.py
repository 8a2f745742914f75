"""Timed words -> cues: what of a text stands on the screen at once, and for how long."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from speakkit.speech.timestamps import TimedWord
from speakkit.text import abbreviations
from speakkit.voices import LANGUAGES

LINE = 42
"""Columns. This, LINES and LONGEST are those of Netflix's Timed Text Style Guide, General Requirements; BBC's Subtitle
Guidelines want two lines, too, and breaks at natural points."""

LINES = 2

WIDE = LINE / 16
"""Columns of a wide character: sixteen make a line (Netflix's Simplified Chinese Timed Text Style Guide)."""

SHORTEST, LONGEST = 1.0, 7.0
"""Seconds; Netflix allows 5/6 of a second where it must be."""

PAUSE = 0.25
"""Seconds of silence between two words from which on it is a natural place for a break."""

SENTENCE, CLAUSE, WORD, LETTER = 0.0, 1.0, 6.0, 20.0
"""What it costs to break a cue or a line behind a sentence, a clause, a word, or within a word longer than a line."""

CUE, INNER, STILL, FLASH = 1.5, 1.0, 2.0, 30.0
"""What it costs to begin another cue, to go on with one behind a sentence, to be silent for a second inside one, and
to show one a second too briefly."""

ENDS = {SENTENCE: ".!?…。！？।॥", CLAUSE: ",;:—–、，；："}
CLOSING = ")]}\"'”’»」』）"
OPENING = "([{\"'“‘«"
TITLES = frozenset[str]().union(*(abbreviations.of(language).never for language in LANGUAGES))
"""Abbreviations behind which no sentence ends, as "Dr", of every language."""


@dataclass(frozen=True)
class Cue:
    """What is shown from `start` to `end`, in seconds: one or two lines of the user's own words.

    text: the same in one line
    """

    start: float
    end: float
    lines: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class _Part:
    """A word, or what fits into a line of one; `cost` is that of a break behind it."""

    text: str
    start: float
    end: float
    spaced: bool
    cost: float


def cues(words: Iterable[TimedWord]) -> list[Cue]:
    """The cheapest way to break the words into cues, by the costs above. Cues do not overlap; silence stays between."""
    parts = _priced([part for word in words for part in _parts(word)])
    begins = _cheapest(parts)
    following = [*(parts[at].start for at in begins), float("inf")][1:]
    spans = pairwise([*begins, len(parts)])
    return [_cue(parts[at:until], after) for (at, until), after in zip(spans, following, strict=True)]


def width(text: str) -> float:
    """Columns that `text` takes on a screen."""
    return sum(map(_columns, text))


def _columns(character: str) -> float:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return WIDE if unicodedata.east_asian_width(character) in "WF" else 1


def _parts(word: TimedWord) -> Iterator[_Part]:
    """The word, cut to lines where it is longer than one, and its time with it."""
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
    """With what a break behind each costs."""
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
    """Where each cue begins. Each step looks as far ahead as a cue may last, so that a book takes linear time."""
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
    """Ends of cues that begin with part `at`: one word, or more that fit into the lines and the time."""
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
    """One line, or two broken at the best place, of like length and the lower one rather longer."""
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
