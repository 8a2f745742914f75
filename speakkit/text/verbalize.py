"""Written -> spoken: how a person reads what is not a plain word."""

from speakkit.text.readings import distinct
from speakkit.text.rule import Rule, rule_matches
from speakkit.text.script import Rewrite


def verbalize(text: str, language: str) -> list[Rewrite]:
    """What of one sentence is said otherwise than it is written, in order; offsets are those of `text`.

    What is best said as it is written, and may be read otherwise, is among them too, under no rule.
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
    from speakkit.text import english  # noqa: PLC0415  a tenth of a second of patterns that no other language needs

    return english.rules(language)


def _set_apart(text: str, start: int, end: int, spoken: str) -> str:
    """`spoken` with a space where it would touch a word, and the full stop that ended the sentence."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    stop = "." if text[end - 1] == "." and not text[end:].strip("\"')]”’ \n") and spoken[-1:] != "." else ""
    lead = " " if before.isalnum() or before in (")", "%") else ""
    return f"{lead}{spoken}{stop}{' ' if after.isalnum() else ''}"
