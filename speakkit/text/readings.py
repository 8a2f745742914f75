"""Combine readings: the valid ways to say a range of text in its sentence, the spoken one first."""

import re
from collections.abc import Iterable
from itertools import islice, product

from speakkit.text.rule import Readings

MOST = 200
"""Maximum readings of one range; beyond it, combinations with the spoken readings of the parts are kept."""

MARKS = " \t\r\n.,:;!?…—'\"‘’“”()[]{}«»。、，．！？；：「」『』（）।"
"""Characters stripped from both ends of a reading, because they belong to the sentence around it."""


def bare(reading: str) -> str:
    """Return `reading` with single spaces, without the sentence's marks at its ends."""
    return " ".join(reading.strip(MARKS).split())


def distinct(ways: Iterable[str]) -> Readings:
    """Return the readings in `ways`, bare, without repeats, at most MOST; "" means that the range may be left out."""
    return tuple(islice(dict.fromkeys(map(bare, ways)), MOST))


def joined(parts: Iterable[Readings]) -> Readings:
    """Return the readings of a range from those of its parts: all combinations, those with the spoken ones first."""
    return distinct(map("".join, islice(product(*parts), MOST)))


def swapped(ways: Readings, written: str, said: Readings) -> Readings:
    """Return the readings of a whole, with the word `written` replaced by each reading of `said`."""
    word = re.compile(rf"(?<!\w){re.escape(written)}(?!\w)")
    literal = [way.replace("\\", r"\\") for way in said]
    return distinct(word.sub(new, way) for new in literal for way in ways)
