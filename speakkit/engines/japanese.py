"""Japanese text -> Kokoro's phonemes: Open JTalk's readings (pyopenjtalk-plus), and the symbols of misaki's cutlet.

Open JTalk handles numbers with counters, particles and long vowels. Its readings are katakana.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import pyopenjtalk

from speakkit import paths
from speakkit.engines import espeak
from speakkit.engines.attempt import each
from speakkit.engines.base import AnyPhrase, Footprint, Phrase
from speakkit.engines.g2p import LATIN, PLAIN, SENTENCE, is_readable
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token
from speakkit.text.sentences import Sentence

NAME = "pyopenjtalk-plus"

KANA: Mapping[str, str] = dict(
    line.split("\t") for line in (paths.data() / "kana.tsv").read_text(encoding="utf-8").splitlines()
)
"""Katakana mora -> phonemes (misaki 0.9.4, cutlet.HEPBURN: the symbols that Kokoro's Japanese voices were trained
on)."""

SMALL = frozenset("ャュョァィゥェォヮ")
"""Small kana that change the vowel of the mora before them."""

NASALS = {"m": "mpb", "ŋ": "kɡ", "ɲ": "ɲʨʥ", "n": "ntdɾz"}
"""Phoneme for ン -> the phonemes before which it is used; elsewhere ン is ɴ."""

SCRIPTS = (*LATIN, "HIRAGANA", "KATAKANA", "CJK", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC", "PROLONGED", "ITERATION")
"""Prefixes of Unicode names of the characters that can be read."""

MARKS = dict(zip("。．、，！？：；…～〜「」『』《》（）【】", "..,,!?:;…——“”“”()()()", strict=True))
MARKS |= {mark: mark for mark in '.,!?:;—"()“”'}
"""Punctuation mark -> Kokoro's symbol for it."""

SPELT = 1.5
"""Minimum morae per letter at which a reading of a Latin word counts as spelled out letter by letter."""

NUMBER_SIGNS = frozenset("0123456789.,:%/-+")
"""Characters of numbers that Open JTalk may replace by words."""

MINUS = re.compile(r"(?<![0-9A-Za-z])-(?=\d)")
"""The minus sign of a number."""

FOREIGN = re.compile(r"[A-Za-z]*[\u00c0-\u024f][A-Za-z\u00c0-\u024f]*|[A-Za-z]+(?:'[A-Za-z]+)+")
"""Latin words with accents or apostrophes, which espeak-ng reads."""

_openjtalk = threading.Lock()
"""Lock around Open JTalk, which has one analyser per process."""


class OpenJtalk:
    """Phonemizer for Japanese."""

    @classmethod
    def load(cls, language: str) -> "OpenJtalk":  # noqa: ARG003  Japanese has one variant
        """Load the phonemizer for "ja", with its dictionaries, so that no sentence pays for them."""
        with _openjtalk:
            pyopenjtalk.run_frontend("はい")
        _english()
        return cls()

    @classmethod
    def footprint(cls, language: str) -> Footprint:  # noqa: ARG003  likewise
        """See `base.Engine`."""
        return Footprint("cpu", 200 << 20)

    @property
    def identity(self) -> Identity:
        """See `base.Engine`."""
        return Identity(NAME, version(NAME), licence="MIT AND BSD-3-Clause", commercial=True)

    def close(self) -> None:
        """See `base.Engine`. Open JTalk is one library for the whole process: it stays."""

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`. A word in a script that Japanese does not use has no phonemes."""
        return each(phrases, _phonemized, NAME, SENTENCE)


def _phonemized(phrase: Phrase) -> tuple[Token, ...]:
    """Return the tokens of a phrase."""
    return tuple(_joined_stops(token for part in _parts(phrase) for token in part))


def _parts(sentence: Phrase) -> Iterator[Iterable[Token]]:
    """Yield the tokens of each part of a sentence.

    Words with accents or apostrophes are read by espeak-ng, because Open JTalk splits them.
    """
    at = 0
    for foreign in [*FOREIGN.finditer(sentence.text), None]:
        end = foreign.start() if foreign else len(sentence.text)
        if sentence.text[at:end].strip():
            part = Sentence(sentence.text[at:end], sentence.start + at)
            with _openjtalk:
                nodes = pyopenjtalk.run_frontend(part.text)
            yield _tokens(part, nodes)
        if foreign:
            yield [_token(sentence, *foreign.span(), " ".join(_english().say(foreign.group())))]
            at = foreign.end()


def phonemes(reading: str) -> str:
    """Convert a katakana reading, as Open JTalk writes it, to Kokoro's symbols."""
    said = ""
    morae = list(_morae(reading))
    for mora, following in pairwise([*morae, ""]):
        if mora == "ン":
            first = KANA.get(following, "")[:1]
            said += next((sound for sound, before in NASALS.items() if first and first in before), "ɴ")
        elif mora in SMALL and said:
            said = said[:-1] + KANA[mora]
        else:
            said += {"ッ": "ʔ", "ー": "ː"}.get(mora) or KANA.get(mora, "")
    return said


def _morae(reading: str) -> Iterator[str]:
    """Yield the morae of a katakana reading, each one or two characters."""
    at = 0
    while at < len(reading):
        size = 2 if reading[at : at + 2] in KANA else 1
        yield reading[at : at + size]
        at += size


def _tokens(sentence: Phrase, nodes: Sequence[Mapping[str, Any]]) -> Iterator[Token]:
    """Yield Open JTalk's words as tokens with their offsets.

    Words that Open JTalk substitutes for digits are one token with the digits.
    """
    text = "".join(_folded(character) for character in sentence.text)
    at, pending = 0, ""
    for node in nodes:
        word = "".join(_folded(character) for character in node["string"])
        start = text.find(word, at)
        if word == "-" and MINUS.match(text, max(start, 0)):
            node = {**node, "pron": "マイナス", "mora_size": 4}  # noqa: PLW2901  Open JTalk skips the minus sign
        if not word or start < 0 or not all(c.isspace() or c in NUMBER_SIGNS for c in text[at:start]):
            pending += phonemes(node["pron"])
            continue
        yield from _rewritten(sentence, at, start, pending)
        at, pending = start + len(word), ""
        yield _token(sentence, start, at, _said(sentence.text[start:at], node))
    yield from _rewritten(sentence, at, len(text), pending)


def _rewritten(sentence: Phrase, start: int, end: int, said: str) -> Iterator[Token]:
    """Yield a token for a part of the text whose reading Open JTalk rewrote, such as digits."""
    stretch = sentence.text[start:end]
    if stretch.strip():
        lead = len(stretch) - len(stretch.lstrip())
        readable = is_readable(stretch, SCRIPTS)
        yield _token(sentence, start + lead, start + len(stretch.rstrip()), said if readable else "")


def _said(word: str, node: Mapping[str, Any]) -> str:
    """Return the phonemes of a word: espeak-ng's if Open JTalk spells a Latin word out, otherwise Open JTalk's."""
    if node["mora_size"] == 0 or not is_readable(word, SCRIPTS):
        return "".join(MARKS.get(character, "") for character in word)
    folded = unicodedata.normalize("NFKC", word)
    if folded.isascii() and folded.isalpha() and not folded.isupper() and node["mora_size"] >= SPELT * len(folded):
        return " ".join(_english().say(folded))
    return phonemes(node["pron"])


@cache
def _english() -> espeak.Espeak:
    """Return the phonemizer for Latin words that Open JTalk would spell out."""
    return espeak.Espeak("en-us")


def _token(sentence: Phrase, start: int, end: int, said: str) -> Token:
    """Return a token with half-open offsets `start` and `end` in the sentence."""
    return Token(sentence.text[start:end], sentence.start + start, said, spaced=True)


def _joined_stops(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens without a space around a geminate consonant, or before a mark."""
    words = list(tokens)
    for token, following in pairwise([*words, Token("", 0, "", spaced=False)]):
        closes = following.phonemes[:1] in tuple(".,!?:;…)”") or following.phonemes.startswith("ʔ")
        apart = not closes and not token.phonemes.endswith("ʔ") and token.phonemes[-1:] not in tuple("(“")
        yield Token(token.text, token.start, token.phonemes, spaced=apart)


def _folded(character: str) -> str:
    """Return a character in the form that Open JTalk's dictionary uses; always one character."""
    folded = unicodedata.normalize("NFKC", PLAIN.get(character, character))
    return folded if len(folded) == 1 else character
