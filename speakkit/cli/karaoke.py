"""The text on the terminal while it is heard, line by line, with the word of the moment marked."""

import re
from dataclasses import dataclass
from typing import TextIO

WORD = re.compile(r"\S+")

MARK, PLAIN, ERASE = "\x1b[7m", "\x1b[0m", "\r\x1b[2K"
"""Reverse video, which every terminal has; and the line anew."""

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What would steer the terminal."""


@dataclass(frozen=True)
class ScreenLine:
    """A stretch of the text, as offsets, that fits on a line of the terminal."""

    start: int
    end: int


class Karaoke:
    """Shows a text while it is heard; `at` says where it is."""

    def __init__(self, text: str, out: TextIO, width: int) -> None:
        self._text, self._out = text, out
        self._lines = list(lines(text, max(width - 1, 10)))  # a full line would break by itself
        self._shown = -1

    def at(self, start: int, end: int) -> None:
        """The characters from `start` to `end` are heard now."""
        number = next((i for i, line in enumerate(self._lines) if start < line.end), None)
        if number is None or number < self._shown:
            return
        while self._shown < number:
            self._leave()
            self._shown += 1
            self._write(self._lines[self._shown], 0, 0)
        self._write(self._lines[number], start, end)

    def close(self) -> None:
        """Leave the line as it would be without us."""
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
        return UNPRINTABLE.sub(" ", self._text[start:end])


def lines(text: str, width: int) -> list[ScreenLine]:
    """The lines of a text: its own, and broken between words where they are wider; a word alone may be."""
    found: list[ScreenLine] = []
    for word in WORD.finditer(text):
        fits = found and word.end() - found[-1].start <= width and "\n" not in text[found[-1].end : word.start()]
        if fits:
            found[-1] = ScreenLine(found[-1].start, word.end())
        else:
            found.append(ScreenLine(word.start(), word.end()))
    return found
