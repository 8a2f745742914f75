"""How languages other than English are read: one set of rules, and a table of words for each language."""

from dataclasses import dataclass
from functools import cache
from itertools import islice, product

from speakkit.text.languages.numerals import Numerals
from speakkit.text.languages.quantities import Quantities
from speakkit.text.languages.table import table
from speakkit.text.languages.wording import Wording
from speakkit.text.rule import Readings, Rule
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


def verbalize(text: str, language: str, *, keeps: bool = True) -> list[Rewrite]:
    """What of `text` is said otherwise than it is written, in order and apart; [] for a language without a table.

    keeps: leave the digits of numbers whose words the phonemizer misreads
    """
    found = [Rewrite(read.start, read.end, read.readings[0], read.rule) for read in _read(text, language, keeps=keeps)]
    return [rewrite for rewrite in found if rewrite.spoken != text[rewrite.start : rewrite.end]]


def readings(span: str, language: str) -> tuple[str, ...]:
    """Every valid reading of a number, date, abbreviation or the like, the spoken one first."""
    ways: list[str] = []
    for keeps in (True, False):
        parts: list[Readings] = []
        at = 0
        for read in _read(span, language, keeps=keeps):
            parts += [(span[at : read.start],), read.readings]
            at = read.end
        ways += ["".join(way) for way in islice(product(*parts, (span[at:],)), MOST)]
    return tuple(dict.fromkeys(ways))


@cache
def rules(language: str, *, keeps: bool) -> tuple[Rule, ...]:
    """The rules of a language, in the order in which they are tried; () where there is no table of it."""
    words = table(language)
    if words is None:
        return ()
    numerals = Numerals(words, keeps)
    quantities, wording = Quantities(words, numerals), Wording(words, numerals)
    return (*wording.addresses(), *quantities.rules(), *wording.rules(), *quantities.plain())


def _read(text: str, language: str, *, keeps: bool) -> list[Read]:
    """What the rules find, in order; each character once, by the first rule that reads it."""
    taken = bytearray(len(text))
    found: list[Read] = []
    for rule in rules(language, keeps=keeps):
        for match in rule.pattern.finditer(text):
            start, end = match.span()
            said = () if any(taken[start:end]) else rule.read(match)
            if said:
                taken[start:end] = b"\1" * (end - start)
                found.append(Read(start, end, said, rule.name))
    return sorted(found, key=lambda read: read.start)
