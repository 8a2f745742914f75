"""What a rule of reading is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

Readings = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One kind of thing that is read otherwise than it is written.

    name: for people, such as "money"
    pattern: finds it. What is rewritten is the group "it", or the whole match where there is no such group. Its cost
        must grow with the length of the text alone: no nested or adjacent repeats of the same characters
    read: a match -> every valid reading, the one to be spoken first; () where it is none of this kind after all
    """

    name: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Readings]


def rule(name: str, pattern: str, read: Callable[[re.Match[str]], Readings]) -> Rule:
    """A rule whose pattern is set out with blanks and line breaks, which match nothing (`re.VERBOSE`)."""
    return Rule(name, re.compile(pattern, re.VERBOSE), read)
