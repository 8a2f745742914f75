"""Bundle phonemized sentences into chunks, the units that an engine speaks in one piece. No word is lost."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil

from speakkit.text import abbreviations
from speakkit.text.chunks import Chunk, ChunkLimits, Delivery, Token
from speakkit.text.sentences import Sentence

PARAGRAPH_GAP = 0.5
SENTENCE_GAP = 0.2
CLAUSE_GAP = 0.05
WORD_GAP = 0.0
"""Seconds of silence after a chunk, by what ends with it.

They add to the 0.1 s of silence that remain at the ends of two chunks. The sum is the pause that Kokoro itself makes
between two sentences of one chunk, or after a colon (0.15 s; medians of 30 chunks of Alice in Wonderland by af_heart).
"""

SENTENCE_MARKS = frozenset(".!?…")
CLAUSE_MARKS = SENTENCE_MARKS | frozenset(",;:—")
CLOSING_MARKS = '”")'


def chunk_seed(seed: int, index: int) -> int:
    """Return the seed of chunk `index`: 64 bits, by design different from those of all other chunks and seeds."""
    digest = hashlib.blake2b(f"{seed}/{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def chunks(
    phonemized: Iterable[tuple[Sentence, Sequence[Token]]], delivery: Delivery, limits: ChunkLimits
) -> Iterator[Chunk]:
    """Bundle sentences into chunks that end with a sentence, or else a clause, or else a word.

    `limits` are the engine's. Words with no phonemes that the engine supports, or also with some that it does not, are
    listed in `Chunk.lost`. Sentences are consumed one by one, so that the first chunk is ready before the last sentence
    is read.
    """
    place = 0
    for chunk in _whole(phonemized, delivery, limits):
        for part in _split(chunk, limits) if delivery.starts_early and not place else [chunk]:
            yield replace(part, index=place)
            place += 1


def _whole(
    phonemized: Iterable[tuple[Sentence, Sequence[Token]]], delivery: Delivery, limits: ChunkLimits
) -> Iterator[Chunk]:
    """Yield the chunks of `chunks`, none of them split."""
    symbols = limits.symbols
    engine = _Engine(limits, abbreviations.of(delivery.voice.language).never)
    for index, (planned, is_last) in enumerate(_with_end(_bundles(phonemized, engine, delivery.starts_early), limits)):
        bundle = planned if is_last else planned.stopped(limits)
        phonemes, spans = placed(bundle.tokens, symbols)
        yield Chunk(
            index=index,
            phonemes=phonemes,
            tokens=tuple(bundle.tokens),
            lost=tuple(token for token in bundle.tokens if _is_lost(token, symbols)),
            voice=delivery.voice,
            language=delivery.voice.language,
            speed=delivery.speed,
            seed=chunk_seed(delivery.seed, index),
            gap=bundle.pause if is_last else bundle.gap,
            spans=spans,
            predicted=limits.seconds(phonemes, delivery.speed),
            utterance=delivery.utterance,
            is_last=is_last,
            threads=delivery.threads,
        )


def _split(chunk: Chunk, limits: ChunkLimits) -> list[Chunk]:
    """Return the two parts of a chunk, split after the first word with which half of it is spoken; or the chunk itself.

    A machine that speaks faster than a person computes the second part while the first is heard.
    """
    line = chunk.phonemes
    if not limits.splits or len(line) < limits.splits:
        return [chunk]
    ends = (end for _, end in chunk.spans)
    words = (count for count, end in enumerate(ends, 1) if 2 * end >= len(line) and line[end : end + 1] == " ")
    count = next(words, len(chunk.tokens))
    first, second = (_part(chunk, tokens, limits) for tokens in (chunk.tokens[:count], chunk.tokens[count:]))
    if not any(map(str.isalpha, second.phonemes)):
        return [chunk]
    return [replace(first, gap=0.0, is_last=False), replace(second, at=len(first.phonemes) + 1)]


def _part(chunk: Chunk, tokens: tuple[Token, ...], limits: ChunkLimits) -> Chunk:
    """Return the part of a chunk that has these of its tokens."""
    phonemes, spans = placed(tokens, limits.symbols)
    return replace(
        chunk,
        phonemes=phonemes,
        tokens=tokens,
        lost=tuple(token for token in tokens if _is_lost(token, limits.symbols)),
        spans=spans,
        predicted=chunk.predicted * len(phonemes) / len(chunk.phonemes),
        line=chunk.phonemes,
    )


def placed(tokens: Iterable[Token], symbols: frozenset[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the supported phonemes of the tokens with single spaces, and the half-open span of each token in them."""
    spoken, spans = [], []
    at, apart = 0, False
    for token in tokens:
        known = token.phonemes
        if not symbols.issuperset(known):
            known = "".join(symbol for symbol in known if symbol in symbols)
        own = " ".join(known.split())
        if own and at and (apart or known[0].isspace()):
            spoken.append(" ")
            at += 1
        spoken.append(own)
        spans.append((at, at + len(own)))
        at += len(own)
        apart = token.spaced or known[-1:].isspace() or (apart and not own)
    return "".join(spoken), tuple(spans)


@dataclass(frozen=True)
class _Engine:
    """The engine's limits and the abbreviations that decide where sentences are cut.

    limits: those of the engine
    titles: abbreviations that a name follows
    """

    limits: ChunkLimits
    titles: frozenset[str]

    def width(self, token: Token) -> int:
        """Return the phoneme count of a token, with the space after it: never fewer than `placed` makes of it."""
        symbols = self.limits.symbols
        known = symbols.issuperset(token.phonemes)
        return (len(token.phonemes) if known else sum(map(symbols.__contains__, token.phonemes))) + token.spaced


@dataclass(frozen=True)
class _Bundle:
    """Tokens that are spoken in one chunk.

    width: phonemes of all tokens
    ends_paragraph: a paragraph ends with them
    pause: seconds of silence that the user wants after them
    """

    tokens: list[Token]
    width: int = 0
    ends_paragraph: bool = False
    pause: float = 0.0

    @property
    def mark(self) -> str:
        """The mark of a clause or sentence that it ends with; "" if there is none."""
        return _mark(self.tokens)

    @property
    def is_heard(self) -> bool:
        """Whether it has a sound."""
        return any(symbol.isalpha() for token in self.tokens for symbol in token.phonemes)

    @property
    def gap(self) -> float:
        """Seconds of silence after it."""
        if self.pause or not self.is_heard:
            return self.pause
        if self.ends_paragraph:
            return PARAGRAPH_GAP
        return SENTENCE_GAP if self.mark in SENTENCE_MARKS else CLAUSE_GAP if self.mark else WORD_GAP

    def fits(self, following: "_Bundle", limits: ChunkLimits) -> bool:
        """Return whether `following` may be spoken in the same chunk."""
        is_weak = self.width < limits.weak or (following.width < limits.weak and following.ends_paragraph)
        return self.width + following.width <= limits.aim + limits.weak * is_weak

    def stopped(self, limits: ChunkLimits) -> "_Bundle":
        """Return the bundle with an audible stop if its paragraph ends without a mark, as a heading or item does."""
        if not (self.ends_paragraph and self.is_heard) or self.mark or self.width >= limits.most:
            return self
        last = max(i for i, token in enumerate(self.tokens) if token.phonemes.strip())
        joined = [replace(token, spaced=False) for token in self.tokens[last:]]
        stop = Token("", self.tokens[-1].end, ".", spaced=True)
        return replace(self, tokens=[*self.tokens[:last], *joined, stop], width=self.width + 1)

    def followed_by(self, following: "_Bundle", limits: ChunkLimits) -> "_Bundle":
        """Return both bundles as one."""
        ended = self.stopped(limits) if following.is_heard else self
        return replace(following, tokens=[*ended.tokens, *following.tokens], width=ended.width + following.width)


def _bundles(
    phonemized: Iterable[tuple[Sentence, Sequence[Token]]], engine: _Engine, starts_early: bool
) -> Iterator[_Bundle]:
    pending, is_first = _Bundle([]), starts_early
    for sentence, tokens in phonemized:
        for part in _parts(tokens, engine, ends_paragraph=sentence.ends_paragraph, opens=is_first):
            if pending.width and part.width and not pending.fits(part, engine.limits):
                yield pending
                pending = _Bundle([])
            pending = pending.followed_by(part, engine.limits)
            if part.pause or ((part.ends_paragraph or is_first) and pending.width >= engine.limits.weak):
                is_first = False
                yield pending
                pending = _Bundle([])
    if pending.tokens:
        yield pending


def _with_end(bundles: Iterator[_Bundle], limits: ChunkLimits) -> Iterator[tuple[_Bundle, bool]]:
    """Yield each bundle, and whether it is the last. A weak last one joins the one before it, if it fits."""
    pending = next(bundles, None)
    while pending:
        following = next(bundles, None)
        if following and following.width < limits.weak and not pending.pause and pending.fits(following, limits):
            after = next(bundles, None)
            if after:
                yield pending, False
                pending, following = following, after
            else:
                pending, following = pending.followed_by(following, limits), None
        yield pending, following is None
        pending = following


def _parts(tokens: Sequence[Token], engine: _Engine, *, ends_paragraph: bool, opens: bool) -> Iterator[_Bundle]:
    """Yield the parts of a sentence: all of it if it is short; otherwise cut after a pause, a clause, or else a token.

    opens: a listener waits for the beginning of the sentence
    """
    short = [part for token in tokens for part in _cut_to_aim(token, engine.limits)]
    if short:
        short[-1] = replace(short[-1], spaced=True)
    for run in _between_pauses(short):
        pause = sum(token.pause for token in run)
        start = 0
        for stop in _cuts(run, engine, opens=opens and run[0] is short[0]):
            part = run[start:stop]
            is_last = stop == len(run)
            width = sum(map(engine.width, part))
            yield _Bundle(part, width, ends_paragraph and part[-1] is short[-1], pause if is_last else 0.0)
            start = stop


def _between_pauses(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens up to and including each pause; several pauses in a row are one."""
    run: list[Token] = []
    for token in tokens:
        if run and run[-1].pause and not token.pause:
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def _cut_to_aim(token: Token, limits: ChunkLimits) -> Iterator[Token]:
    """Yield the token; or its parts, cut at spaces if possible, if it is longer than the aim, such as a long number."""
    phonemes, at = token.phonemes, 0
    part = token
    while len(phonemes) - at > limits.aim:
        space = phonemes.rfind(" ", at + 1, at + limits.aim) + 1 or phonemes.find(" ", at + 1, at + limits.most - 1) + 1
        if not space and len(phonemes) - at < limits.most:
            break
        stop = space - 1 if space else at + limits.most - 1
        yield replace(part, phonemes=phonemes[at:stop], spaced=bool(space), pause=0.0)
        part = replace(token, text="", spoken=None, readings=())
        at = stop + bool(space)
    yield replace(part, phonemes=phonemes[at:])


def _cuts(tokens: Sequence[Token], engine: _Engine, *, opens: bool) -> Iterator[int]:
    """Yield the indices of the tokens before which a sentence is cut, then the number of its tokens."""
    aim, weak, most = engine.limits.aim, engine.limits.weak, engine.limits.most
    ends = list(accumulate(map(engine.width, tokens)))
    opens = opens and ends[-1] >= 2 * weak
    clauses = dict(_clauses(tokens, engine)) if opens or ends[-1] > aim else {}
    start, spoken = 0, 0
    opening = (stop for stop in clauses if weak <= ends[stop - 1] <= min(aim, ends[-1] - weak))
    if opens and (stop := next(opening, 0)):
        yield stop
        start, spoken = stop, ends[stop - 1]
    while ends[-1] - spoken > aim:
        widths = {stop: ends[stop - 1] - spoken for stop in range(start + 1, bisect_right(ends, spoken + most) + 1)}
        stop = _clause_end(clauses, widths, ends[-1] - spoken, aim)
        if not stop and ends[-1] - spoken > most:
            stop = _word_end(tokens, widths, ends[-1] - spoken, engine)
        if stop in (0, len(tokens)):
            break
        yield stop
        start, spoken = stop, ends[stop - 1]
    yield len(tokens)


def _clauses(tokens: Sequence[Token], engine: _Engine) -> Iterator[tuple[int, int]]:
    """Yield the indices of the tokens before which a sentence may be cut, and a score.

    Higher scores are better: outside quotations, and not after a comma.
    """
    quoted = False
    for i, token in enumerate(tokens[:-1]):
        for symbol in token.phonemes:
            quoted = {"“": True, "”": False, '"': not quoted}.get(symbol, quoted)
        mark = _mark(tokens[max(0, i - 3) : i + 1])
        is_titled = tokens[max(0, i - 1)].text in engine.titles
        if mark and _is_apart(token, tokens[i + 1]) and not is_titled:
            yield i + 1, 1 + (mark != ",") + 2 * (not quoted)
        elif not tokens[i + 1].text and tokens[i + 1].phonemes:
            yield i + 1, 1


def _is_apart(before: Token, after: Token) -> bool:
    """Return whether two tokens can be spoken separately: no mark closes between them, and no number continues."""
    return before.spaced or not (before.is_word or after.text[:1] in CLOSING_MARKS or after.text[:1].isdigit())


def _mark(tokens: Sequence[Token]) -> str:
    """Return the clause mark at the end of the tokens, ignoring closing quotes and brackets; "" if there is none."""
    heard = (token.phonemes.rstrip(CLOSING_MARKS) for token in reversed(tokens))
    last = next(filter(None, heard), "")[-1:]
    return last if last in CLAUSE_MARKS else ""


def _clause_end(clauses: dict[int, int], widths: dict[int, int], rest: int, aim: int) -> int:
    """Return the best end for a part within the aim and about as wide as the next; else the next end, or 0.

    clauses: index of each possible end -> score
    widths: index of each possible end -> width of the part
    rest: width of all remaining tokens
    """
    target = rest / ceil(rest / aim)
    ends = [stop for stop in widths if stop in clauses]
    good = [stop for stop in ends if target / 2 <= widths[stop] <= aim]
    late = (stop for stop in ends if widths[stop] > aim)
    return max(good, key=lambda stop: (clauses[stop], -abs(widths[stop] - target)), default=next(late, 0))


def _word_end(tokens: Sequence[Token], widths: dict[int, int], rest: int, engine: _Engine) -> int:
    """Return the index of the token before which to cut tokens that have no clauses."""
    target = rest / ceil(rest / engine.limits.most)
    words = [
        stop for stop in widths if tokens[stop - 1].spaced and tokens[stop - 1].text.rstrip(".") not in engine.titles
    ]
    return min(words or widths, key=lambda stop: abs(widths[stop] - target))


def _is_lost(token: Token, symbols: frozenset[str]) -> bool:
    if not token.is_word:
        return False
    unspoken = set(token.phonemes) - symbols
    return any(map(str.isalpha, unspoken)) or not any(s.isalpha() for s in token.phonemes if s not in unspoken)
