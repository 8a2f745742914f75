"""Markup of the user's -> a script: Markdown, SSML, pauses and pronunciations."""

from enum import StrEnum

from speakkit.text.script import Script


class Markup(StrEnum):
    """What is taken for markup in a text."""

    RAW = "raw"
    """Nothing."""
    PLAIN = "plain"
    """SSML, [pause:1s] and [word](/phonemes/)."""
    MARKDOWN = "markdown"
    """Markdown too."""


def guessed(text: str, name: str = "") -> Markup:
    """MARKDOWN for a text that looks like it, or whose file's `name` says so; else PLAIN."""
    return Markup.PLAIN


def script(text: str, markup: Markup = Markup.PLAIN) -> Script:
    """What of `text` is to be read, and how."""
    return Script(text)
