"""Rules for reading languages other than English: one set of rules, with a table of words for each language."""

import re
from functools import cache, partial

from speakkit.text.languages.numerals import Numerals
from speakkit.text.languages.quantities import Quantities
from speakkit.text.languages.table import table
from speakkit.text.languages.wording import Wording
from speakkit.text.readings import distinct
from speakkit.text.rule import Readings, Rule, rule_matches
from speakkit.text.script import Rewrite


def verbalize(text: str, language: str, *, keeps: bool = True) -> list[Rewrite]:
    """Return the parts of `text` that are spoken differently from how they are written, in order, not overlapping.

    Parts that are best spoken as written, but have other readings, are included with an empty rule. A language without
    a table has no rewrites.

    keeps: keep the digits of numbers whose words the phonemizer misreads
    """
    rewrites: list[Rewrite] = []
    for claim in rule_matches(text, rules(language, keeps=keeps)):
        spoken, readings = claim.readings[0], distinct(_with_variants(claim.readings, language))
        as_written = spoken == text[claim.start : claim.end]
        if not as_written or len(readings) > 1:
            rewrites.append(
                Rewrite(claim.start, claim.end, spoken, "" if as_written else claim.rule, readings=readings)
            )
    return rewrites


@cache
def rules(language: str, *, keeps: bool) -> tuple[Rule, ...]:
    """Return the rules of a language, in the order in which they are tried; () if it has no table."""
    words = table(language)
    if words is None:
        return ()
    numerals = Numerals(words, keeps)
    quantities, wording = Quantities(words, numerals), Wording(words, numerals)
    own = (*wording.addresses(), *quantities.rules(), *wording.rules(), *quantities.plain())
    if not (keeps and words.numbers.kept):
        return own
    in_words = rules(language, keeps=False)
    return tuple(
        Rule(one.name, one.pattern, partial(_both, one, other)) for one, other in zip(own, in_words, strict=True)
    )


def _with_variants(readings: Readings, language: str) -> Readings:
    """Return the readings, and those with another form of a word, such as "quatorze" for "catorze"."""
    words = table(language)
    for one, other in words.numbers.variants.items() if words else ():
        readings += tuple(re.sub(rf"\b{one}\b", other, way) for way in readings if one in way)
    return readings


def _both(kept: Rule, in_words: Rule, found: re.Match[str]) -> Readings:
    """Return the readings with the digits that are kept for the phonemizer, and those with words for them."""
    readings = kept.read(found)
    return (*readings, *in_words.read(found)) if readings else ()
