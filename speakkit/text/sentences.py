"""Text -> sentences with offsets into it. Every character that is not white space falls into exactly one sentence.

It knows paragraphs, the marks . ! ? … and those of Hindi, Chinese and Japanese, closing quotes, and the commonest
abbreviations.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from speakkit.text.script import SILENT

LONGEST = 1000
"""Characters; a longer sentence is cut, so that no engine is handed a megabyte without a full stop."""

PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*|\u2029\s*")
BREAK = re.compile(
    r"""[.!?…।॥]["'”’»)\]\u2060]*(?:[ \u00a0\u202f]»)?\s+(?=\S)"""
    r"""|[。！？｡](?P<closed>[」』”’）】》"')]*)\s*(?=\S)"""
)
ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Dra|Prof|Rev|Capt|Col|Gen|Lt|Sgt|St|Mt|Jr|Sr|Sra|Srta|Ud|Uds|Sig|Dott|vs|etc|No|[A-Z])\.\u2060*\s+$"
)
VISIBLE = re.compile(f"[^{SILENT}]")
HIRAGANA = re.compile("[ぁ-ゖ]")
SOFT_BREAKS = (re.compile(r"[,;:—–)]+\s+|[、，；：]"), re.compile(r"\s+"))
"""Where an overlong sentence is cut: after a clause mark; failing that, between words."""


@dataclass(frozen=True)
class Sentence:
    """A stretch of the user's text.

    text: as it stands there, from its first to its last character that is not white space
    start: offset of its first character, in characters
    ends_paragraph: a blank line, or the end of the text, follows
    """

    text: str
    start: int
    ends_paragraph: bool = False

    @property
    def end(self) -> int:
        """Offset just past the last character."""
        return self.start + len(self.text)


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of `text`, in order."""
    at = 0
    for blank in [*PARAGRAPH.finditer(text), None]:
        end = blank.start() if blank else len(text)
        spans = [span for span in _spans(text, at, end) if text[slice(*span)].strip()]
        for i, (start, stop) in enumerate(spans):
            yield _trimmed(text, start, stop, ends_paragraph=i == len(spans) - 1)
        at = blank.end() if blank else end


def _trimmed(text: str, start: int, stop: int, *, ends_paragraph: bool) -> Sentence:
    piece = text[start:stop]
    lead = len(piece) - len(piece.lstrip())
    return Sentence(piece.strip(), start + lead, ends_paragraph)


def _spans(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The sentences between two offsets, white space included, none longer than LONGEST."""
    at = start
    for found in BREAK.finditer(text, start, stop):
        if not _goes_on(text, found) and not ABBREVIATION.search(text, max(at, found.end() - 40), found.end()):
            yield from _shortened(text, at, found.end())
            at = found.end()
    yield from _shortened(text, at, stop)


def _goes_on(text: str, found: re.Match[str]) -> bool:
    """Whether what follows a mark belongs to its sentence: a lower-case word, or a particle behind a quotation."""
    visible = VISIBLE.search(text, found.end())
    following = visible.group() if visible else ""
    return following.islower() or bool(found["closed"] and HIRAGANA.match(following))


def _shortened(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    while stop - start > LONGEST:
        cut = _soft_break(text, start, start + LONGEST)
        yield start, cut
        start = cut
    yield start, stop


def _soft_break(text: str, start: int, limit: int) -> int:
    for pattern in SOFT_BREAKS:
        ends = [found.end() for found in pattern.finditer(text, start + LONGEST // 2, limit)]
        if ends:
            return ends[-1]
    return limit
