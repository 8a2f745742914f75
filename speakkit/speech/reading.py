"""A user's text -> phonemized sentences: markup, sentences, lexicon, verbalisation, phonemes, in this order."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, tee, zip_longest

from speakkit.engines.base import Phonemizer
from speakkit.text.chunks import Token
from speakkit.text.lexicon import Lexicon
from speakkit.text.script import Pause, Rewrite, Script
from speakkit.text.sentences import Sentence, sentences
from speakkit.text.spoken import Spoken
from speakkit.text.verbalize import verbalize


@dataclass(frozen=True)
class Reader:
    """Reads texts of one language."""

    language: str
    phonemizer: Phonemizer
    lexicon: Lexicon

    def read(self, text: str, script: Script) -> Iterator[tuple[Sentence, tuple[Token, ...]]]:
        """The sentences of `text` with their tokens, whose offsets are those of `text`. `script` is made of `text`."""
        written, kept = tee(sentences(script.text, self.language))
        pauses = deque(script.pauses)
        said = self._tokens(self._said(text, script, written))
        for (sentence, following), tokens in zip(_with_next(kept), said, strict=True):
            until = following.start if following else len(text)
            asked = [pauses.popleft() for _ in range(len(pauses)) if pauses[0].at <= until]
            yield _source(sentence, text), tuple(_with_pauses(tokens, asked))

    def _said(self, text: str, script: Script, written: Iterable[Sentence]) -> Iterator[Spoken]:
        """Each sentence in the words that are said."""
        ends = [rewrite.end for rewrite in script.rewrites]
        starts = [rewrite.start for rewrite in script.rewrites]
        for sentence in written:
            marked = script.rewrites[bisect_right(ends, sentence.start) : bisect_left(starts, sentence.end)]
            spoken = Spoken.of(_source(sentence, text))
            spoken = spoken.rewritten(spoken.located(marked))
            spoken = spoken.rewritten(_free(self.lexicon.rewrites(spoken.text), spoken))
            yield spoken.rewritten(_free(verbalize(spoken.text, self.language), spoken))

    def _tokens(self, said: Iterable[Spoken]) -> Iterator[tuple[Token, ...]]:
        kept, handed = tee(said)
        plain = (Sentence(spoken.text, 0, spoken.sentence.ends_paragraph) for spoken in handed)
        for spoken, tokens in zip(kept, self.phonemizer.phonemize(plain), strict=True):
            yield spoken.tokens(tokens)


def _source(sentence: Sentence, text: str) -> Sentence:
    """The sentence with what the user wrote there."""
    return replace(sentence, text=text[sentence.start : sentence.end])


def _free(rewrites: Iterable[Rewrite], spoken: Spoken) -> list[Rewrite]:
    """Those of `rewrites` that touch nothing whose pronunciation is given."""
    given = spoken.located(rewrite for rewrite in spoken.rewrites if rewrite.phonemes)
    return [r for r in rewrites if not any(r.start < other.end and other.start < r.end for other in given)]


def _with_next(items: Iterable[Sentence]) -> Iterator[tuple[Sentence, Sentence | None]]:
    first, second = tee(items)
    return zip_longest(first, islice(second, 1, None))


def _with_pauses(tokens: Sequence[Token], pauses: Iterable[Pause]) -> Iterator[Token]:
    """The tokens, with one of its own for each pause."""
    waiting = deque(tokens)
    for pause in pauses:
        while waiting and waiting[0].start < pause.at:
            yield waiting.popleft()
        yield Token("", pause.at, "", spaced=True, pause=pause.seconds)
    yield from waiting
