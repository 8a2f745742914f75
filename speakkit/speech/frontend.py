"""The text front end: converts source text to chunks of phonemes for a synthesizer.

The steps, in order: markup, sentences, lexicon, verbalisation, phonemes, chunks.
"""

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

    delivery: voice, speed and seed of the chunks
    chunks: in order; each is planned when it is consumed. Raises TextError if there is nothing to speak
    warnings: one line for each part of the text that was dropped or failed; grows while chunks are consumed
    """

    delivery: Delivery
    chunks: Iterator[Chunk]
    warnings: list[str]


@dataclass(frozen=True)
class Reader:
    """The text front end of one language.

    language: a name of `voices.LANGUAGES`
    phonemizer: the phonemizer of that language
    lexicon: the user's entries for that language
    """

    language: str
    phonemizer: Phonemizer
    lexicon: Lexicon

    def plan(self, text: str, delivery: Delivery, markup: Markup, limits: ChunkLimits) -> SpeechPlan:
        """Plan the chunks of `text` for a synthesizer with these limits.

        Raises TextError if `text` is not valid text; the plan's chunks raise it if there is nothing to speak.
        """
        made = script(checked(text, "the text"), markup)
        warnings = list(made.warnings)
        planned = chunks(self.read(text, made, warnings), delivery, limits)
        return SpeechPlan(delivery, _speakable(planned), warnings)

    def read(self, text: str, script: Script, warnings: list[str]) -> Iterator[tuple[Sentence, tuple[Token, ...]]]:
        """Yield each sentence of `text` with its tokens. Token offsets are character offsets in `text`.

        script: the result of the markup step for `text`
        warnings: if the phonemizer fails on a sentence, its error is appended here, and the tokens of the sentence have
            no phonemes, so that its words are reported as lost
        """
        for outcome in self.phonemizer.phonemize(self._said(text, script)):
            if outcome.error:
                warnings.append(str(outcome.error))
            spoken = outcome.item.spoken
            tokens = spoken.tokens(outcome.value or ())
            yield spoken.sentence, tuple(_with_pauses(tokens, outcome.item.pauses))

    def _said(self, text: str, script: Script) -> Iterator["_Said"]:
        """Yield each sentence in spoken form: with the markup, the lexicon and the reading rules applied."""
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
    """A sentence in spoken form, as a `base.Phrase`.

    spoken: the spoken words, mapped to the source text
    pauses: the pauses between and after its words
    start: 0, so that token offsets count from the start of the sentence
    """

    spoken: SourceMap
    pauses: tuple[Pause, ...]
    start: int = 0

    @property
    def text(self) -> str:
        """The spoken words."""
        return self.spoken.text


def _taken(pauses: deque[Pause], until: int) -> Iterator[Pause]:
    """Remove the pauses up to and including offset `until` from the front of `pauses`, and yield them."""
    while pauses and pauses[0].at <= until:
        yield pauses.popleft()


def _source(sentence: Sentence, text: str) -> Sentence:
    """The sentence with its source text, before markup was applied."""
    return replace(sentence, text=text[sentence.start : sentence.end])


def _settled(own: Iterable[Rewrite], read: Sequence[Rewrite], text: str) -> list[Rewrite]:
    """The rewrites to apply, of those from the user's lexicon (`own`) and from the reading rules (`read`), in order.

    If two overlap, the lexicon takes precedence, unless its word is inside a longer range that a rule reads as a whole,
    such as a path. The lexicon is then applied to the words that the rule produces.
    """
    wider = {at: rewrite for rewrite in read for at in range(rewrite.start, rewrite.end)}
    kept = [rewrite for rewrite in own if not _is_inside(rewrite, wider.get(rewrite.start), text)]
    taken = {at for rewrite in kept for at in range(rewrite.start, rewrite.end)}
    rest = [rewrite for rewrite in read if taken.isdisjoint(range(rewrite.start, rewrite.end))]
    return sorted([*kept, *rest], key=lambda rewrite: rewrite.start)


def _is_inside(word: Rewrite, whole: Rewrite | None, text: str) -> bool:
    """Whether `whole` covers the word and more characters than the dots of an abbreviation."""
    if not whole or whole.end < word.end:
        return False
    return bool(f"{text[whole.start : word.start]}{text[word.end : whole.end]}".strip("."))


def _free(rewrites: Iterable[Rewrite], spoken: SourceMap) -> list[Rewrite]:
    """The `rewrites` that do not overlap a range whose pronunciation the user gave, in the text or in the lexicon."""
    given = spoken.located(rewrite for rewrite in spoken.rewrites if rewrite.phonemes or rewrite.rule == lexicon.RULE)
    return [r for r in rewrites if not any(r.start < other.end and other.start < r.end for other in given)]


def _with_next(items: Iterable[Sentence]) -> Iterator[tuple[Sentence, Sentence | None]]:
    for item, following in pairwise(chain(items, [None])):
        assert item
        yield item, following


def _with_pauses(tokens: Sequence[Token], pauses: Iterable[Pause]) -> Iterator[Token]:
    """Yield the tokens, with an additional token for each pause."""
    waiting = deque(tokens)
    for pause in pauses:
        while waiting and waiting[0].start < pause.at:
            yield waiting.popleft()
        yield Token("", pause.at, "", spaced=True, pause=pause.seconds)
    yield from waiting


def _speakable(plan: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks of `plan`, held back until one has a word that can be spoken. Raises TextError if none has."""
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
