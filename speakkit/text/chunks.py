"""Phonemized sentences -> chunks: what an engine speaks in one breath. No word is lost on the way."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from speakkit.text.sentences import Sentence
from speakkit.voices import Voice

LIMIT = 510
"""Phonemes; Kokoro's context of 512 tokens less one at each end (n_token of hexgrad/Kokoro-82M's config.json)."""

AIM = range(100, 201)
"""Phonemes; shorter chunks sound weak and longer ones rush (VOICES.md of hexgrad/Kokoro-82M)."""

PARAGRAPH_GAP = 0.3
"""Seconds of silence after a chunk that ends a paragraph."""

CLAUSE_MARKS = frozenset(",;:.!?…—")


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
    """

    text: str
    start: int
    phonemes: str
    spaced: bool
    spoken: str | None = None
    rule: str = ""
    source: str = ""
    pause: float = 0.0

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


@dataclass(frozen=True)
class Delivery:
    """How the chunks of one utterance are to be spoken."""

    voice: Voice
    speed: float = 1.0
    seed: int = 0


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
    for index, (tokens, gap) in enumerate(_bundles(phonemized, symbols)):
        phonemes, spans = placed(tokens, symbols)
        yield Chunk(
            index=index,
            phonemes=phonemes,
            tokens=tuple(tokens),
            lost=tuple(token for token in tokens if _is_lost(token, symbols)),
            voice=delivery.voice,
            language=delivery.voice.language,
            speed=delivery.speed,
            seed=chunk_seed(delivery.seed, index),
            gap=gap,
            spans=spans,
        )


def placed(tokens: Iterable[Token], symbols: frozenset[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """What of the tokens' phonemes is spoken, with single spaces; and as two offsets what of it is each token's."""
    spoken, spans = [], []
    at, apart = 0, False
    for token in tokens:
        known = "".join(symbol for symbol in token.phonemes if symbol in symbols)
        own = " ".join(known.split())
        if own and at and (apart or known[0].isspace()):
            spoken.append(" ")
            at += 1
        spoken.append(own)
        spans.append((at, at + len(own)))
        at += len(own)
        apart = token.spaced or known[-1:].isspace() or (apart and not own)
    return "".join(spoken), tuple(spans)


def _bundles(
    phonemized: Iterable[tuple[Sentence, Sequence[Token]]], symbols: frozenset[str]
) -> Iterator[tuple[list[Token], float]]:
    pending: list[Token] = []
    width = 0
    for sentence, tokens in phonemized:
        for part in _parts(tokens, symbols):
            added = _width(part, symbols)
            if width and width + added > AIM[-1]:
                yield pending, 0.0
                pending, width = [], 0
            pending += part
            width += added
            if part[-1].pause:
                yield pending, part[-1].pause
                pending, width = [], 0
        if sentence.ends_paragraph and width >= AIM[0] // 2:
            yield pending, PARAGRAPH_GAP
            pending, width = [], 0
    if pending:
        yield pending, 0.0


def _parts(tokens: Sequence[Token], symbols: frozenset[str]) -> Iterator[list[Token]]:
    """A sentence whole where it is short enough; else cut after a clause, or failing that after a token."""
    part: list[Token] = []
    width = 0
    for token in _cut_to_limit(tokens):
        added = _width([token], symbols)
        if width + added > AIM[-1]:
            cut = _last_clause(part) or (len(part) if width + added > LIMIT else 0)
            if cut:
                yield part[:cut]
                part = part[cut:]
                width = _width(part, symbols)
        part.append(token)
        width += added
        if token.pause:
            yield part
            part, width = [], 0
    if part:
        yield [*part[:-1], replace(part[-1], spaced=True)]


def _cut_to_limit(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens, with any that alone is longer than LIMIT cut into several."""
    most = LIMIT - 1
    for token in tokens:
        pieces = [token.phonemes[at : at + most] for at in range(0, len(token.phonemes), most)] or [""]
        for i, piece in enumerate(pieces):
            last = i == len(pieces) - 1
            yield replace(token, text="" if i else token.text, phonemes=piece, spaced=token.spaced and last)


def _last_clause(tokens: Sequence[Token]) -> int:
    """How many tokens the last full clause spans; 0 where there is none."""
    ends = (i + 1 for i in reversed(range(len(tokens))) if tokens[i].phonemes[-1:] in CLAUSE_MARKS and tokens[i].spaced)
    return next(ends, 0)


def _width(tokens: Sequence[Token], symbols: frozenset[str]) -> int:
    """Phonemes that the tokens take up, with the spaces after them: never fewer than `placed` makes of them."""
    return sum(sum(symbol in symbols for symbol in token.phonemes) + token.spaced for token in tokens)


def _is_lost(token: Token, symbols: frozenset[str]) -> bool:
    spoken = {symbol for symbol in token.phonemes if symbol in symbols and symbol.isalpha()}
    unspoken = set(token.phonemes) - symbols
    return token.is_word and (not spoken or any(symbol.isalpha() for symbol in unspoken))
