"""Phonemized sentences -> chunks: what an engine speaks in one breath. No word is lost on the way."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil

from speakkit.text import abbreviations
from speakkit.text.sentences import Sentence
from speakkit.voices import Voice

LIMIT = 510
"""Phonemes; Kokoro's context of 512 tokens less one at each end (n_token of hexgrad/Kokoro-82M's config.json)."""

AIM = range(100, 201)
"""Phonemes; shorter chunks sound weak and longer ones rush (VOICES.md of hexgrad/Kokoro-82M)."""

WEAK = 50
"""Phonemes; fewer are not left alone at the end of a paragraph, even if they take their chunk so far over the aim."""

PARAGRAPH_GAP = 0.5
SENTENCE_GAP = 0.2
CLAUSE_GAP = 0.05
WORD_GAP = 0.0
"""Seconds of silence after a chunk, by what ends with it. They add to the 0.1 s that stay at the ends of two chunks:
as much as Kokoro itself pauses between two sentences of one chunk, or after a colon (0.15 s; medians of 30 chunks of
Alice in Wonderland by af_heart)."""

SECONDS_PER_PHONEME, SECONDS_PER_CHUNK = 0.0550, 0.744
"""A line through 57 chunks of 10 to 510 phonemes of Alice in Wonderland, spoken by af_heart at speed 1: it is out by
0.39 s on average, and by 2.5 s at most."""

SENTENCE_MARKS = frozenset(".!?…")
CLAUSE_MARKS = SENTENCE_MARKS | frozenset(",;:—")
CLOSING_MARKS = '”")'


@dataclass(frozen=True)
class Token:
    """A word or a mark of the user's text, and how it is spoken.

    text: as it stands in the text, or "" for the rest of a token that was cut in two
    start: offset of its first character in the user's text, in characters
    phonemes: one symbol a character; "" where nothing is spoken
    spaced: white space follows it
    spoken: the words that are said for it; "" where it is left out by a rule, None where they are what is written
    rule: by which rule it was rewritten or left out, such as "money"; "" where it was not
    source: where its phonemes are from, such as "lexicon" or "espeak-ng"; "" where that is not told
    pause: seconds of silence that the user wants after it
    readings: all valid readings of what it stands for, in its sentence, the spoken one first, without the sentence's
        marks; "" among them if it may be left out; () if it can only be read as it is written
    """

    text: str
    start: int
    phonemes: str
    spaced: bool
    spoken: str | None = None
    rule: str = ""
    source: str = ""
    pause: float = 0.0
    readings: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """Offset just past its last character."""
        return self.start + len(self.text)

    @property
    def is_word(self) -> bool:
        """Whether somebody who reads aloud would say it: it has a letter or a digit, and no rule leaves it out."""
        said = self.text if self.spoken is None else self.spoken
        return any(character.isalnum() for character in said)


@dataclass(frozen=True)
class Chunk:
    """What an engine speaks at once.

    index: its place in the utterance, from 0
    phonemes: at most LIMIT symbols, each known to the engine; "" where every word of it was lost
    tokens: the stretch of the user's text that it covers
    lost: those of the tokens that ought to be heard and will not be, in full
    speed: 1.0 is the voice's own; 2.0 is twice as fast
    seed: of the noise in this chunk alone, so that its audio does not depend on its neighbours
    gap: seconds of silence after it
    spans: for each of the tokens which of the phonemes are its own, as two offsets; those of a token that is not
        heard are equal. The spaces between two tokens are nobody's
    """

    index: int
    phonemes: str
    tokens: tuple[Token, ...]
    lost: tuple[Token, ...]
    voice: Voice
    language: str
    speed: float
    seed: int
    gap: float
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def predicted(self) -> float:
        """Seconds of speech to be expected, without the gap."""
        return (SECONDS_PER_PHONEME * len(self.phonemes) + SECONDS_PER_CHUNK * bool(self.phonemes)) / self.speed


@dataclass(frozen=True)
class Delivery:
    """How the chunks of one utterance are to be spoken.

    starts_early: somebody waits to hear it: the first chunk is no longer than it must be
    """

    voice: Voice
    speed: float = 1.0
    seed: int = 0
    starts_early: bool = False


def chunk_seed(seed: int, index: int) -> int:
    """The seed of chunk `index`: 64 bits that no other chunk of this or of another seed shares by design."""
    digest = hashlib.blake2b(f"{seed}/{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def chunks(
    phonemized: Iterable[tuple[Sentence, Sequence[Token]]], delivery: Delivery, symbols: frozenset[str]
) -> Iterator[Chunk]:
    """Bundle sentences into chunks that end with a sentence, or else a clause, or else a word.

    `symbols` are the phonemes that the engine knows. A word that has none of them, or others too, is named in
    `Chunk.lost`. Sentences are taken one by one, so that the first chunk is ready before the last one is read.
    """
    engine = _Engine(symbols, abbreviations.of(delivery.voice.language).never)
    for index, (planned, is_last) in enumerate(_with_end(_bundles(phonemized, engine, delivery.starts_early))):
        bundle = planned if is_last else planned.stopped()
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
        )


def placed(tokens: Iterable[Token], symbols: frozenset[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """What of the tokens' phonemes is spoken, with single spaces; and as two offsets what of it is each token's."""
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
    """What cutting needs to know. titles: abbreviations that a name follows."""

    symbols: frozenset[str]
    titles: frozenset[str]

    def width(self, token: Token) -> int:
        """Phonemes that a token takes up, with the space after it: never fewer than `placed` makes of it."""
        known = self.symbols.issuperset(token.phonemes)
        return (len(token.phonemes) if known else sum(map(self.symbols.__contains__, token.phonemes))) + token.spaced


@dataclass(frozen=True)
class _Bundle:
    """Tokens that are spoken in one breath. width: of all of them. pause: what the user wants after them."""

    tokens: list[Token]
    width: int = 0
    ends_paragraph: bool = False
    pause: float = 0.0

    @property
    def mark(self) -> str:
        """The mark of a clause or sentence that it ends with; "" where there is none."""
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

    def fits(self, following: "_Bundle") -> bool:
        """Whether `following` may be spoken in the same breath."""
        is_weak = self.width < WEAK or (following.width < WEAK and following.ends_paragraph)
        return self.width + following.width <= AIM[-1] + WEAK * is_weak

    def stopped(self) -> "_Bundle":
        """With a stop that is heard, where a paragraph ends without a mark, as a heading or an item of a list does."""
        if not (self.ends_paragraph and self.is_heard) or self.mark or self.width >= LIMIT:
            return self
        last = max(i for i, token in enumerate(self.tokens) if token.phonemes.strip())
        joined = [replace(token, spaced=False) for token in self.tokens[last:]]
        stop = Token("", self.tokens[-1].end, ".", spaced=True)
        return replace(self, tokens=[*self.tokens[:last], *joined, stop], width=self.width + 1)

    def followed_by(self, following: "_Bundle") -> "_Bundle":
        """Both in one."""
        ended = self.stopped() if following.is_heard else self
        return replace(following, tokens=[*ended.tokens, *following.tokens], width=ended.width + following.width)


def _bundles(
    phonemized: Iterable[tuple[Sentence, Sequence[Token]]], engine: _Engine, starts_early: bool
) -> Iterator[_Bundle]:
    pending, is_first = _Bundle([]), starts_early
    for sentence, tokens in phonemized:
        for part in _parts(tokens, engine, ends_paragraph=sentence.ends_paragraph, opens=is_first):
            if pending.width and part.width and not pending.fits(part):
                yield pending
                pending = _Bundle([])
            pending = pending.followed_by(part)
            if part.pause or ((part.ends_paragraph or is_first) and pending.width >= WEAK):
                is_first = False
                yield pending
                pending = _Bundle([])
    if pending.tokens:
        yield pending


def _with_end(bundles: Iterator[_Bundle]) -> Iterator[tuple[_Bundle, bool]]:
    """Each, and whether it is the last. A last one that is weak is spoken with the one before, if it fits."""
    pending = next(bundles, None)
    while pending:
        following = next(bundles, None)
        if following and following.width < WEAK and not pending.pause and pending.fits(following):
            after = next(bundles, None)
            if after:
                yield pending, False
                pending, following = following, after
            else:
                pending, following = pending.followed_by(following), None
        yield pending, following is None
        pending = following


def _parts(tokens: Sequence[Token], engine: _Engine, *, ends_paragraph: bool, opens: bool) -> Iterator[_Bundle]:
    """A sentence whole where it is short enough; else cut after a pause, a clause, or failing that after a token.

    opens: somebody waits for its beginning
    """
    short = [part for token in tokens for part in _cut_to_aim(token)]
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
    """The tokens up to and with each pause; several pauses in a row are one."""
    run: list[Token] = []
    for token in tokens:
        if run and run[-1].pause and not token.pause:
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def _cut_to_aim(token: Token) -> Iterator[Token]:
    """The token; or where it is longer than the aim, as a long number is, its parts, cut at spaces if there are any."""
    phonemes, at = token.phonemes, 0
    part = token
    while len(phonemes) - at > AIM[-1]:
        space = phonemes.rfind(" ", at + 1, at + AIM[-1]) + 1 or phonemes.find(" ", at + 1, at + LIMIT - 1) + 1
        if not space and len(phonemes) - at < LIMIT:
            break
        stop = space - 1 if space else at + LIMIT - 1
        yield replace(part, phonemes=phonemes[at:stop], spaced=bool(space), pause=0.0)
        part = replace(token, text="", spoken=None, readings=())
        at = stop + bool(space)
    yield replace(part, phonemes=phonemes[at:])


def _cuts(tokens: Sequence[Token], engine: _Engine, *, opens: bool) -> Iterator[int]:
    """Before which tokens a sentence is cut, and its end."""
    ends = list(accumulate(map(engine.width, tokens)))
    opens = opens and ends[-1] >= 2 * WEAK
    clauses = dict(_clauses(tokens, engine)) if opens or ends[-1] > AIM[-1] else {}
    start, spoken = 0, 0
    opening = (stop for stop in clauses if WEAK <= ends[stop - 1] <= min(AIM[-1], ends[-1] - WEAK))
    if opens and (stop := next(opening, 0)):
        yield stop
        start, spoken = stop, ends[stop - 1]
    while ends[-1] - spoken > AIM[-1]:
        widths = {stop: ends[stop - 1] - spoken for stop in range(start + 1, bisect_right(ends, spoken + LIMIT) + 1)}
        stop = _clause_end(clauses, widths, ends[-1] - spoken)
        if not stop and ends[-1] - spoken > LIMIT:
            stop = _word_end(tokens, widths, ends[-1] - spoken, engine)
        if stop in (0, len(tokens)):
            break
        yield stop
        start, spoken = stop, ends[stop - 1]
    yield len(tokens)


def _clauses(tokens: Sequence[Token], engine: _Engine) -> Iterator[tuple[int, int]]:
    """Before which tokens a sentence can be cut, and how well: best outside quotations, and not after a comma."""
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
    """Whether two tokens can be spoken apart: no mark closes between them, and no number goes on."""
    return before.spaced or not (before.is_word or after.text[:1] in CLOSING_MARKS or after.text[:1].isdigit())


def _mark(tokens: Sequence[Token]) -> str:
    """The mark that ends a clause and the tokens, quotes and brackets behind it aside; "" where there is none."""
    heard = (token.phonemes.rstrip(CLOSING_MARKS) for token in reversed(tokens))
    last = next(filter(None, heard), "")[-1:]
    return last if last in CLAUSE_MARKS else ""


def _clause_end(clauses: dict[int, int], widths: dict[int, int], rest: int) -> int:
    """Where a part best ends that is not over the aim, about as wide as the next; else the first end after that, or 0.

    widths: of the parts that may be, by where they end
    rest: the width of all that is left
    """
    target = rest / ceil(rest / AIM[-1])
    ends = [stop for stop in widths if stop in clauses]
    good = [stop for stop in ends if target / 2 <= widths[stop] <= AIM[-1]]
    late = (stop for stop in ends if widths[stop] > AIM[-1])
    return max(good, key=lambda stop: (clauses[stop], -abs(widths[stop] - target)), default=next(late, 0))


def _word_end(tokens: Sequence[Token], widths: dict[int, int], rest: int, engine: _Engine) -> int:
    """Behind which word to cut what has no clauses."""
    target = rest / ceil(rest / LIMIT)
    words = [
        stop for stop in widths if tokens[stop - 1].spaced and tokens[stop - 1].text.rstrip(".") not in engine.titles
    ]
    return min(words or widths, key=lambda stop: abs(widths[stop] - target))


def _is_lost(token: Token, symbols: frozenset[str]) -> bool:
    if not token.is_word:
        return False
    unspoken = set(token.phonemes) - symbols
    return any(map(str.isalpha, unspoken)) or not any(s.isalpha() for s in token.phonemes if s not in unspoken)
