"""Explain how a text would be spoken: its rewrites, phonemes and chunks, without synthesis."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from speakkit.speech.frontend import Reader, SpeechPlan
from speakkit.speech.timestamps import CONTINUOUS
from speakkit.speech_request import Markup
from speakkit.text import readings
from speakkit.text.chunks import Chunk, ChunkLimits, Delivery, Token
from speakkit.voices import Voice

UNSPACED = (*CONTINUOUS, "IDEOGRAPHIC")
"""Prefixes of the Unicode names of the characters and marks of scripts without spaces between words."""


@dataclass(frozen=True)
class ExplainedWord:
    """A part of the source text between white space, or several that are read as one, such as "5 km".

    text: as it is written
    start: character offset of its first character in the source text
    spoken: the words that are spoken for it
    how: "as written", "rewritten", "left out" or "lost"
    rule: the rule that rewrote it or left it out; "" if none did
    source: the origin of its phonemes, such as "lexicon" or "espeak-ng"
    readings: all valid readings in its sentence, the spoken one first; () if it can only be read as it is written
    chunk: index of its chunk
    """

    text: str
    start: int
    spoken: str
    phonemes: str
    how: str
    rule: str
    source: str
    readings: tuple[str, ...]
    chunk: int


@dataclass(frozen=True)
class Explanation:
    """How a text would be spoken.

    language, voice: full names
    words: its words in order, including those that are lost or left out
    chunks: all chunks, in order
    warnings: one line for each part of the text that was dropped or failed
    """

    text: str
    language: str
    voice: str
    words: tuple[ExplainedWord, ...]
    chunks: tuple[Chunk, ...]
    warnings: tuple[str, ...]

    @property
    def spoken(self) -> str:
        """The spoken words of the whole text."""
        return " ".join(filter(None, (_said(chunk.tokens) for chunk in self.chunks)))

    @property
    def phonemes(self) -> str:
        """The phonemes of the whole text, as they are passed to the synthesizer, with a space between chunks."""
        return " ".join(chunk.phonemes for chunk in self.chunks if chunk.phonemes)

    @property
    def lost(self) -> tuple[Token, ...]:
        """The words that would not be spoken, or not completely."""
        return tuple(token for chunk in self.chunks for token in chunk.lost)


@dataclass(frozen=True)
class Explainer:
    """Explains how `voice` would read texts.

    reader: the text front end of the voice's language
    limits: chunk limits of the synthesizer
    """

    voice: Voice
    reader: Reader
    limits: ChunkLimits

    def explain(self, text: str, markup: Markup) -> Explanation:
        """Return the explanation of `text`. Raises TextError if there is nothing to speak in it."""
        return explain(text, self.reader.plan(text, Delivery(self.voice), markup, self.limits))

    def nothing(self, text: str) -> Explanation:
        """Return the explanation of a text in which there is nothing to speak: one without words and chunks."""
        return Explanation(text, self.voice.language, self.voice.name, (), (), ())


def explain(text: str, plan: SpeechPlan) -> Explanation:
    """Return the explanation of `text` from its `plan`. Raises TextError if there is nothing to speak."""
    chunks = tuple(plan.chunks)
    voice = plan.delivery.voice
    words = tuple(word for chunk in chunks for word in _words(text, chunk))
    return Explanation(text, voice.language, voice.name, words, chunks, tuple(plan.warnings))


def _words(text: str, chunk: Chunk) -> Iterator[ExplainedWord]:
    for group in grouped(text, chunk.tokens):
        first, last = group[0], group[-1]
        rule = ", ".join(dict.fromkeys(token.rule for token in group if token.rule))
        written = text[first.start : last.end]
        yield ExplainedWord(
            text=written,
            start=first.start,
            spoken=_said(group),
            phonemes=phonemes_of(group),
            how=_how(group, chunk, rule),
            rule=rule,
            source=", ".join(dict.fromkeys(token.source for token in group if token.source)),
            readings=readings_of(group),
            chunk=chunk.index,
        )


def readings_of(group: Sequence[Token]) -> tuple[str, ...]:
    """The readings of the group as a whole; () if none of its tokens has any."""
    if not any(token.readings for token in group):
        return ()
    return readings.joined(token.readings or (_said([token]),) for token in group)


def phonemes_of(tokens: Sequence[Token]) -> str:
    """The phonemes of the tokens, with a space for each white space between them."""
    return "".join(token.phonemes + " " * token.spaced for token in tokens).strip()


def grouped(text: str, tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield groups of tokens without white space between them. In a script without spaces, each token is a group."""
    group: list[Token] = []
    for token in tokens:
        if not token.text:
            continue
        if group and (token.start > group[-1].end or _is_apart(text, group[-1], token)):
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def _is_apart(text: str, token: Token, following: Token) -> bool:
    both = text[token.end - 1] + text[following.start]
    return all(unicodedata.name(character, "").startswith(UNSPACED) for character in both)


def _how(group: Sequence[Token], chunk: Chunk, rule: str) -> str:
    if any(token in chunk.lost for token in group):
        return "lost"
    if not any(token.is_word for token in group) and any(token.spoken == "" for token in group):
        return "left out"
    return "rewritten" if rule else "as written"


def _said(tokens: Sequence[Token]) -> str:
    """The spoken words of the tokens."""
    said = "".join((token.text if token.spoken is None else token.spoken) + " " * token.spaced for token in tokens)
    return " ".join(said.split())
