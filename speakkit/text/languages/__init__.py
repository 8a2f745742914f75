"""How languages other than English are read: one set of rules, and a table of words for each language."""

from functools import cache
from itertools import islice, product

from speakkit.text.languages.numerals import Numerals
from speakkit.text.languages.quantities import Quantities
from speakkit.text.languages.table import table
from speakkit.text.languages.wording import Wording
from speakkit.text.rule import Readings, Rule, claims
from speakkit.text.script import Rewrite

MOST = 32
"""Readings of one span; what has more is a text, and no number or date."""


def verbalize(text: str, language: str, *, keeps: bool = True) -> list[Rewrite]:
    """What of `text` is said otherwise than it is written, in order and apart; [] for a language without a table.

    keeps: leave the digits of numbers whose words the phonemizer misreads
    """
    found = [Rewrite(c.start, c.end, c.readings[0], c.rule) for c in claims(text, rules(language, keeps=keeps))]
    return [rewrite for rewrite in found if rewrite.spoken != text[rewrite.start : rewrite.end]]


def readings(span: str, language: str) -> tuple[str, ...]:
    """Every valid reading of a number, date, abbreviation or the like, the spoken one first."""
    ways: list[str] = []
    for keeps in (True, False):
        parts: list[Readings] = []
        at = 0
        for claim in claims(span, rules(language, keeps=keeps)):
            parts += [(span[at : claim.start],), claim.readings]
            at = claim.end
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
