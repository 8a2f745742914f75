"""Rules for reading aloud, and how several of them apply to one text."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Readings = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A rule for one kind of text that is spoken differently from how it is written.

    name: shown to the user, such as "money"
    pattern: finds it. The group "it" is rewritten, or the whole match if there is no such group. Matching must take
        linear time: no nested or adjacent repeats of the same characters
    read: a match -> every valid reading, the one to be spoken first; () if the match is not of this kind
    """

    name: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Readings]


def rule(name: str, pattern: str, read: Callable[[re.Match[str]], Readings]) -> Rule:
    """Return a rule whose pattern contains white space for layout, which matches nothing (`re.VERBOSE`)."""
    return Rule(name, re.compile(pattern, re.VERBOSE), read)


def exact(name: str, pattern: str, read: Callable[[re.Match[str]], Readings]) -> Rule:
    """Return a rule in whose pattern each space matches itself."""
    return Rule(name, re.compile(pattern), read)


@dataclass(frozen=True)
class RuleMatch:
    """A range that a rule reads, as half-open character offsets, and every reading of it."""

    start: int
    end: int
    readings: Readings
    rule: str


def rule_matches(text: str, rules: Iterable[Rule]) -> list[RuleMatch]:
    """Return the matches of `rules` in `text`, in text order. Later rules skip the ranges that earlier ones match."""
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
    """Return the half-open character offsets of the part of a match that is read."""
    return match.span("it" if "it" in match.re.groupindex else 0)
