"""A sentence as it is said, and the way back: each word of it in its place in the user's text."""

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
"""Marks that every phonemizer takes for themselves before and after a word."""


@dataclass(frozen=True)
class SourceMap:
    """The words of a sentence as they are handed to a phonemizer.

    text: what is said
    places: for each character of `text`, the stretch of the user's text that it stands for, as two offsets in order
    rewrites: what was done to come here, in offsets of the user's text, in order; `readings` are those of the whole
        stretch, of which a rewrite of a rewrite may have changed a part
    given: for each character of `text`, the rewrite by which the user said how it sounds, or None
    """

    sentence: Sentence
    text: str
    places: tuple[tuple[int, int], ...]
    rewrites: tuple[Rewrite, ...] = ()
    given: tuple[Rewrite | None, ...] = ()

    @classmethod
    def of(cls, sentence: Sentence) -> "SourceMap":
        """The sentence as it is written."""
        places = tuple((at, at + 1) for at in range(sentence.start, sentence.end))
        return cls(sentence, sentence.text, places, given=(None,) * len(places))

    def rewritten(self, rewrites: Sequence[Rewrite]) -> "SourceMap":
        """With `rewrites` done, whose offsets are those of `self.text`; in order, and apart from each other."""
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
        """The readings of the user's text from `start` to `end`, all that `rewrite` has a part in.

        What was read there before keeps its other readings, with the words of this rewrite in them.
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
        """What of `text` stands for the user's text from `start` to `end`."""
        first = bisect_left(self.places, (start, start))
        return self.text[first : bisect_left(self.places, (end, end))]

    def _apart(self, rewrite: Rewrite) -> str:
        """What is said, with a space where its token would take in what stands beside it, and so lose it."""
        if not rewrite.phonemes:
            return rewrite.spoken
        before, after = self.text[: rewrite.start][-1:], self.text[rewrite.end : rewrite.end + 2]
        ends = not after or after[0].isspace() or (after[0] in CLOSING and not after[1:].isalnum())
        return f"{' ' * bool(before.strip(OPENING))}{rewrite.spoken}{' ' * (not ends)}"

    def located(self, rewrites: Iterable[Rewrite]) -> list[Rewrite]:
        """Those of `rewrites`, in offsets of the user's text, that stand in `self.text`, in its offsets."""
        starts = [start for start, _ in self.places]
        found = []
        for rewrite in rewrites:
            first, last = bisect_left(starts, rewrite.start), bisect_left(starts, rewrite.end)
            if first < last:
                found.append(replace(rewrite, start=first, end=last))
        return found

    def tokens(self, phonemized: Sequence[Token]) -> tuple[Token, ...]:
        """The tokens of `text`, whose offsets are those of `text`, as tokens of the user's text.

        Those that stand for one stretch of it, such as "five" and "dollars" for "$5", become one. What was left out
        is a token that says so.
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
        """The tokens, the first that stands for a pronunciation of the user's with that, and the rest without."""
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
        """`token` in the user's text; `spoken` is kept aside, in case it is not what stands there."""
        covered = self.places[token.start : token.start + len(token.text)]
        start = covered[0][0] if covered else self.sentence.start
        end = max((end for _, end in covered), default=start)
        return replace(token, text=self._source(start, end), start=start, spoken=token.text)

    def _together(self, first: Token, second: Token) -> Token:
        """Two tokens that stand for overlapping stretches, as one."""
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
        """With the rule that it was rewritten by, and the stress that the user gave."""
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
        """Those of `token`, which `rewrites` have a part in: its stretches, each in any of its ways."""
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
        """The tokens, and one without phonemes for each stretch with a letter or digit that none of them stands for."""
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
    """Those that are in no other one, in order; of several for the same stretch the last, which knows of the others."""
    kept: list[Rewrite] = []
    for rewrite in sorted(rewrites, key=lambda one: (one.start, -one.end)):
        if kept and rewrite.end <= kept[-1].end:
            if (rewrite.start, rewrite.end) == (kept[-1].start, kept[-1].end):
                kept[-1] = rewrite
        else:
            kept.append(rewrite)
    return kept
