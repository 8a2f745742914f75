"""Show a text on the terminal line by line while it plays, with the current word highlighted."""

import re
from dataclasses import dataclass
from typing import TextIO

from speakkit.printable import printable

WORD = re.compile(r"\S+")

MARK, PLAIN, ERASE = "\x1b[7m", "\x1b[0m", "\r\x1b[2K"
"""ANSI escape sequences: reverse video on, which every terminal supports; attributes off; clear the line."""


@dataclass(frozen=True)
class ScreenLine:
    """A range of the text, as half-open character offsets, that is shown on one line of the terminal."""

    start: int
    end: int


class Karaoke:
    """Shows a text while it plays. `at` sets the current position.

    text: the whole text
    out: the terminal
    width: columns of the terminal
    """

    def __init__(self, text: str, out: TextIO, width: int) -> None:
        self._text, self._out = text, out
        self._lines = list(lines(text, max(width - 1, 10)))  # because the terminal wraps a line that fills its width
        self._shown = -1

    def at(self, start: int, end: int) -> None:
        """Highlight the characters from `start` to `end`, half-open, and print the lines up to there."""
        number = next((i for i, line in enumerate(self._lines) if start < line.end), None)
        if number is None or number < self._shown:
            return
        while self._shown < number:
            self._leave()
            self._shown += 1
            self._write(self._lines[self._shown], 0, 0)
        self._write(self._lines[number], start, end)

    def close(self) -> None:
        """Remove the highlight, and end the line."""
        self._leave()

    def _leave(self) -> None:
        if self._shown >= 0:
            self._write(self._lines[self._shown], 0, 0)
            self._out.write("\n")
            self._out.flush()

    def _write(self, line: ScreenLine, start: int, end: int) -> None:
        start, end = max(start, line.start), min(end, line.end)
        if start >= end:
            shown = self._part(line.start, line.end)
        else:
            before, word, behind = (self._part(*span) for span in ((line.start, start), (start, end), (end, line.end)))
            shown = f"{before}{MARK}{word}{PLAIN}{behind}"
        self._out.write(f"{ERASE}{shown}")
        self._out.flush()

    def _part(self, start: int, end: int) -> str:
        return _shown(self._text[start:end])


def lines(text: str, width: int) -> list[ScreenLine]:
    """Split a text at its line breaks, and between words if a line is shown wider than `width` characters.

    A single word may be wider.
    """
    found: list[ScreenLine] = []
    for word in WORD.finditer(text):
        is_new = not found or "\n" in text[found[-1].end : word.start()]
        if not is_new and len(_shown(text[found[-1].start : word.end()])) <= width:
            found[-1] = ScreenLine(found[-1].start, word.end())
        else:
            found.append(ScreenLine(word.start(), word.end()))
    return found


def _shown(text: str) -> str:
    """`text` as it is shown: printable, and with spaces for all white space."""
    return printable(re.sub(r"\s", " ", text))
