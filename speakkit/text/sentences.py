"""Split a text into sentences with offsets. Each character other than white space is in exactly one sentence.

A sentence ends with its paragraph (`paragraphs.py`), or after one of the marks . ! ? … and those of Hindi, Chinese and
Japanese. It does not end after an abbreviation (`abbreviations.py`), or if the text after the mark starts in lower
case. A quotation that is short enough stays whole (`quotes.py`).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from speakkit.text import abbreviations
from speakkit.text.abbreviations import Abbreviations
from speakkit.text.paragraphs import paragraphs
from speakkit.text.quotes import pairs

LONGEST = 1000
"""Characters; a longer sentence is cut, so that no engine gets a megabyte without a full stop."""

QUOTATION = 200
"""Characters; a quotation up to this length stays whole. As many phonemes are the most that a chunk aims at."""

END = re.compile(
    r"""(?<![.!?…؟۔])(?P<mark>[.!?…؟۔]++)["'”’»)\]\u2060]*(?:[ \u00a0\u202f]»)?\s+(?=\S)"""
    r"""|[。！？｡।॥](?P<closed>[。！？｡।॥!?」』”’）】》"')]*)\s*(?=\S)"""
    r"|(?<![!?])[!?]++(?=[\u3040-\u30ff\u4e00-\u9fff])"
)
HIRAGANA = re.compile("[ぁ-ゖ]")
ENUMERATOR = re.compile(r"\s*[(\[]?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[IVXLC]{1,6}|[ivx]{1,5})\.\s+")
BEFORE_A_WORD = frozenset(["Pc", "Pd", "Ps", "Pi", "Pf", "Pe", "Po", "So", "Sk", "Cf", "Mn", "Zs", "Zl", "Zp", "Cc"])
"""Unicode categories that may stand before the first word of a sentence."""

GOING_ON = frozenset(",.;:!?)]}»”’…、，。")
"""Characters with which no sentence starts."""

CUTS = (re.compile(r"[;:—–।.!?…]\s+|[；。！？]"), re.compile(r"[,)]\s+|[、，：]"), re.compile(r"\s+"))
"""Where to cut a sentence that is too long, best first: after a clause, after a comma, between words."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of the source text.

    text: from its first to its last character that is not white space
    start: offset of its first character in the source text, in characters
    ends_paragraph: a paragraph, a heading, a list item or the text ends with it
    """

    text: str
    start: int
    ends_paragraph: bool = False

    @property
    def end(self) -> int:
        """Offset just past the last character."""
        return self.start + len(self.text)


def sentences(text: str, language: str = "en-us") -> Iterator[Sentence]:
    """Yield the sentences of `text`, in order."""
    known = abbreviations.of(language)
    for first, last in paragraphs(text):
        start = first
        for end in _with_words(text, first, _ends(text, first, last, known)):
            for at, cut in _shortened(text, start, end):
                piece = text[at:cut]
                lead = len(piece) - len(piece.lstrip())
                yield Sentence(piece.strip(), at + lead, ends_paragraph=cut == last)
            start = end


def _ends(text: str, start: int, stop: int, known: Abbreviations) -> Iterator[int]:
    """Yield the end offsets of the sentences of a paragraph, including the white space after them."""
    quoted = _Quoted(text, start, stop)
    at = start
    for found in END.finditer(text, start, stop):
        if not quoted.holds(found.end()) and not _goes_on(text, at, found, known):
            at = found.end()
            yield at
    yield stop


class _Quoted:
    """The quotations of a paragraph that stay whole."""

    def __init__(self, text: str, start: int, stop: int) -> None:
        self._pairs = sorted(pairs(text, start, stop, QUOTATION), reverse=True)
        self._until = start

    def holds(self, at: int) -> bool:
        """Return whether a quotation spans `at`, which must not decrease from call to call."""
        while self._pairs and self._pairs[-1][0] < at:
            self._until = max(self._until, self._pairs.pop()[1])
        return at <= self._until


def _goes_on(text: str, start: int, found: re.Match[str], known: Abbreviations) -> bool:
    """Return whether the text after a mark belongs to the sentence that starts at `start`."""
    end = found.end()
    if text[end] in GOING_ON or _first_letter(text, end).islower():
        return True
    if found["mark"] != ".":
        return bool(found["closed"] and HIRAGANA.match(text, end))
    stop = found.start()
    before = text[max(start, stop - abbreviations.LONGEST) : stop]
    is_number = bool(ENUMERATOR.fullmatch(text, start, end))
    return is_number or known.go_on(before, text[end : end + abbreviations.LONGEST])


def _first_letter(text: str, at: int) -> str:
    """Return the first character at or after `at` that may begin a word; "" if none of the next 20 characters does."""
    for character in text[at : at + 20]:
        if unicodedata.category(character) not in BEFORE_A_WORD:
            return character
    return ""


def _with_words(text: str, start: int, ends: Iterator[int]) -> Iterator[int]:
    """Yield those of `ends` that leave no part without a letter or digit; such a part joins the sentence before it."""
    last, has_word = start, False
    for end in ends:
        adds_word = any(map(str.isalnum, text[last:end]))
        if has_word and adds_word:
            yield last
        has_word = has_word or adds_word
        last = end
    yield last


def _shortened(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    while stop - start > LONGEST:
        cut = _cut(text, start + LONGEST // 2, start + LONGEST)
        yield start, cut
        start = cut
    yield start, stop


def _cut(text: str, start: int, stop: int) -> int:
    for pattern in CUTS:
        ends = [found.end() for found in pattern.finditer(text, start, stop)]
        if ends:
            return ends[-1]
    return stop
