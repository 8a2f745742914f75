"""A text's lines -> its paragraphs, headings and list items. Lines that a width wrapped are put together again.

A line break alone ends nothing, unless what is written shows that it was meant: a bullet or a number follows, or the
lines are a list without bullets, as programs print it. Such a list has no line that begins in lower case or ends in the
middle of a phrase; and where other lines of the text were wrapped, half of its lines had room for more, and the last
ends without a mark.
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
"""A word that no line of a list ends with."""

ROOMY = 0.75
"""A line that could take the next word and still be no longer than this share of the longest was ended on purpose."""

NARROWEST = 20
"""Characters; no text is wrapped to shorter lines. A Chinese character is as wide as two of 40 letters."""

OPENING = re.compile(r"[\W_]*")
PARAGRAPH_ENDS = ("\f", "\u2029")


class Line(NamedTuple):
    """A line of a text. start, end: its offsets, line break included. text: without the white space around it."""

    start: int
    end: int
    text: str

    @property
    def first(self) -> str:
        """Its first letter or digit; "" where it has none."""
        return _first(self.text)


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of each paragraph, heading and list item that is not blank, in order."""
    width = _wrapped_at(text)
    for block in _blocks(text):
        start = block[0].start
        for end in _ends(block, width):
            yield start, end
            start = end


def _blocks(text: str) -> Iterator[list[Line]]:
    """Lines between blank lines and other ends of paragraphs."""
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
    """Whether each of the lines is an item. `width`: see `_wrapped_at`."""
    before = lines[:-1]
    if not before or any(line.first.islower() for line in lines) or any(_is_unfinished(line.text) for line in before):
        return False
    if not width and all(_has_case(line.first) for line in lines):
        return True
    room = int(ROOMY * max(width or NARROWEST, *(len(line.text) for line in lines)))
    roomy = sum(len(line.text) + len(_first_word(following.text)) < room for line, following in pairwise(lines))
    return 2 * roomy >= len(before) and not _is_ended(lines[-1].text)


def _wrapped_at(text: str) -> int:
    """Characters of the longest line that goes on in lower case on the next; 0 where none does.

    Without such a line, a text whose lines are wrapped is as good as ruled out where letters have cases.
    """
    lines = map(str.strip, text.splitlines())
    return max((len(line) for line, then in pairwise(lines) if line and then and _goes_on(line, then)), default=0)


def _goes_on(line: str, following: str) -> bool:
    return line[-1] not in ENDS and _first(following).islower() and not _is_marked(following)


def _first(text: str) -> str:
    """The first letter or digit; "" where there is none."""
    opening = OPENING.match(text)
    at = opening.end() if opening else 0
    return text[at : at + 1]


def _is_marked(text: str) -> bool:
    """Whether a line begins with a bullet or a number."""
    return bool(BULLET.match(text) or NUMBERED.match(text))


def _is_ended(text: str) -> bool:
    return text.rstrip(CLOSING)[-1:] in ENDS


def _is_unfinished(text: str) -> bool:
    return text[-1] in UNFINISHED or bool(LINKING.search(text, max(0, len(text) - 6)))


def _has_case(letter: str) -> bool:
    return not letter.isalpha() or letter.lower() != letter.upper()


def _first_word(text: str) -> str:
    """What would have to fit on the line before: a word, or a character of a text without spaces."""
    word = text.split(maxsplit=1)[0]
    return word if word.isascii() or _has_case(word[0]) or " " in text else word[:1]
