"""What a rule of reading is, and what many of them make of a text."""

import re
from collections.abc import Callable, Iterable
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


def exact(name: str, pattern: str, read: Callable[[re.Match[str]], Readings]) -> Rule:
    """A rule in whose pattern each blank matches itself."""
    return Rule(name, re.compile(pattern), read)


@dataclass(frozen=True)
class RuleMatch:
    """A stretch of a text that a rule reads, as two offsets, and every reading of it."""

    start: int
    end: int
    readings: Readings
    rule: str


def rule_matches(text: str, rules: Iterable[Rule]) -> list[RuleMatch]:
    """What `rules` say of `text`, in the order of the text; what one has claimed, no later one touches."""
    taken = bytearray(len(text))
    found: list[RuleMatch] = []
    for one in rules:
        for match in one.pattern.finditer(text):
            start, end = stretch(match)
            said = () if taken.find(1, start, end) >= 0 else one.read(match)
            if said:
                taken[start:end] = b"\1" * (end - start)
                found.append(RuleMatch(start, end, said, one.name))
    return sorted(found, key=lambda claim: claim.start)


def stretch(match: re.Match[str]) -> tuple[int, int]:
    """What of a match is read, as two offsets."""
    return match.span("it" if "it" in match.re.groupindex else 0)
