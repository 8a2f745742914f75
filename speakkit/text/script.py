"""A user's text -> what of it is to be read: markup left out, and what markup says of pronunciation and pauses kept."""

from dataclasses import dataclass

from speakkit.text.rule import Readings

SILENT = "\u2060"
"""Stands in a script's text where something is left out: an invisible character that joins what is beside it."""

BREAK = "\u2029"
"""Stands in a script's text where markup ends a paragraph, a heading, a list item or a table cell's row."""


@dataclass(frozen=True)
class Rewrite:
    """What is said for a stretch of a text.

    start, end: the stretch, as offsets in characters
    spoken: the words that are said; "" where it is left out
    rule: which rule says so, in a word or two, such as "money", "link target", "user lexicon"; "" where `spoken` is
        what is written, and only the readings are noted
    phonemes: how the whole stretch is pronounced, in the engine's symbols; "" where `spoken` decides
    stress: how much stronger (above 0) or weaker it is stressed, in misaki's steps of 0.5 from -2 to 2
    readings: every valid reading in this sentence, the spoken one first, without the sentence's marks; () if `spoken`
        is the only one
    """

    start: int
    end: int
    spoken: str
    rule: str
    phonemes: str = ""
    stress: float = 0.0
    readings: Readings = ()


@dataclass(frozen=True)
class Pause:
    """Silence that the user asked for.

    at: offset in the user's text, in characters
    seconds: above 0
    """

    at: int
    seconds: float


@dataclass(frozen=True)
class Script:
    """A user's text, ready to be cut into sentences.

    text: as long as the user's, character for character; what is left out is SILENT, the ends of headings and items
        are BREAK
    rewrites: what markup says of stretches of it, in order and apart from each other; those left out have no `spoken`
    pauses: in order
    warnings: what was dropped that the user may have meant otherwise, a line each
    """

    text: str
    rewrites: tuple[Rewrite, ...] = ()
    pauses: tuple[Pause, ...] = ()
    warnings: tuple[str, ...] = ()
