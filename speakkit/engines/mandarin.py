"""Mandarin text -> Kokoro's phonemes: jieba's words, pypinyin's readings, misaki's symbols, cn2an's numbers."""

import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version

import cn2an
import jieba
from misaki.zh import ZHG2P

from speakkit.engines import espeak
from speakkit.engines.attempt import each
from speakkit.engines.base import AnyPhrase, Footprint, Phrase
from speakkit.engines.g2p import LATIN, SENTENCE, is_readable
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token

NAME = "pypinyin"

MARKS = dict(zip("、，。．！？：；…—～«»《》「」『』【】（）", ",,..!?:;…——“”“”“”“”“”()", strict=True))
MARKS |= {mark: mark for mark in ';:,.!?"()“”'}
"""Punctuation mark -> Kokoro's symbol for it."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f\u3007"
"""Ranges of Chinese characters, for a regular expression."""

NUMBER = (
    r"\d{1,2}:\d{2}(?!\d)|\d{4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?|\d+(?:-\d+){2,}"
    r"|(?<![\w.-])-?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+/\d+(?![/\d])|\d+(?:\.\d+)?(?:%|°C)?)"
    r"|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:%|°C)?"
)
"""Pattern of a number, a time, a date, or digits joined by hyphens."""

DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
"""A date as YYYY-MM-DD."""

STRETCH = re.compile(
    rf"(?P<number>{NUMBER})|(?P<range>(?<=\d)[-–~～](?=\d))|(?P<han>[{HAN}]+)"
    rf"|(?P<word>[^\W\d_{HAN}]+(?:'[^\W\d_{HAN}]+)?)|(?P<mark>[^\w\s])"
)
"""A number, a range sign between digits, a run of Chinese characters, a word in another script, or a mark."""

DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
"""Digit -> Chinese character."""

jieba.setLogLevel(logging.WARNING)


class Pinyin:
    """Phonemizer for Mandarin Chinese."""

    @classmethod
    def load(cls, language: str) -> "Pinyin":  # noqa: ARG003  Mandarin has one variant
        """Load the phonemizer for "zh", with its dictionaries, so that no sentence pays for them."""
        jieba.initialize()
        _english()
        return cls()

    @classmethod
    def footprint(cls, language: str) -> Footprint:  # noqa: ARG003  likewise
        """See `base.Engine`."""
        return Footprint("cpu", 200 << 20)

    @property
    def identity(self) -> Identity:
        """See `base.Engine`. The licences also cover jieba and misaki."""
        return Identity(NAME, version(NAME), licence="MIT AND Apache-2.0", commercial=True)

    def close(self) -> None:
        """See `base.Engine`. The dictionaries belong to the libraries, and stay loaded."""

    def phonemize(self, phrases: Iterable[AnyPhrase]) -> Iterator[Outcome[AnyPhrase, tuple[Token, ...]]]:
        """See `base.Phonemizer`.

        A character without a reading, and a word in another script, have no phonemes.
        """
        return each(phrases, _phonemized, NAME, SENTENCE)


def _phonemized(phrase: Phrase) -> tuple[Token, ...]:
    """Return the tokens of a phrase."""
    return tuple(token for match in STRETCH.finditer(phrase.text) for token in _tokens(phrase, match))


def phonemes(words: str) -> str:
    """Convert Chinese characters to Kokoro's symbols, with spaces between words. "" if one has no reading."""
    try:
        return " ".join(ZHG2P.word2ipa(word) for word in jieba.lcut(words)).replace("\u032f", "")
    except (ValueError, AssertionError, IndexError):
        return ""


def _tokens(sentence: Phrase, found: re.Match[str]) -> Iterator[Token]:
    """Yield the tokens of one match of STRETCH."""
    kind, text = str(found.lastgroup), found.group()
    at = sentence.start + found.start()
    if kind != "han":
        yield Token(text, at, _said(kind, text), spaced=kind != "mark" or MARKS.get(text, "") not in ("(", "“"))
        return
    for word in jieba.lcut(text):
        said = phonemes(word)
        pieces = [word] if said else word
        for piece in pieces:
            yield Token(piece, at, said or phonemes(piece), spaced=True)
            at += len(piece)


def _said(kind: str, text: str) -> str:
    """Return the phonemes of a mark, a Latin word, a range sign or a number."""
    if kind == "mark":
        return MARKS.get(text, "")
    if kind == "word":
        return " ".join(_english().say(text)) if is_readable(text, LATIN) else ""
    return phonemes("到" if kind == "range" else number(text))


def number(text: str) -> str:
    """Write a number, a date or a time in digits as Chinese characters, as it is spoken."""
    if re.fullmatch(r"0\d+|\d+(-\d+){2,}", text) and not DATE.fullmatch(text):
        return "".join(DIGITS.get(digit, "，") for digit in text)
    text = DATE.sub(r"\1年\2月\3日", text.replace(",", "").replace("°C", "℃"))
    text = re.sub(r"(\d+):(\d+)", r"\1点\2分", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about numbers too large for cn2an, which it returns unchanged
        said: str = cn2an.transform(text, "an2cn")
    return "".join(DIGITS.get(character, character) for character in said)


@cache
def _english() -> espeak.Espeak:
    """Return the phonemizer for Latin words."""
    return espeak.Espeak("en-us")
