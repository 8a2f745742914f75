"""Text -> sentences with offsets into it. Every character that is not white space falls into exactly one sentence.

A sentence ends with its paragraph (`paragraphs.py`), and behind one of the marks . ! ? … and those of Hindi, Chinese
and Japanese, unless that ends an abbreviation (`abbreviations.py`) or what follows starts in lower case. A quotation
that is short enough stays whole (`quotes.py`).
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
"""Characters; a longer sentence is cut, so that no engine is handed a megabyte without a full stop."""

QUOTATION = 200
"""Characters; a quotation up to there stays whole. As many phonemes are the most that a chunk aims at."""

END = re.compile(
    r"""(?<![.!?…؟۔])(?P<mark>[.!?…؟۔]++)["'”’»)\]\u2060]*(?:[ \u00a0\u202f]»)?\s+(?=\S)"""
    r"""|[。！？｡।॥](?P<closed>[。！？｡।॥!?」』”’）】》"')]*)\s*(?=\S)"""
    r"|(?<![!?])[!?]++(?=[\u3040-\u30ff\u4e00-\u9fff])"
)
HIRAGANA = re.compile("[ぁ-ゖ]")
ENUMERATOR = re.compile(r"\s*[(\[]?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[IVXLC]{1,6}|[ivx]{1,5})\.\s+")
BEFORE_A_WORD = frozenset(["Pc", "Pd", "Ps", "Pi", "Pf", "Pe", "Po", "So", "Sk", "Cf", "Mn", "Zs", "Zl", "Zp", "Cc"])
"""Categories of Unicode that may stand before the first word of a sentence."""

GOING_ON = frozenset(",.;:!?)]}»”’…、，。")
"""No sentence starts with one of them."""

CUTS = (re.compile(r"[;:—–।.!?…]\s+|[；。！？]"), re.compile(r"[,)]\s+|[、，：]"), re.compile(r"\s+"))
"""Where an overlong sentence is cut, the best first: after a clause, after a comma, between words."""


@dataclass(frozen=True)
class Sentence:
    """A stretch of the user's text.

    text: as it stands there, from its first to its last character that is not white space
    start: offset of its first character, in characters
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
    """The sentences of `text`, in order."""
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
    """Where the sentences of a paragraph end, white space after them included."""
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
        """Whether one of them stands on both sides of `at`, which only grows from call to call."""
        while self._pairs and self._pairs[-1][0] < at:
            self._until = max(self._until, self._pairs.pop()[1])
        return at <= self._until


def _goes_on(text: str, start: int, found: re.Match[str], known: Abbreviations) -> bool:
    """Whether what follows a mark belongs to its sentence, which starts at `start`."""
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
    """The first character from `at` on that may be that of a word; a few more than a sentence starts with are tried."""
    for character in text[at : at + 20]:
        if unicodedata.category(character) not in BEFORE_A_WORD:
            return character
    return ""


def _with_words(text: str, start: int, ends: Iterator[int]) -> Iterator[int]:
    """Those of `ends` that leave no stretch without a letter or a digit alone: it goes to the sentence before it."""
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
