"""espeak-ng: text -> Kokoro's phonemes for Spanish, French, Hindi, Italian and Portuguese, and for unknown words.

espeak-ng is given whole clauses, because a word sounds different beside others ("les enfants"). The phonemes are then
distributed over the words. A written word may be spoken as no word, one word or several words ("1863").
"""

import logging
import re
import textwrap
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import misaki.espeak
import misaki.token
import phonemizer.backend

from speakkit.engines.attempt import each
from speakkit.engines.base import AnyPhrase, Footprint, Phrase
from speakkit.engines.g2p import LATIN, SENTENCE, in_parts, is_readable
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token

NAME = "espeak-ng"

INVENTED_WORD = "blimvastic"
"""Test word that is in no lexicon, so that only a working espeak-ng can pronounce it."""

SCRIPTS = {"hi": (*LATIN, "DEVANAGARI")}
"""Language -> prefixes of Unicode names of its letters, if they are not LATIN alone."""

RESPELLED = {"fr-fr": (re.compile(r"aujourd'hui", re.IGNORECASE), "aujourdhui")}
"""Language -> pattern of a word that espeak-ng 1.52 reads as English after an elision, and a respelling that it
reads correctly."""

MINUS = {"es": "menos", "fr-fr": "moins", "hi": "माइनस", "it": "meno", "pt-br": "menos"}
"""Language -> the word for "minus", which espeak-ng omits before a number."""

MARKS = {mark: mark for mark in ';:,.!?…—"()“”'} | dict(zip("–«»।॥", "—“”..", strict=True)) | dict.fromkeys("¿¡", "")
"""Punctuation mark -> Kokoro's symbol for it. Opening question and exclamation marks have no symbol."""

HARD = "".join(mark for mark in MARKS if mark not in ",.:")
"""Marks that end a word wherever they stand. The other marks (, . :) may be part of a word."""

GROUPED = re.compile(r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:,\d+)?")
"""A number whose thousands are separated by spaces ("2 500 000")."""

NEGATIVE = re.compile(r"(?<!\S)-(?=[\d.,])")
"""The minus sign of a number at the start of a word."""

WORD = re.compile(rf"{GROUPED.pattern}|[^\s{re.escape(HARD)}]+|[{re.escape(HARD)}]")
"""A run of characters between white space, a single mark, or a number with spaces between its thousands ("2 500
000")."""

EDGES = re.compile(r"(?P<before>[,.:]*?)(?P<word>(?:[,.:]\d|[^,.:]).*?)(?P<after>[,.:]*)", re.DOTALL)
"""A word with the marks before and after it. A mark inside a word, or before a digit, belongs to the word ("15:30",
".5")."""

LONGEST = 150
"""Maximum characters per espeak-ng call. espeak-ng drops the end of a clause of over a thousand phonemes
(N_PHONEME_LIST)."""

SPOKEN_SYMBOLS = frozenset("°©®™№")
"""Pictographic symbols that are read aloud. Others, such as emoji, are skipped."""

STRESS = str.maketrans("", "", "ˈˌ")
"""Translation table that removes stress marks."""

lock = threading.Lock()
"""Lock around every espeak-ng call. espeak-ng has one state per process; concurrent calls mix up each other's texts."""

logging.getLogger("phonemizer").setLevel(logging.ERROR)
_silent = logging.getLogger(f"{__name__}.phonemizer")
_silent.setLevel(logging.ERROR)
"""Logger for the backend, which would otherwise warn about every number, because it is spoken as several words."""

Say = Callable[[str], list[str]]
"""Function from a clause to the phonemes of each of its words, as espeak-ng divides it into words."""


class Espeak:
    """Phonemizer for the languages whose Kokoro voices were trained on espeak-ng's phonemes."""

    def __init__(self, language: str) -> None:
        """Load the phonemizer. Raises EngineError if espeak-ng cannot be loaded, or returns no phonemes."""
        self._scripts = SCRIPTS.get(language, LATIN)
        self._minus = f"{MINUS[language]} " if language in MINUS else "-"
        self._respelled = RESPELLED.get(language, (re.compile("$^"), ""))
        self._g2p = _proven(lambda: _g2p(language), lambda g2p: g2p(INVENTED_WORD)[0])

    @classmethod
    def load(cls, language: str) -> "Espeak":
        """Load the phonemizer for "es", "fr-fr", "hi", "it" or "pt-br".

        Other languages of espeak-ng work as well.
        """
        return cls(language)

    @classmethod
    def footprint(cls, language: str) -> Footprint:  # noqa: ARG003  all languages have about the same size
        """See `base.Engine`."""
        return Footprint("cpu", 60 << 20)

    @property
    def identity(self) -> Identity:
        """See `base.Engine`."""
        found = ".".join(map(str, phonemizer.backend.EspeakBackend.version()))
        return Identity(NAME, found, licence="GPL-3.0-or-later", commercial=True)

    def close(self) -> None:
        """See `base.Engine`. espeak-ng stays loaded, because it is one library for the whole process."""

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`. A word in a script that the language does not use has no phonemes."""
        return each(phrases, lambda phrase: tuple(self._tokens(phrase)), NAME, SENTENCE)

    def _tokens(self, sentence: Phrase) -> Iterator[Token]:
        """Yield the tokens of a sentence. Marks and unreadable words separate its clauses."""
        clause: list[_Written] = []
        for written in _written(sentence.text):
            if not written.is_mark and is_readable(written.text, self._scripts):
                if clause and clause[-1].text[-1:].isdigit() and written.text[0].isdigit():
                    yield from self._clause(sentence, clause)  # otherwise espeak-ng reads "2023 150" as one number
                    clause = []
                clause.append(written)
                continue
            yield from self._clause(sentence, clause)
            clause = []
            yield _token(sentence, [written], MARKS.get(written.text, ""))
        yield from self._clause(sentence, clause)

    def _clause(self, sentence: Phrase, words: Sequence["_Written"]) -> Iterator[Token]:
        """Yield the tokens of one clause. Words that espeak-ng runs together become one token."""
        for first, last, phonemes in shared_out([word.text for word in words], self.say):
            yield _token(sentence, words[first:last], phonemes)

    def say(self, clause: str) -> list[str]:
        """Return the phonemes of each word of a clause without marks, as espeak-ng divides it into words."""
        pattern, respelling = self._respelled
        plain = NEGATIVE.sub(self._minus, GROUPED.sub(_ungrouped, pattern.sub(respelling, clause)))
        plain = " ".join(in_parts(plain).split())
        said: list[str] = []
        with lock:
            for part in textwrap.wrap(plain, LONGEST, break_on_hyphens=False):
                said += self._g2p(part)[0].split()
        return said


def english(*, british: bool) -> Any:
    """Return misaki's fallback for words in no English lexicon: a function from a token to (phonemes, rating).

    Hold `lock` while calling it. Raises EngineError if espeak-ng cannot be loaded, or returns no phonemes.
    """
    word = misaki.token.MToken(text=INVENTED_WORD, tag="NN", whitespace="")
    return _proven(lambda: misaki.espeak.EspeakFallback(british), lambda fallback: fallback(word)[0])


def shared_out(words: Sequence[str], say: Say) -> Iterator[tuple[int, int, str]]:
    """Distribute the phonemes of a clause over its words.

    Yields (first, last, phonemes) in order, with half-open indices into `words`; every word is covered. If espeak-ng
    says one word for each word, they are matched one to one. Otherwise they are aligned with the phonemes of each word
    said alone. Words that espeak-ng runs together ("1 000") share one entry.
    """
    said = say(" ".join(words)) if words else []
    if len(said) == len(words):
        yield from ((i, i + 1, phonemes) for i, phonemes in enumerate(said))
        return
    alone = [(i, phonemes) for i, word in enumerate(words) for phonemes in say(word)]
    if said and not alone:
        yield 0, len(words), " ".join(said)
        return
    matcher = SequenceMatcher(None, [_plain(phonemes) for _, phonemes in alone], [_plain(p) for p in said], False)
    spans: list[tuple[int, int, list[str]]] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        pairs = zip(range(i1, i2), range(j1, j2), strict=True) if kind == "equal" or i2 - i1 == j2 - j1 else ()
        steps = [(i, i + 1, j, j + 1) for i, j in pairs] or [(i1, i2, j1, j2)]
        for a1, a2, b1, b2 in steps:
            _extend(spans, [alone[i][0] for i in range(a1, a2)], said[b1:b2])
    yield from ((first, last, " ".join(phonemes)) for first, last, phonemes in _gapless(spans, len(words)))


def _extend(spans: list[tuple[int, int, list[str]]], owners: Sequence[int], said: Sequence[str]) -> None:
    """Add phonemes for the words with the indices `owners` to `spans`.

    If the last span covers one of these words already, or there are no words, the phonemes go to the last span.
    """
    begun, last = spans[-1][:2] if spans else (0, 0)
    new = [owner for owner in owners if owner >= last]
    joined = not new or not said or owners[0] < last or begun == last
    if spans and joined:
        first, end, phonemes = spans.pop()
        spans.append((first, max([end, *(owner + 1 for owner in new)]), [*phonemes, *said]))
    else:
        spans.append((owners[0] if owners else 0, owners[-1] + 1 if owners else 0, list(said)))


def _gapless(spans: Sequence[tuple[int, int, list[str]]], count: int) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the spans, with an empty span for each word that no span covers, because it is not spoken."""
    at = 0
    for first, last, phonemes in spans:
        yield from ((i, i + 1, []) for i in range(at, first))
        at = max(last, at)
        yield first, at, phonemes
    yield from ((i, i + 1, []) for i in range(at, count))


def _plain(phonemes: str) -> str:
    """Return `phonemes` without stress marks."""
    return phonemes.translate(STRESS)


@dataclass(frozen=True)
class _Written:
    """A word or a mark of a sentence.

    start: character offset in the sentence
    spaced: white space follows it
    """

    text: str
    start: int
    spaced: bool

    @property
    def is_mark(self) -> bool:
        return all(character in MARKS for character in self.text)


def _written(text: str) -> Iterator[_Written]:
    """Yield the words and marks of a sentence, in order. Emoji are left out."""
    text = "".join(" " if _is_passed_over(character) else character for character in text)
    for found in WORD.finditer(text):
        at, end = found.span()
        edges = EDGES.fullmatch(found.group())
        for part in edges.group("before", "word", "after") if edges else found.group():
            pieces = [part] if edges and part == edges["word"] else part
            for piece in pieces:
                at += len(piece)
                yield _Written(piece, at - len(piece), at == end and text[end : end + 1].isspace())


def _is_passed_over(character: str) -> bool:
    """Whether the character is skipped: a symbol or an invisible character that is not read aloud."""
    return unicodedata.category(character) in ("So", "Cf", "Cn", "Co") and character not in SPOKEN_SYMBOLS


def _ungrouped(number: re.Match[str]) -> str:
    """Return a number without the spaces between its thousands."""
    return "".join(number.group().split())


def _token(sentence: Phrase, words: Sequence[_Written], phonemes: str) -> Token:
    """Return one token for adjacent words, with its offset in the source text."""
    start, end = words[0].start, words[-1].start + len(words[-1].text)
    return Token(sentence.text[start:end], sentence.start + start, phonemes, words[-1].spaced)


def _g2p(language: str) -> Any:
    """Return misaki's G2P for a language, set up so that espeak-ng also sees marks inside words.

    "3,5" is then read as one number, and not as "3" and "5".
    """
    g2p = misaki.espeak.EspeakG2P(language)
    g2p.backend = phonemizer.backend.EspeakBackend(
        language,
        punctuation_marks="\0",
        preserve_punctuation=True,
        with_stress=True,
        tie="^",
        language_switch="remove-flags",
        logger=_silent,
    )
    return g2p


def _proven(make: Callable[[], Any], said: Callable[[Any], str]) -> Any:
    """Return what `make` returns, after `said` has returned phonemes for the test word.

    Raises EngineError if espeak-ng cannot be loaded, or returns no phonemes.
    """
    mend = "words in no lexicon would be lost; reinstall espeakng-loader and phonemizer-fork"
    with lock:
        try:
            made = make()
            phonemes = said(made)
        except (RuntimeError, OSError) as error:
            raise EngineError(f"espeak-ng does not load ({error}): {mend}") from error
    if not phonemes:
        raise EngineError(f"espeak-ng returns no phonemes for the test word {INVENTED_WORD!r}: {mend}")
    return made
