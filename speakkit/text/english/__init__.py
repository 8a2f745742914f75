"""How English is read: a module for each kind of thing that is no plain word, each a table of rules."""

from functools import cache

from speakkit.text.english import (
    addresses,
    code,
    dates,
    emoji,
    money,
    names,
    quantities,
    symbols,
    terminal,
    times,
    units,
    versions,
    words,
)
from speakkit.text.rule import Rule


@cache
def rules(language: str) -> tuple[Rule, ...]:
    """The rules for one of the Englishes, in the order in which they claim stretches of a text."""
    return (
        *names.FIRST,
        *dates.rules(day_first=language == "en-gb"),
        *times.RULES,
        *terminal.RULES,
        *addresses.RULES,
        *versions.RULES,
        *code.RULES,
        *emoji.RULES,
        *money.RULES,
        *symbols.FIRST,
        *quantities.FIRST,
        *units.RULES,
        *words.RULES,
        *names.RULES,
        *words.LAST,
        *quantities.RULES,
        *symbols.RULES,
        *quantities.LAST,
    )
