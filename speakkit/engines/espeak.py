"""espeak-ng: text -> Kokoro's phonemes for Spanish, French, Hindi, Italian and Portuguese, and for unknown words.

Its phonemes are those of whole clauses, since a word sounds otherwise beside others ("les enfants"); they are then
shared out among the words, each of which may be said as none, one or many ("1863").
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
from speakkit.engines.g2p import LATIN, in_parts, is_readable
from speakkit.errors import EngineError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token

NAME = "espeak-ng"

INVENTED_WORD = "blimvastic"
"""In no lexicon, so that only a working espeak-ng can say it."""

SCRIPTS = {"hi": (*LATIN, "DEVANAGARI")}
"""Language -> what it is written in, where that is not LATIN alone."""

RESPELLED = {"fr-fr": (re.compile(r"aujourd'hui", re.IGNORECASE), "aujourdhui")}
"""Language -> a word that espeak-ng 1.52 reads in English behind an elision, and the same word as it reads it well."""

MINUS = {"es": "menos", "fr-fr": "moins", "hi": "माइनस", "it": "meno", "pt-br": "menos"}
"""Language -> what espeak-ng leaves out before a number."""

MARKS = {mark: mark for mark in ';:,.!?…—"()“”'} | dict(zip("–«»।॥", "—“”..", strict=True)) | dict.fromkeys("¿¡", "")
"""A mark of punctuation -> the symbol by which Kokoro knows it; the marks that open a question are not spoken."""

HARD = "".join(mark for mark in MARKS if mark not in ",.:")
GROUPED = re.compile(r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:,\d+)?")
NEGATIVE = re.compile(r"(?<!\S)-(?=[\d.,])")
WORD = re.compile(rf"{GROUPED.pattern}|[^\s{re.escape(HARD)}]+|[{re.escape(HARD)}]")
"""A word between white space, one mark, or a number whose thousands stand apart ("2 500 000")."""

EDGES = re.compile(r"(?P<before>[,.:]*?)(?P<word>(?:[,.:]\d|[^,.:]).*?)(?P<after>[,.:]*)", re.DOTALL)
"""A word and the marks around it: inside one, and before a digit, they belong to it ("15:30", ".5")."""

LONGEST = 150
"""Characters said at once; espeak-ng drops the end of a clause of over a thousand phonemes (N_PHONEME_LIST)."""

SPOKEN_SYMBOLS = frozenset("°©®™№")
"""The pictures that are read aloud; emoji are passed over."""

STRESS = str.maketrans("", "", "ˈˌ")

lock = threading.Lock()
"""espeak-ng has one state for the whole process: concurrent calls speak words of each other's texts."""

logging.getLogger("phonemizer").setLevel(logging.ERROR)
_silent = logging.getLogger(f"{__name__}.phonemizer")
_silent.setLevel(logging.ERROR)
"""For a backend that would else warn of numbers, which are many words, each time that it says one."""

Say = Callable[[str], list[str]]
"""A clause -> the phonemes of each of its words, as espeak-ng divides them."""


class Espeak:
    """Phonemizer for the languages that Kokoro was trained on with espeak-ng's phonemes."""

    def __init__(self, language: str) -> None:
        """Raises EngineError where espeak-ng cannot be loaded, or loads and says nothing."""
        self._scripts = SCRIPTS.get(language, LATIN)
        self._minus = f"{MINUS[language]} " if language in MINUS else "-"
        self._respelled = RESPELLED.get(language, (re.compile("$^"), ""))
        self._g2p = _proven(lambda: _g2p(language), lambda g2p: g2p(INVENTED_WORD)[0])

    @classmethod
    def load(cls, language: str) -> "Espeak":
        """The phonemizer for "es", "fr-fr", "hi", "it" or "pt-br"; also for other languages of espeak-ng."""
        return cls(language)

    @classmethod
    def footprint(cls, language: str) -> Footprint:  # noqa: ARG003  all languages are of about one size
        """See `base.Engine`."""
        return Footprint("cpu", 60 << 20)

    @property
    def identity(self) -> Identity:
        """See `base.Engine`."""
        found = ".".join(map(str, phonemizer.backend.EspeakBackend.version()))
        return Identity(NAME, found, licence="GPL-3.0-or-later", commercial=True)

    def close(self) -> None:
        """See `base.Engine`. espeak-ng is one library for the whole process: it stays."""

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`. A word in a script that the language is not written in has no phonemes."""
        return each(phrases, lambda phrase: tuple(self._tokens(phrase)), NAME)

    def _tokens(self, sentence: Phrase) -> Iterator[Token]:
        clause: list[_Written] = []
        for written in _written(sentence.text):
            if not written.is_mark and is_readable(written.text, self._scripts):
                if clause and clause[-1].text[-1:].isdigit() and written.text[0].isdigit():
                    yield from self._clause(sentence, clause)  # else espeak-ng reads "2023 150" as one number
                    clause = []
                clause.append(written)
                continue
            yield from self._clause(sentence, clause)
            clause = []
            yield _token(sentence, [written], MARKS.get(written.text, ""))
        yield from self._clause(sentence, clause)

    def _clause(self, sentence: Phrase, words: Sequence["_Written"]) -> Iterator[Token]:
        for first, last, phonemes in shared_out([word.text for word in words], self.say):
            yield _token(sentence, words[first:last], phonemes)

    def say(self, clause: str) -> list[str]:
        """The phonemes of each word of a clause without marks, as espeak-ng divides it."""
        pattern, respelling = self._respelled
        plain = NEGATIVE.sub(self._minus, GROUPED.sub(_ungrouped, pattern.sub(respelling, clause)))
        plain = " ".join(in_parts(plain).split())
        said: list[str] = []
        with lock:
            for part in textwrap.wrap(plain, LONGEST, break_on_hyphens=False):
                said += self._g2p(part)[0].split()
        return said


def english(*, british: bool) -> Any:
    """The fallback of misaki for words in no English lexicon: token -> (phonemes, rating). Hold `lock` to use it.

    Raises EngineError where espeak-ng cannot be loaded, or loads and says nothing.
    """
    word = misaki.token.MToken(text=INVENTED_WORD, tag="NN", whitespace="")
    return _proven(lambda: misaki.espeak.EspeakFallback(british), lambda fallback: fallback(word)[0])


def shared_out(words: Sequence[str], say: Say) -> Iterator[tuple[int, int, str]]:
    """The phonemes of a clause among its words: (first word, past the last, their phonemes), in order, none left out.

    One word at a time where espeak-ng says one for each; else by what each word is when it is said alone. Words that
    it runs together ("1 000") stay together.
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
    """Add phonemes for the words `owners`; those that the last span has already, or no words, go to that span."""
    begun, last = spans[-1][:2] if spans else (0, 0)
    new = [owner for owner in owners if owner >= last]
    joined = not new or not said or owners[0] < last or begun == last
    if spans and joined:
        first, end, phonemes = spans.pop()
        spans.append((first, max([end, *(owner + 1 for owner in new)]), [*phonemes, *said]))
    else:
        spans.append((owners[0] if owners else 0, owners[-1] + 1 if owners else 0, list(said)))


def _gapless(spans: Sequence[tuple[int, int, list[str]]], count: int) -> Iterator[tuple[int, int, list[str]]]:
    """The spans, with the words between them, which are not said, as spans without phonemes."""
    at = 0
    for first, last, phonemes in spans:
        yield from ((i, i + 1, []) for i in range(at, first))
        at = max(last, at)
        yield first, at, phonemes
    yield from ((i, i + 1, []) for i in range(at, count))


def _plain(phonemes: str) -> str:
    return phonemes.translate(STRESS)


@dataclass(frozen=True)
class _Written:
    """A word or a mark in a sentence. spaced: white space follows it."""

    text: str
    start: int
    spaced: bool

    @property
    def is_mark(self) -> bool:
        return all(character in MARKS for character in self.text)


def _written(text: str) -> Iterator[_Written]:
    """The words and marks of a sentence, in order; emoji are in none of them."""
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
    return unicodedata.category(character) in ("So", "Cf", "Cn", "Co") and character not in SPOKEN_SYMBOLS


def _ungrouped(number: re.Match[str]) -> str:
    return "".join(number.group().split())


def _token(sentence: Phrase, words: Sequence[_Written], phonemes: str) -> Token:
    start, end = words[0].start, words[-1].start + len(words[-1].text)
    return Token(sentence.text[start:end], sentence.start + start, phonemes, words[-1].spaced)


def _g2p(language: str) -> Any:
    """The G2P of misaki for a language, whose espeak-ng reads the marks inside words too: "3,5" is no "3" and "5"."""
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
    """What `make` makes, once it has said an invented word."""
    mend = "words that are in no lexicon would be lost; reinstall espeakng-loader and phonemizer-fork"
    with lock:
        try:
            made = make()
            phonemes = said(made)
        except (RuntimeError, OSError) as error:
            raise EngineError(f"espeak-ng does not load ({error}): {mend}") from error
    if not phonemes:
        raise EngineError(f"espeak-ng says nothing for the invented word {INVENTED_WORD!r}: {mend}")
    return made
