"""Written -> spoken: how a person reads what is not a plain word."""

from speakkit.text.script import Rewrite


def verbalize(text: str, language: str) -> list[Rewrite]:
    """What of one sentence is said otherwise than it is written, in order; offsets are those of `text`."""
    return []


def readings(span: str, language: str = "en-us") -> tuple[str, ...]:
    """Every valid reading of a number, date, abbreviation or the like, the spoken one first."""
    return (span,)
