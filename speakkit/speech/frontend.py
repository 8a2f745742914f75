"""A user's text -> phonemized sentences: markup, sentences, lexicon, verbalisation, phonemes, in this order."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from speakkit import voices
from speakkit.engines.base import Phonemizer
from speakkit.errors import TextError
from speakkit.speech_request import Markup
from speakkit.text import lexicon
from speakkit.text.chunking import chunks
from speakkit.text.chunks import Chunk, ChunkLimits, Delivery, Token
from speakkit.text.decode import checked
from speakkit.text.lexicon import Lexicon
from speakkit.text.markup import script
from speakkit.text.script import Pause, Rewrite, Script
from speakkit.text.sentences import Sentence, sentences
from speakkit.text.source_map import SourceMap
from speakkit.text.verbalize import verbalize


@dataclass(frozen=True)
class SpeechPlan:
    """The chunks of one text.

    chunks: in order, each planned when it is taken; raises TextError if there is nothing to speak
    warnings: one line for each thing that was dropped or failed; grows while chunks are taken
    """

    delivery: Delivery
    chunks: Iterator[Chunk]
    warnings: list[str]


@dataclass(frozen=True)
class Reader:
    """Reads texts of one language."""

    language: str
    phonemizer: Phonemizer
    lexicon: Lexicon

    def plan(self, text: str, delivery: Delivery, markup: Markup, limits: ChunkLimits) -> SpeechPlan:
        """Plan `text` for a synthesizer with these limits. Raises TextError for what is no text."""
        made = script(checked(text, "the text"), markup)
        warnings = list(made.warnings)
        planned = chunks(self.read(text, made, warnings), delivery, limits)
        return SpeechPlan(delivery, _speakable(planned), warnings)

    def read(self, text: str, script: Script, warnings: list[str]) -> Iterator[tuple[Sentence, tuple[Token, ...]]]:
        """The sentences of `text` with their tokens, whose offsets are those of `text`. `script` is made of `text`.

        If the phonemizer fails on a sentence, its tokens have no phonemes, so that its words are named as lost, and
        its error is appended to `warnings`.
        """
        for outcome in self.phonemizer.phonemize(self._said(text, script)):
            if outcome.error:
                warnings.append(str(outcome.error))
            spoken = outcome.item.spoken
            tokens = spoken.tokens(outcome.value or ())
            yield spoken.sentence, tuple(_with_pauses(tokens, outcome.item.pauses))

    def _said(self, text: str, script: Script) -> Iterator["_Said"]:
        """Each sentence in the words that are said."""
        ends = [rewrite.end for rewrite in script.rewrites]
        starts = [rewrite.start for rewrite in script.rewrites]
        pauses = deque(script.pauses)
        for sentence, following in _with_next(sentences(script.text, self.language)):
            marked = script.rewrites[bisect_right(ends, sentence.start) : bisect_left(starts, sentence.end)]
            spoken = SourceMap.of(_source(sentence, text))
            spoken = spoken.rewritten(spoken.located(marked))
            own = _free(self.lexicon.rewrites(spoken.text), spoken)
            read = _free(verbalize(spoken.text, self.language), spoken)
            spoken = spoken.rewritten(_settled(own, read, spoken.text))
            spoken = spoken.rewritten(_free(self.lexicon.rewrites(spoken.text), spoken))
            yield _Said(spoken, tuple(_taken(pauses, following.start if following else len(text))))


@dataclass(frozen=True)
class _Said:
    """A sentence in the words that are said, as a `base.Phrase`. pauses: those between its words and behind them."""

    spoken: SourceMap
    pauses: tuple[Pause, ...]
    start: int = 0

    @property
    def text(self) -> str:
        """What is said."""
        return self.spoken.text


def _taken(pauses: deque[Pause], until: int) -> Iterator[Pause]:
    """The pauses up to offset `until`, which are taken off."""
    while pauses and pauses[0].at <= until:
        yield pauses.popleft()


def _source(sentence: Sentence, text: str) -> Sentence:
    """The sentence with what the user wrote there."""
    return replace(sentence, text=text[sentence.start : sentence.end])


def _settled(own: Iterable[Rewrite], read: Sequence[Rewrite], text: str) -> list[Rewrite]:
    """Those of the user's lexicon and of the rules of reading that are done, in order.

    The lexicon counts, but for a word inside something longer that is read as a whole, such as a path; the lexicon
    then has its say in what that is read as.
    """
    wider = {at: rewrite for rewrite in read for at in range(rewrite.start, rewrite.end)}
    kept = [rewrite for rewrite in own if not _is_inside(rewrite, wider.get(rewrite.start), text)]
    taken = {at for rewrite in kept for at in range(rewrite.start, rewrite.end)}
    rest = [rewrite for rewrite in read if taken.isdisjoint(range(rewrite.start, rewrite.end))]
    return sorted([*kept, *rest], key=lambda rewrite: rewrite.start)


def _is_inside(word: Rewrite, whole: Rewrite | None, text: str) -> bool:
    """Whether `whole` covers the word and more than the dot of an abbreviation."""
    if not whole or whole.end < word.end:
        return False
    return bool(f"{text[whole.start : word.start]}{text[word.end : whole.end]}".strip("."))


def _free(rewrites: Iterable[Rewrite], spoken: SourceMap) -> list[Rewrite]:
    """Those of `rewrites` that touch nothing whose pronunciation the user gave."""
    given = spoken.located(rewrite for rewrite in spoken.rewrites if rewrite.phonemes or rewrite.rule == lexicon.RULE)
    return [r for r in rewrites if not any(r.start < other.end and other.start < r.end for other in given)]


def _with_next(items: Iterable[Sentence]) -> Iterator[tuple[Sentence, Sentence | None]]:
    for item, following in pairwise(chain(items, [None])):
        assert item
        yield item, following


def _with_pauses(tokens: Sequence[Token], pauses: Iterable[Pause]) -> Iterator[Token]:
    """The tokens, with one of its own for each pause."""
    waiting = deque(tokens)
    for pause in pauses:
        while waiting and waiting[0].start < pause.at:
            yield waiting.popleft()
        yield Token("", pause.at, "", spaced=True, pause=pause.seconds)
    yield from waiting


def _speakable(plan: Iterable[Chunk]) -> Iterator[Chunk]:
    """The plan itself, once it is known that it has a word to be heard. Raises TextError where it has none."""
    held: list[Chunk] = []
    remaining = iter(plan)
    for chunk in remaining:
        held.append(chunk)
        if sum(token.is_word for token in chunk.tokens) > len(chunk.lost):
            yield from held
            yield from remaining
            return
    lost = [token.text for chunk in held for token in chunk.lost]
    what = f"this voice cannot say {', '.join(lost[:5])}" if lost else "the text has no words"
    other = voices.reading("".join(lost))
    hint = f"; a voice of its language can, such as {other.name}" if other else ""
    raise TextError(f"there is nothing to speak: {what}{hint}")
