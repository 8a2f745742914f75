"""Readings: the valid ways to say a stretch of text in its sentence, the spoken one first."""

import re
from collections.abc import Iterable
from itertools import islice, product

from speakkit.text.rule import Readings

MOST = 200
"""Readings of one stretch; beyond them the spoken reading of each part is the likeliest to be heard."""

MARKS = " \t\r\n.,:;!?…—'\"‘’“”()[]{}«»。、，．！？；：「」『』（）।"
"""Stripped from both ends of a reading: they belong to the sentence around it."""


def bare(reading: str) -> str:
    """`reading` with single spaces, without the sentence's marks at its ends."""
    return " ".join(reading.strip(MARKS).split())


def distinct(ways: Iterable[str]) -> Readings:
    """The readings among `ways`, bare, each once, in order; at most MOST. "" says that the stretch may be left out."""
    return tuple(islice(dict.fromkeys(map(bare, ways)), MOST))


def joined(parts: Iterable[Readings]) -> Readings:
    """The readings of a stretch from those of its parts: all combinations, the spoken ones of the parts first."""
    return distinct(map("".join, islice(product(*parts), MOST)))


def swapped(ways: Readings, written: str, said: Readings) -> Readings:
    """The readings of a whole in which the word `written` is said in any of the ways of `said`."""
    word = re.compile(rf"(?<!\w){re.escape(written)}(?!\w)")
    literal = [way.replace("\\", r"\\") for way in said]
    return distinct(word.sub(new, way) for new in literal for way in ways)
