"""Japanese text -> Kokoro's phonemes: Open JTalk's readings (pyopenjtalk-plus), and the symbols of misaki's cutlet.

Open JTalk knows how numbers are said with what they count, particles, and long vowels; its readings are katakana.
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
from speakkit.engines.g2p import LATIN, PLAIN, is_readable
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token
from speakkit.text.sentences import Sentence

NAME = "pyopenjtalk-plus"

KANA: Mapping[str, str] = dict(
    line.split("\t") for line in (paths.data() / "kana.tsv").read_text(encoding="utf-8").splitlines()
)
"""A mora in katakana -> phonemes (misaki 0.9.4, cutlet.HEPBURN: the symbols that Kokoro's Japanese voices learned)."""

SMALL = frozenset("ャュョァィゥェォヮ")
NASALS = {"m": "mpb", "ŋ": "kɡ", "ɲ": "ɲʨʥ", "n": "ntdɾz"}
"""How ン sounds -> before which phonemes; elsewhere it is ɴ."""

SCRIPTS = (*LATIN, "HIRAGANA", "KATAKANA", "CJK", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC", "PROLONGED", "ITERATION")

MARKS = dict(zip("。．、，！？：；…～〜「」『』《》（）【】", "..,,!?:;…——“”“”()()()", strict=True))
MARKS |= {mark: mark for mark in '.,!?:;—"()“”'}
"""A mark -> the symbol by which Kokoro knows it."""

SPELT = 1.5
"""Morae for each letter from which on Open JTalk reads a word in Latin letters letter by letter."""

NUMBER_SIGNS = frozenset("0123456789.,:%/-+")

MINUS = re.compile(r"(?<![0-9A-Za-z])-(?=\d)")
FOREIGN = re.compile(r"[A-Za-z]*[\u00c0-\u024f][A-Za-z\u00c0-\u024f]*|[A-Za-z]+(?:'[A-Za-z]+)+")

_openjtalk = threading.Lock()
"""Open JTalk has one analyser for the whole process."""


class OpenJtalk:
    """Phonemizer for Japanese."""

    @classmethod
    def load(cls, language: str) -> "OpenJtalk":  # noqa: ARG003  there is one Japanese
        """The phonemizer for "ja"."""
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
        """See `base.Phonemizer`. A word in a script that Japanese is not written in has no phonemes."""
        return each(phrases, _phonemized, NAME)


def _phonemized(phrase: Phrase) -> tuple[Token, ...]:
    return tuple(_joined_stops(token for part in _parts(phrase) for token in part))


def _parts(sentence: Phrase) -> Iterator[Iterable[Token]]:
    """The tokens of each stretch: words with accents or apostrophes by espeak-ng, since Open JTalk takes them apart."""
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
    """Katakana, as Open JTalk writes a reading -> Kokoro's symbols."""
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
    at = 0
    while at < len(reading):
        size = 2 if reading[at : at + 2] in KANA else 1
        yield reading[at : at + size]
        at += size


def _tokens(sentence: Phrase, nodes: Sequence[Mapping[str, Any]]) -> Iterator[Token]:
    """The words of Open JTalk in their places. Those that it put for digits are one token with the digits."""
    text = "".join(_folded(character) for character in sentence.text)
    at, pending = 0, ""
    for node in nodes:
        word = "".join(_folded(character) for character in node["string"])
        start = text.find(word, at)
        if word == "-" and MINUS.match(text, max(start, 0)):
            node = {**node, "pron": "マイナス", "mora_size": 4}  # noqa: PLW2901  Open JTalk passes it over
        if not word or start < 0 or not all(c.isspace() or c in NUMBER_SIGNS for c in text[at:start]):
            pending += phonemes(node["pron"])
            continue
        yield from _rewritten(sentence, at, start, pending)
        at, pending = start + len(word), ""
        yield _token(sentence, start, at, _said(sentence.text[start:at], node))
    yield from _rewritten(sentence, at, len(text), pending)


def _rewritten(sentence: Phrase, start: int, end: int, said: str) -> Iterator[Token]:
    stretch = sentence.text[start:end]
    if stretch.strip():
        lead = len(stretch) - len(stretch.lstrip())
        readable = is_readable(stretch, SCRIPTS)
        yield _token(sentence, start + lead, start + len(stretch.rstrip()), said if readable else "")


def _said(word: str, node: Mapping[str, Any]) -> str:
    if node["mora_size"] == 0 or not is_readable(word, SCRIPTS):
        return "".join(MARKS.get(character, "") for character in word)
    folded = unicodedata.normalize("NFKC", word)
    if folded.isascii() and folded.isalpha() and not folded.isupper() and node["mora_size"] >= SPELT * len(folded):
        return " ".join(_english().say(folded))
    return phonemes(node["pron"])


@cache
def _english() -> espeak.Espeak:
    """For words in Latin letters that Open JTalk would spell out."""
    return espeak.Espeak("en-us")


def _token(sentence: Phrase, start: int, end: int, said: str) -> Token:
    return Token(sentence.text[start:end], sentence.start + start, said, spaced=True)


def _joined_stops(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens without spaces around a doubled consonant, and before a mark."""
    words = list(tokens)
    for token, following in pairwise([*words, Token("", 0, "", spaced=False)]):
        closes = following.phonemes[:1] in tuple(".,!?:;…)”") or following.phonemes.startswith("ʔ")
        apart = not closes and not token.phonemes.endswith("ʔ") and token.phonemes[-1:] not in tuple("(“")
        yield Token(token.text, token.start, token.phonemes, spaced=apart)


def _folded(character: str) -> str:
    """A character as Open JTalk's dictionary has it, one for one."""
    folded = unicodedata.normalize("NFKC", PLAIN.get(character, character))
    return folded if len(folded) == 1 else character
