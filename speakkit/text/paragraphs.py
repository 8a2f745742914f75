"""Split a text into paragraphs, headings and list items, and join lines that were wrapped at a width.

A line break alone ends nothing, unless the text shows that it was intended: a bullet or a number follows, or the lines
form a list without bullets, as programs print it. Such a list has no line that begins in lower case or ends in the
middle of a phrase. If other lines of the text were wrapped, half of its lines also have room for more, and its last
line ends without a mark.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

BULLET = re.compile(
    r"(?:[-*+\u2022\u2023\u2043\u25e6\u25aa\u25b8\u25ba\u00b7\u2713\u2714\u2717\u2718\u2013\u2014]|\[[ xX]\])\s+\S"
)
NUMBERED = re.compile(r"[(\[]?(?:\d{1,3}|[A-Za-z])[.)\]]\s+\S")
CLOSING = "\"'\u2019\u201d\u00bb)]*_`"
ENDS = frozenset(".!?\u2026:;\u0964\u0965\u3002\uff01\uff1f")
"""Marks after which the next line may be a new item."""

UNFINISHED = frozenset(",;-\u2013\u2014(\u3001\uff0c\uff1b")
"""Marks that end no item of a list."""

LINKING = re.compile(
    r"\b(?:an?|the|of|to|in|on|at|by|and|or|for|with|from|that|de|la|el|y|en|le|les|et|des|di|e|do|da)$"
)
"""Words that end no line of a list."""

ROOMY = 0.75
"""Share of the longest line: a line that could take the next word and still be shorter was ended on purpose."""

NARROWEST = 20
"""Characters; no text is wrapped to shorter lines. A Chinese character is as wide as two of 40 letters."""

OPENING = re.compile(r"[\W_]*")
PARAGRAPH_ENDS = ("\f", "\u2029")


class Line(NamedTuple):
    """A line of a text.

    start, end: its half-open offsets, line break included
    text: the line without the white space around it
    """

    start: int
    end: int
    text: str

    @property
    def first(self) -> str:
        """Its first letter or digit; "" if it has none."""
        return _first(self.text)


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the half-open offsets of each paragraph, heading and list item that is not blank, in order."""
    width = _wrapped_at(text)
    for block in _blocks(text):
        start = block[0].start
        for end in _ends(block, width):
            yield start, end
            start = end


def _blocks(text: str) -> Iterator[list[Line]]:
    """Yield the lines between blank lines and other ends of paragraphs."""
    block: list[Line] = []
    at = 0
    for line in text.splitlines(keepends=True):
        words = line.strip()
        if words:
            block.append(Line(at, at + len(line), words))
        at += len(line)
        if block and (not words or line.endswith(PARAGRAPH_ENDS)):
            yield block
            block = []
    if block:
        yield block


def _ends(block: Sequence[Line], width: int) -> Iterator[int]:
    marked = [_is_marked(line.text) for line in block] if len(block) > 1 else []
    is_marked_list = sum(marked) > 1 or marked[:1] == [True]
    is_plain_list = _is_list([line for line in block if line.first], width)
    for (line, following), is_item in zip(pairwise(block), marked[1:], strict=False):
        is_rule = not line.first and not following.first.islower()
        if is_rule or (is_plain_list and following.first) or (is_item and (is_marked_list or _is_ended(line.text))):
            yield line.end
    yield block[-1].end


def _is_list(lines: Sequence[Line], width: int) -> bool:
    """Return whether each of the lines is a list item. `width`: see `_wrapped_at`."""
    before = lines[:-1]
    if not before or any(line.first.islower() for line in lines) or any(_is_unfinished(line.text) for line in before):
        return False
    if not width and all(_has_case(line.first) for line in lines):
        return True
    room = int(ROOMY * max(width or NARROWEST, *(len(line.text) for line in lines)))
    roomy = sum(len(line.text) + len(_first_word(following.text)) < room for line, following in pairwise(lines))
    return 2 * roomy >= len(before) and not _is_ended(lines[-1].text)


def _wrapped_at(text: str) -> int:
    """Return the length in characters of the longest line that continues in lower case on the next; 0 if none does.

    If letters have cases, a text without such a line is almost certainly not wrapped.
    """
    lines = map(str.strip, text.splitlines())
    return max((len(line) for line, then in pairwise(lines) if line and then and _goes_on(line, then)), default=0)


def _goes_on(line: str, following: str) -> bool:
    return line[-1] not in ENDS and _first(following).islower() and not _is_marked(following)


def _first(text: str) -> str:
    """Return the first letter or digit; "" if there is none."""
    opening = OPENING.match(text)
    at = opening.end() if opening else 0
    return text[at : at + 1]


def _is_marked(text: str) -> bool:
    """Return whether a line begins with a bullet or a number."""
    return bool(BULLET.match(text) or NUMBERED.match(text))


def _is_ended(text: str) -> bool:
    return text.rstrip(CLOSING)[-1:] in ENDS


def _is_unfinished(text: str) -> bool:
    return text[-1] in UNFINISHED or bool(LINKING.search(text, max(0, len(text) - 6)))


def _has_case(letter: str) -> bool:
    return not letter.isalpha() or letter.lower() != letter.upper()


def _first_word(text: str) -> str:
    """Return the text that would have to fit on the line before: a word, or one character of a text without spaces."""
    word = text.split(maxsplit=1)[0]
    return word if word.isascii() or _has_case(word[0]) or " " in text else word[:1]
