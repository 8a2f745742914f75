"""The script of a source text: the text without its markup, with the pronunciations and pauses that markup asks for."""

from dataclasses import dataclass

from speakkit.text.rule import Readings

SILENT = "\u2060"
"""Replaces each character that is left out of a script's text: an invisible character that joins its neighbours."""

BREAK = "\u2029"
"""Marks in a script's text where markup ends a paragraph, a heading, a list item or a table row."""


@dataclass(frozen=True)
class Rewrite:
    """The words or phonemes that are spoken for a range of a text.

    start, end: half-open character offsets of the range
    spoken: the words that are spoken; "" if the range is left out
    rule: name of the rule, in a word or two, such as "money", "link target", "user lexicon"; "" if `spoken` is the
        written text and only the readings are noted
    phonemes: the pronunciation of the whole range, in the engine's symbols; "" if `spoken` decides
    stress: how much stronger (above 0) or weaker the range is stressed, in misaki's steps of 0.5 from -2 to 2
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

    at: offset in the source text, in characters
    seconds: above 0
    """

    at: int
    seconds: float


@dataclass(frozen=True)
class Script:
    """A source text, ready to be split into sentences.

    text: as long as the source text, character for character; SILENT replaces what is left out, BREAK the ends of
        headings and items
    rewrites: the rewrites that markup asks for, in order, not overlapping; `spoken` is "" for ranges that are left out
    pauses: in order
    warnings: one line for each thing that was dropped and that the user may have meant differently
    """

    text: str
    rewrites: tuple[Rewrite, ...] = ()
    pauses: tuple[Pause, ...] = ()
    warnings: tuple[str, ...] = ()
