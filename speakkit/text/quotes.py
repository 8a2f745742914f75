"""Find matching quotes and brackets. Apostrophes are not quotes; an unmatched mark opens nothing."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

PAIRS = {"(": ")", "[": "]", "{": "}", "“": "”", "„": "”", "«": "»", "「": "」", "『": "』"}
PAIRS |= {"（": "）", "【": "】", "《": "》", "\u2018": "\u2019", "`": "\u2019"}
ANSWERS = {closing: closing for closing in PAIRS.values()} | {"'": "\u2019", '"': '"'}
"""Closing mark -> the closing mark that it counts as; PAIRS maps opening marks to theirs."""
MARK = re.compile("[" + "".join(map(re.escape, [*PAIRS, *ANSWERS])) + "]")
ELIDED = re.compile(r"(?:\d|tis|twas|em|til|cause|bout|round)(?![^\W_])", re.IGNORECASE)
"""Words and numbers without their beginning, after a straight apostrophe: they do not begin a quotation."""

BEFORE_OPENING = frozenset("([{\u2014\u2013-\"'\u201c\u2018`/")
AFTER_OPENING = frozenset("([{\u2014\u2013-\"'\u201c\u2018`/\u00bf\u00a1\u2026$#@.")


def pairs(text: str, start: int, stop: int, longest: int) -> Iterator[tuple[int, int]]:
    """Yield the offsets of opening and closing marks in text[start:stop], ordered by the closing mark.

    longest: marks further apart than this many characters are skipped
    """
    opened: dict[str, list[int]] = defaultdict(list)
    for mark in MARK.finditer(text, start, stop):
        at, character = mark.start(), mark.group()
        answer = PAIRS.get(character) or ANSWERS[character]
        waiting = opened[answer]
        opens = _opens(text, at, waiting) if character in "\"'`" else character in PAIRS
        if opens:
            waiting.append(at)
        elif waiting and not _is_apostrophe(text, at):
            opening = waiting.pop()
            if at - opening <= longest:
                yield opening, at


def _opens(text: str, at: int, waiting: Sequence[int]) -> bool:
    """Return whether a mark that can both open and close opens here."""
    if text[at] == "'" and (waiting or ELIDED.match(text, at + 1)):
        return False
    before, after = text[at - 1 : at] or " ", text[at + 1 : at + 2]
    return (before.isspace() or before in BEFORE_OPENING) and (after.isalnum() or after in AFTER_OPENING)


def _is_apostrophe(text: str, at: int) -> bool:
    """Return whether the mark is an apostrophe in a word or before a shortened one: "don't", "'em"."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return text[at] in "'\u2019" and after.isalnum() and (before.isalnum() or before.isspace())
