"""Map a sentence as it is spoken back to the source text: each spoken word to its range."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from speakkit.text.chunks import Token
from speakkit.text.ipa import stressed
from speakkit.text.readings import bare, joined, swapped
from speakkit.text.rule import Readings
from speakkit.text.script import Rewrite
from speakkit.text.sentences import Sentence

OPENING = ' \t\n"\u201c\u2018([{\u2014'
CLOSING = frozenset("\"\u201d\u2019)]}\u2014.,;:!?\u2026'")
"""Marks that every phonemizer treats as separate tokens: OPENING before a word, CLOSING after it."""


@dataclass(frozen=True)
class SourceMap:
    """A sentence as text for a phonemizer, with the range of the source text for each character.

    text: the words that are spoken
    places: per character of `text`, the half-open range of the source text that it stands for; the ranges are in order
    rewrites: all rewrites applied so far, in order, in offsets of the source text; their `readings` are those of the
        whole range, of which a later rewrite may have changed a part
    given: per character of `text`, the rewrite with the user's own pronunciation, or None
    """

    sentence: Sentence
    text: str
    places: tuple[tuple[int, int], ...]
    rewrites: tuple[Rewrite, ...] = ()
    given: tuple[Rewrite | None, ...] = ()

    @classmethod
    def of(cls, sentence: Sentence) -> "SourceMap":
        """Return the map of the sentence as it is written."""
        places = tuple((at, at + 1) for at in range(sentence.start, sentence.end))
        return cls(sentence, sentence.text, places, given=(None,) * len(places))

    def rewritten(self, rewrites: Sequence[Rewrite]) -> "SourceMap":
        """Return the map with `rewrites` applied: in offsets of `self.text`, in order, not overlapping."""
        text, at = "", 0
        places: list[tuple[int, int]] = []
        given: list[Rewrite | None] = []
        done: list[Rewrite] = []
        for rewrite in rewrites:
            start, end = self.places[rewrite.start][0], self.places[rewrite.end - 1][1]
            done.append(replace(rewrite, start=start, end=end, readings=self._composed(rewrite, start, end, done)))
            if not rewrite.rule:
                continue
            spoken = self._apart(rewrite)
            text += self.text[at : rewrite.start] + spoken
            places += [*self.places[at : rewrite.start], *[(start, end)] * len(spoken)]
            given += [*self.given[at : rewrite.start], *[done[-1] if rewrite.phonemes else None] * len(spoken)]
            at = rewrite.end
        text += self.text[at:]
        places += self.places[at:]
        given += self.given[at:]
        merged = sorted([*self.rewrites, *done], key=lambda rewrite: (rewrite.start, rewrite.end))
        return SourceMap(self.sentence, text, tuple(places), tuple(merged), tuple(given))

    def _composed(self, rewrite: Rewrite, start: int, end: int, done: Sequence[Rewrite]) -> Readings:
        """Return the readings of the source text from `start` to `end`, the range that `rewrite` affects.

        A range that was rewritten before keeps its other readings, with the words of this rewrite inserted.
        """
        own = rewrite.readings or (rewrite.spoken,)
        if not self.rewrites:
            return own
        before = [one for one in (*self.rewrites, *done) if one.start < end and start < one.end]
        written, whole = self.text[rewrite.start : rewrite.end], self._said(start, end)
        if not before or written.strip() == whole.strip():
            return own
        last = max(reversed(before), key=lambda one: one.end - one.start)
        base = last.readings if (last.start, last.end) == (start, end) else (whole,)
        return swapped(base, written.strip(), own)

    def _said(self, start: int, end: int) -> str:
        """Return the part of `text` that stands for the source text from `start` to `end`."""
        first = bisect_left(self.places, (start, start))
        return self.text[first : bisect_left(self.places, (end, end))]

    def _apart(self, rewrite: Rewrite) -> str:
        """Return the spoken words of `rewrite`, with spaces that keep its token apart from the text beside it.

        Without them, the token would include the text beside it, and that text would be lost.
        """
        if not rewrite.phonemes:
            return rewrite.spoken
        before, after = self.text[: rewrite.start][-1:], self.text[rewrite.end : rewrite.end + 2]
        ends = not after or after[0].isspace() or (after[0] in CLOSING and not after[1:].isalnum())
        return f"{' ' * bool(before.strip(OPENING))}{rewrite.spoken}{' ' * (not ends)}"

    def located(self, rewrites: Iterable[Rewrite]) -> list[Rewrite]:
        """Return those of `rewrites`, in source offsets, that lie in `self.text`, converted to offsets in it."""
        starts = [start for start, _ in self.places]
        found = []
        for rewrite in rewrites:
            first, last = bisect_left(starts, rewrite.start), bisect_left(starts, rewrite.end)
            if first < last:
                found.append(replace(rewrite, start=first, end=last))
        return found

    def tokens(self, phonemized: Sequence[Token]) -> tuple[Token, ...]:
        """Return the tokens of `text`, whose offsets are those of `text`, as tokens of the source text.

        Tokens that stand for one range of it, such as "five" and "dollars" for "$5", become one. Each range that is
        left out becomes a token with the rule that left it out.
        """
        if not self.rewrites:
            return tuple(
                self._accounted([replace(token, start=self.sentence.start + token.start) for token in phonemized])
            )
        placed: list[Token] = []
        for token in self._as_given(phonemized):
            moved = self._moved(token)
            if placed and moved.start < placed[-1].end:
                placed[-1] = self._together(placed[-1], moved)
            else:
                placed.append(moved)
        voiced = [self._explained(token) for token in placed]
        told = sorted([*voiced, *self._left_out(voiced)], key=lambda token: token.start)
        return tuple(self._accounted(told))

    def _as_given(self, phonemized: Iterable[Token]) -> Iterator[Token]:
        """Yield the tokens. The first token of a pronunciation from the user gets its phonemes, the others get none."""
        last = None
        for token in phonemized:
            given = self.given[token.start : token.start + len(token.text)]
            said = next(filter(None, given), None)
            if said and not any(
                character.isalnum() and rewrite is not said
                for character, rewrite in zip(token.text, given, strict=False)
            ):
                yield replace(token, phonemes="" if said is last else said.phonemes, source=said.rule)
            else:
                yield token
            last = said

    def _moved(self, token: Token) -> Token:
        """Return `token` with source offsets and source text; `spoken` keeps its words, in case they differ."""
        covered = self.places[token.start : token.start + len(token.text)]
        start = covered[0][0] if covered else self.sentence.start
        end = max((end for _, end in covered), default=start)
        return replace(token, text=self._source(start, end), start=start, spoken=token.text)

    def _together(self, first: Token, second: Token) -> Token:
        """Return two tokens whose ranges overlap as one."""
        start, end = min(first.start, second.start), max(first.end, second.end)
        gap = " " * first.spaced
        sources = dict.fromkeys([*first.source.split(", "), *second.source.split(", ")])
        return replace(
            second,
            text=self._source(start, end),
            start=start,
            phonemes=f"{first.phonemes}{gap}{second.phonemes}".strip(),
            spoken=f"{first.spoken}{gap}{second.spoken}",
            source=", ".join(filter(None, sources)),
        )

    def _source(self, start: int, end: int) -> str:
        return self.sentence.text[start - self.sentence.start : end - self.sentence.start]

    def _explained(self, token: Token) -> Token:
        """Return `token` with the rules that rewrote it, its readings, and the stress that the user set."""
        rules = [rewrite for rewrite in self.rewrites if rewrite.start < token.end and token.start < rewrite.end]
        if not rules:
            return replace(token, spoken=None)
        token = replace(token, readings=self._readings(token, rules))
        rules = [rewrite for rewrite in rules if rewrite.rule]
        if not rules:
            return replace(token, spoken=None)
        token = replace(token, rule=", ".join(dict.fromkeys(rewrite.rule for rewrite in rules)))
        if any(rewrite.phonemes for rewrite in rules):
            return token
        return replace(token, phonemes=stressed(token.phonemes, sum(rewrite.stress for rewrite in rules)))

    def _readings(self, token: Token, rewrites: Sequence[Rewrite]) -> Readings:
        """Return the readings of `token`, which `rewrites` affect: every combination of the readings of its ranges."""
        parts: list[Readings] = []
        at = token.start
        for rewrite in _outermost(rewrites):
            if at <= rewrite.start and rewrite.end <= token.end:
                said = self._said(rewrite.start, rewrite.end)
                lead, tail = said[: -len(said.lstrip()) or None], said[len(said.rstrip()) :]
                others = (f"{lead}{reading}{tail}" for reading in rewrite.readings)
                parts += [(self._source(at, rewrite.start),), tuple(dict.fromkeys([said, *others]))]
                at = rewrite.end
        ways = joined([*parts, (self._source(at, token.end),)])
        return () if not ways[0] or ways == (bare(token.text),) else ways

    def _accounted(self, told: Sequence[Token]) -> Iterator[Token]:
        """Yield the tokens, plus one without phonemes for each gap between them that has a letter or digit."""
        at = self.sentence.start
        for token in [*told, Token("", self.sentence.end, "", spaced=False)]:
            missed = self._source(at, token.start) if at < token.start else ""
            if any(character.isalnum() for character in missed):
                yield Token(missed.strip(), at + len(missed) - len(missed.lstrip()), "", spaced=missed[-1].isspace())
            if token.text:
                yield token
            at = max(at, token.end)

    def _left_out(self, voiced: Sequence[Token]) -> list[Token]:
        return [
            Token(self._source(r.start, r.end), r.start, "", spaced=False, spoken="", rule=r.rule)
            for r in self.rewrites
            if not r.spoken.strip() and not any(r.start < token.end and token.start < r.end for token in voiced)
        ]


def _outermost(rewrites: Sequence[Rewrite]) -> list[Rewrite]:
    """Return the rewrites that lie in no other one, in order; for equal ranges the last, based on the others."""
    kept: list[Rewrite] = []
    for rewrite in sorted(rewrites, key=lambda one: (one.start, -one.end)):
        if kept and rewrite.end <= kept[-1].end:
            if (rewrite.start, rewrite.end) == (kept[-1].start, kept[-1].end):
                kept[-1] = rewrite
        else:
            kept.append(rewrite)
    return kept
