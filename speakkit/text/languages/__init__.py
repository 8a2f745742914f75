"""How languages other than English are read: one set of rules, and a table of words for each language."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, product

from speakkit.text.english.rule import Readings, Rule
from speakkit.text.languages.numerals import Numerals
from speakkit.text.languages.quantities import Quantities
from speakkit.text.languages.table import table
from speakkit.text.languages.wording import Wording
from speakkit.text.script import Rewrite

MOST = 32
"""Readings of one span; what has more is a text, and no number or date."""


@dataclass(frozen=True)
class Read:
    """A stretch of a text that a rule reads, and how."""

    start: int
    end: int
    readings: Readings
    rule: str


def verbalize(text: str, language: str) -> list[Rewrite]:
    """What of `text` is said otherwise than it is written, in order and apart; [] for a language without a table."""
    return [Rewrite(read.start, read.end, read.readings[0], read.rule) for read in _read(text, language)]


def readings(span: str, language: str) -> tuple[str, ...]:
    """Every valid reading of a number, date, abbreviation or the like, the spoken one first."""
    parts: list[Readings] = []
    at = 0
    for read in _read(span, language):
        parts += [(span[at : read.start],), read.readings]
        at = read.end
    ways = product(*parts, (span[at:],))
    return tuple(dict.fromkeys("".join(way) for way in islice(ways, MOST)))


@cache
def rules(language: str) -> tuple[Rule, ...]:
    """The rules of a language, in the order in which they are tried; () where there is no table of it."""
    words = table(language)
    if words is None:
        return ()
    numerals = Numerals(words)
    quantities, wording = Quantities(words, numerals), Wording(words, numerals)
    return (*wording.addresses(), *quantities.rules(), *wording.rules(), *quantities.plain())


def _read(text: str, language: str) -> Iterator[Read]:
    """What the rules find, each character once: an earlier rule has it before a later one."""
    taken = bytearray(len(text))
    found: list[Read] = []
    for rule in rules(language):
        for match in rule.pattern.finditer(text):
            start, end = match.span()
            if any(taken[start:end]) or start == end:
                continue
            said = rule.read(match)
            if said:
                taken[start:end] = b"\1" * (end - start)
                found.append(Read(start, end, said, rule.name))
    return iter(sorted((read for read in found if read.readings[0] != text[read.start : read.end]), key=_start))


def _start(read: Read) -> int:
    return read.start
