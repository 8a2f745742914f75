"""Written -> spoken: how a person reads what is not a plain word."""

import re
from collections.abc import Iterable, Iterator

from speakkit.text import english, languages
from speakkit.text.rule import Readings, Rule
from speakkit.text.script import Rewrite


def verbalize(text: str, language: str) -> list[Rewrite]:
    """What of one sentence is said otherwise than it is written, in order; offsets are those of `text`."""
    if not language.startswith("en"):
        return languages.verbalize(text, language)
    rewrites: list[Rewrite] = []
    for (start, end), name, forms in sorted(_claims(text, english.rules(language)), key=lambda claim: claim[0]):
        if forms[0] == text[start:end]:
            continue
        spoken = _set_apart(text, start, end, forms[0])
        touches = bool(rewrites) and rewrites[-1].end == start and spoken[:1].isalnum()
        rewrites.append(Rewrite(start, end, " " * touches + spoken, name))
    return rewrites


def readings(span: str, language: str = "en-us") -> tuple[str, ...]:
    """Every valid reading of a number, date, abbreviation or the like, the spoken one first.

    A span that is no such thing is read as it is written.
    """
    if not language.startswith("en"):
        return languages.readings(span, language)
    forms: list[str] = []
    for rule in english.rules(language):
        match = rule.pattern.fullmatch(span)
        if match and match.span() == _stretch(match):
            forms += rule.read(match)
    return tuple(dict.fromkeys(forms)) or (span,)


def _claims(text: str, table: Iterable[Rule]) -> Iterator[tuple[tuple[int, int], str, Readings]]:
    """What each rule has to say of `text`; what one has claimed, no later one touches."""
    taken = bytearray(len(text))
    for rule in table:
        for match in rule.pattern.finditer(text):
            start, end = _stretch(match)
            if taken.find(1, start, end) >= 0:
                continue
            spoken = rule.read(match)
            if spoken:
                taken[start:end] = b"\1" * (end - start)
                yield (start, end), rule.name, spoken


def _stretch(match: re.Match[str]) -> tuple[int, int]:
    return match.span("it" if "it" in match.re.groupindex else 0)


def _set_apart(text: str, start: int, end: int, spoken: str) -> str:
    """`spoken` with a space where it would touch a word, and the full stop that ended the sentence."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    stop = "." if text[end - 1] == "." and not text[end:].strip("\"')]”’ \n") and spoken[-1:] != "." else ""
    lead = " " if before.isalnum() or before in (")", "%") else ""
    return f"{lead}{spoken}{stop}{' ' if after.isalnum() else ''}"
