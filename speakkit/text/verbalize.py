"""Written -> spoken: how a person reads what is not a plain word."""

from speakkit.text.rule import Rule, claims, stretch
from speakkit.text.script import Rewrite


def verbalize(text: str, language: str) -> list[Rewrite]:
    """What of one sentence is said otherwise than it is written, in order; offsets are those of `text`."""
    if not language.startswith("en"):
        from speakkit.text import languages  # noqa: PLC0415  English needs none of its tables

        return languages.verbalize(text, language)
    rewrites: list[Rewrite] = []
    for claim in claims(text, _english(language)):
        if claim.readings[0] == text[claim.start : claim.end]:
            continue
        spoken = _set_apart(text, claim.start, claim.end, claim.readings[0])
        touches = bool(rewrites) and rewrites[-1].end == claim.start and spoken[:1].isalnum()
        rewrites.append(Rewrite(claim.start, claim.end, " " * touches + spoken, claim.rule))
    return rewrites


def readings(span: str, language: str = "en-us") -> tuple[str, ...]:
    """Every valid reading of a number, date, abbreviation or the like, the spoken one first.

    A span that is no such thing is read as it is written.
    """
    if not language.startswith("en"):
        from speakkit.text import languages  # noqa: PLC0415  as above

        return languages.readings(span, language)
    forms: list[str] = []
    for rule in _english(language):
        match = rule.pattern.fullmatch(span)
        if match and match.span() == stretch(match):
            forms += rule.read(match)
    return tuple(dict.fromkeys(forms)) or (span,)


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
