"""Convert written forms that are not plain words, such as "$5", to the words that a person reads aloud."""

from speakkit.text.readings import distinct
from speakkit.text.rule import Rule, rule_matches
from speakkit.text.script import Rewrite


def verbalize(text: str, language: str) -> list[Rewrite]:
    """Return the parts of one sentence that are spoken differently from how they are written, in order.

    Offsets are those of `text`. Parts that are best spoken as written, but have other readings, are included with an
    empty rule.
    """
    if not language.startswith("en"):
        from speakkit.text import languages  # noqa: PLC0415  English needs none of its tables

        return languages.verbalize(text, language)
    rewrites: list[Rewrite] = []
    for claim in rule_matches(text, _english(language)):
        readings = distinct(claim.readings)
        if claim.readings[0] == text[claim.start : claim.end]:
            if len(readings) > 1:
                rewrites.append(Rewrite(claim.start, claim.end, claim.readings[0], "", readings=readings))
            continue
        spoken = _set_apart(text, claim.start, claim.end, claim.readings[0])
        touches = bool(rewrites) and rewrites[-1].end == claim.start and spoken[:1].isalnum()
        rewrites.append(Rewrite(claim.start, claim.end, " " * touches + spoken, claim.rule, readings=readings))
    return rewrites


def _english(language: str) -> tuple[Rule, ...]:
    from speakkit.text import english  # noqa: PLC0415  its patterns take a tenth of a second to build

    return english.rules(language)


def _set_apart(text: str, start: int, end: int, spoken: str) -> str:
    """Return `spoken` with spaces where it would touch a word, and with the full stop if it ended the sentence."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    stop = "." if text[end - 1] == "." and not text[end:].strip("\"')]”’ \n") and spoken[-1:] != "." else ""
    lead = " " if before.isalnum() or before in (")", "%") else ""
    return f"{lead}{spoken}{stop}{' ' if after.isalnum() else ''}"
