"""Words that end in a full stop which need not end the sentence. `data/sentence_ends.tsv` lists them by language.

never: a name or an example follows ("Mr.", "e.g.")
seldom: it ends a sentence where the next word is one that begins sentences ("Acme Inc. The")
numbered: a word of its own, unless a number follows ("No. 5")
timed: it ends a sentence unless a day or a time zone follows ("5 p.m. Monday")
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from speakkit import paths

LONGEST = 20
"""Characters: no abbreviation, with the quotes and brackets before it, is longer."""

WORD = re.compile(r"[^\s\u2014\u2013(\[{\"'`\u2018\u201c\u00ab\u00bf\u00a1/-]+$")
DOTTED = re.compile(r"[^\W\d_](?:\.[^\W\d_]{1,2})*")
"""An initial or initials: "J", "U.S", "Ph.D" without its last full stop."""

NEXT = re.compile(r"[^\w]*(?P<word>[\w'\u2019]*)(?P<stop>\.?)")
NUMBER = re.compile(r"\d.*|[IVXLC]+|[A-Z]")


@dataclass(frozen=True)
class Abbreviations:
    """Those of one language, without their last full stop, and the words that begin its sentences."""

    never: frozenset[str]
    seldom: frozenset[str]
    numbered: frozenset[str]
    timed: frozenset[str]
    zone: frozenset[str]
    starter: frozenset[str]

    def go_on(self, before: str, after: str) -> bool:
        """Whether the sentence goes on behind the full stop between two stretches of some LONGEST characters."""
        found = WORD.search(before)
        word = found.group() if found else ""
        following = NEXT.match(after)
        then = following["word"].replace("\u2019", "'") if following else ""
        if word in self.never:
            return True
        if word in self.timed:
            return then in self.zone
        if _either_case(word) & self.numbered and NUMBER.fullmatch(then):
            return True
        initial = bool(following and following["stop"]) and len(then) == 1
        is_short = word in self.seldom or (DOTTED.fullmatch(word) and (word[0].isupper() or "." in word))
        return bool(is_short) and (initial or then not in self.starter)


def _either_case(word: str) -> set[str]:
    return {word, word[:1].lower() + word[1:], word.capitalize()}


@cache
def of(language: str) -> Abbreviations:
    """Those of a language such as "en-us"; the English ones where none are listed for it."""
    rows = list(_rows())
    own = language.partition("-")[0]
    own = own if any(row[0] == own for row in rows) else "en"
    kinds = {
        kind: frozenset(w for lang, k, words in rows for w in words if k == kind and lang in ("*", own))
        for kind in KINDS
    }
    return Abbreviations(**kinds)


KINDS = tuple(Abbreviations.__dataclass_fields__)


def _rows() -> Iterator[tuple[str, str, list[str]]]:
    for line in (paths.data() / "sentence_ends.tsv").read_text(encoding="utf-8").splitlines():
        language, kind, words = line.split("\t")
        yield language, kind, words.split()
