"""Words whose final full stop need not end the sentence, listed by language in `data/sentence_ends.tsv`.

The kinds of entries are:

never: a name or an example follows ("Mr.", "e.g.")
seldom: ends a sentence if the next word is one that begins sentences ("Acme Inc. The")
numbered: an ordinary word that ends a sentence, unless a number follows ("No. 5")
timed: ends a sentence unless a day or a time zone follows ("5 p.m. Monday")
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from speakkit import paths

LONGEST = 20
"""Characters: no abbreviation is longer, including the quotes and brackets before it."""

WORD = re.compile(r"[^\s\u2014\u2013(\[{\"'`\u2018\u201c\u00ab\u00bf\u00a1/-]+$")
DOTTED = re.compile(r"[^\W\d_](?:\.[^\W\d_]{1,2})*")
"""One or more initials, "J", "U.S" or "Ph.D", without the last full stop."""

NEXT = re.compile(r"[^\w]*(?P<word>[\w'\u2019]*)(?P<stop>\.?)")
NUMBER = re.compile(r"\d.*|[IVXLC]+|[A-Z]")


@dataclass(frozen=True)
class Abbreviations:
    """The abbreviations of one language, without their last full stop.

    never, seldom, numbered, timed: by kind, as the module describes them
    zone: days and time zones, which continue the sentence after a timed abbreviation
    starter: words that begin sentences in this language
    """

    never: frozenset[str]
    seldom: frozenset[str]
    numbered: frozenset[str]
    timed: frozenset[str]
    zone: frozenset[str]
    starter: frozenset[str]

    def go_on(self, before: str, after: str) -> bool:
        """Return whether the sentence continues after the full stop between `before` and `after`.

        before, after: up to LONGEST characters on each side of the full stop
        """
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
    """Return the abbreviations of a language such as "en-us"; those of English if none are listed for it."""
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
