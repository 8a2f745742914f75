"""Rules for reading English: one module for each kind of text that is not plain words, each a table of rules."""

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
    """Return the rules for "en-us" or "en-gb", in the order in which they claim ranges of a text."""
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
