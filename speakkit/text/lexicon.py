"""Load and apply the user's pronunciations of words, from lexicon.toml.

    kubectl = "cube control"            # above the first heading: in every language
    [en]                                # en-us and en-gb
    nginx = "/ɛndʒənɛks/"               # between slashes: IPA
    "New Relic" = "new relic"           # in quotes: what has more than letters, digits, _ and -
    [en-gb]
    router = "rooter"

An entry in lower case matches in any case ("Nginx", "NGINX"); one with capitals matches only as it is written. An entry
under a narrower heading takes precedence over one under a wider heading. Only whole words match, the longest first.
English entries also match in the plural and the possessive.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from speakkit import paths, tomlfile, voices
from speakkit.errors import BadValue, ConfigError, storage_error
from speakkit.text.decode import UNSPEAKABLE
from speakkit.text.ipa import misaki_symbols, with_s
from speakkit.text.script import Rewrite

RULE = "your lexicon"

LARGEST = 1 << 20
"""Largest accepted lexicon, in bytes: 30,000 words."""

ENGLISH = ("en-us", "en-gb")

ELIDING = ("fr-fr", "it")
"""Languages in which a word may begin after an apostrophe ("l'API"); in others, it would be the end of one."""

CONTRACTIONS = ("ll", "d", "ve")
"""Endings that may follow a word and an apostrophe without changing the word. "can't" does not match "can"."""

MARK = "[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u3099\u309a\u00ad\u200b-\u200d\u2060]"
ALONE = "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9d"
"""Characters that count as words of their own, because Chinese and Japanese put no space between words."""

PIECE = re.compile(
    rf"[{ALONE}]{MARK}*|[^\W_\u02bc{ALONE}](?:[^\W_\u02bc{ALONE}]|{MARK})*|\s+|.",
    re.DOTALL,
)
"""A run of letters and digits, a run of white space, or one other character."""

MODIFIERS = frozenset(" ˈˌː")
"""Phonemes that are not sounds by themselves."""

SAME = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc", "'") | dict.fromkeys("\u2010\u2011", "-"))


@dataclass(frozen=True)
class Entry:
    """The pronunciation of a word.

    spoken: a respelling; "" if `phonemes` is set
    phonemes: in misaki's symbols; "" if `spoken` is set
    """

    spoken: str = ""
    phonemes: str = ""


@dataclass(frozen=True)
class Lexicon:
    """The user's words for one language, by their keys (`_pieces`, joined).

    as_written: entries that match only as they are written
    in_any_case: entries that match in any case, by their keys in lower case
    widths: first piece of a word, in lower case -> the piece counts of the words that begin with it, largest first
    """

    language: str
    as_written: Mapping[str, Entry] = field(default_factory=dict)
    in_any_case: Mapping[str, Entry] = field(default_factory=dict)
    widths: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def rewrites(self, text: str) -> Sequence[Rewrite]:
        """Return the words of the lexicon in `text` as rewrites, in order; offsets are those of `text`."""
        return tuple(self._found(text)) if self.widths else ()

    def _found(self, text: str) -> Iterator[Rewrite]:
        spans = [piece.span() for piece in PIECE.finditer(text)]
        keys = [_key(text[start:end]) for start, end in spans]
        at = 0
        while at < len(keys):
            width, entry = self._longest(keys, at)
            if entry:
                start, end = spans[at][0], spans[at + width - 1][1]
                yield Rewrite(start, end, entry.spoken or text[start:end], RULE, entry.phonemes)
            at += width

    def _longest(self, keys: Sequence[str], at: int) -> tuple[int, Entry | None]:
        """Return the piece count and entry of the longest word that begins at piece `at`; 1 and None if none does."""
        for width in self.widths.get(keys[at].casefold(), ()):
            word = "".join(keys[at : at + width])
            entry = self.as_written.get(word) or self.in_any_case.get(word.casefold())
            if entry and at + width <= len(keys) and self._is_whole(keys, at, at + width):
                return width, entry
        return 1, None

    def _is_whole(self, keys: Sequence[str], first: int, end: int) -> bool:
        """Return whether the pieces [first, end) are not part of a longer word, such as "can" of "can't"."""
        ahead, before = _piece(keys, first - 2), _piece(keys, first - 1)
        after, behind = _piece(keys, end), _piece(keys, end + 1)
        if _is_joined(keys[first], before) or _is_joined(keys[end - 1], after):
            return False
        if before == "'" and ahead[-1:].isalnum() and self.language not in ELIDING:
            return False
        return after != "'" or not behind[:1].isalnum() or behind.casefold() in CONTRACTIONS


def load(language: str, symbols: frozenset[str]) -> Lexicon:
    """Return the user's lexicon for `language`, a key of the phonemizers; empty if there is no file.

    symbols: the phonemes that the synthesizer supports

    Raises ConfigError, with file and line, if the file or an entry of it cannot be used.
    """
    path = paths.lexicon()
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Lexicon(language)
    except OSError as error:
        raise ConfigError(str(storage_error(error, f"read {path}"))) from error
    return _loaded(path, (found.st_mtime_ns, found.st_size, found.st_ino), language, symbols)


@lru_cache(maxsize=32)
def _loaded(path: Path, _state: tuple[int, ...], language: str, symbols: frozenset[str]) -> Lexicon:
    """Return the lexicon of this state of the file: modification time, size and inode, the key of the cache."""
    widest_first = sorted(_checked(tomlfile.read(path, largest=LARGEST), symbols), key=lambda found: -len(found[0]))
    entries = {word: entry for scopes, word, entry in widest_first if language in scopes}
    if language in ENGLISH:
        entries = _with_forms(entries, british=language == "en-gb")
    return _lexicon(language, entries)


def _lexicon(language: str, entries: Mapping[str, Entry]) -> Lexicon:
    lowered = {word: entry for word, entry in entries.items() if word == word.lower()}
    written = {word: entry for word, entry in entries.items() if word not in lowered}
    widths: dict[str, set[int]] = {}
    for word in entries:
        pieces = _pieces(word)
        widths.setdefault(pieces[0].casefold(), set()).add(len(pieces))
    most_first = {first: sorted(counts, reverse=True) for first, counts in widths.items()}
    in_any_case = {word.casefold(): entry for word, entry in lowered.items()}
    return Lexicon(language, written, in_any_case, most_first)


def _checked(file: tomlfile.TomlFile, symbols: frozenset[str]) -> Iterator[tuple[Sequence[str], str, Entry]]:
    """Yield each entry of the file: its languages, its word as a key, and the entry. Raises ConfigError."""
    for name, value in file.values.items():
        if isinstance(value, dict):
            scopes = _scopes(name, value, file)
            for word, said in value.items():
                where = file.where(name, word, *_first(said))
                yield scopes, _word(word, where), _entry(word, said, where, symbols)
        else:
            where = file.where(name)
            yield tuple(voices.LANGUAGES.values()), _word(name, where), _entry(name, value, where, symbols)


def _first(value: object) -> list[str]:
    """Return the first key of a table, by which the line of a dotted key is found."""
    return list(value)[:1] if isinstance(value, dict) else []


def _scopes(name: str, table: Mapping[str, Any], file: tomlfile.TomlFile) -> Sequence[str]:
    """Return the languages of a heading. Raises ConfigError."""
    try:
        return ENGLISH if name.lower() == "en" else (voices.language(name),)
    except BadValue as error:
        where = file.where(name) if file.where(name) != file.path.name else file.where(name, *_first(table))
        raise ConfigError(f"{where}: {error}; put quotes around a word with a dot") from None


def _word(word: str, where: str) -> str:
    key = "".join(_pieces(word.strip()))
    if not key:
        raise ConfigError(f"{where}: a pronunciation without a word; write it as: word = {json.dumps('respelling')}")
    return key


def _entry(word: str, said: object, where: str, symbols: frozenset[str]) -> Entry:
    """Return the entry of `word`. Raises ConfigError, with a message that begins with `where`."""
    if not isinstance(said, str):
        raise ConfigError(
            f'{where}: {word} must be text such as "cube control" or "/kjuːb/", not {_kind(said)}; '
            "put quotes around a word with a dot"
        )
    plain = " ".join(said.split())
    if UNSPEAKABLE.search(plain):
        raise ConfigError(f"{where}: {word} has a control character in its pronunciation; remove it")
    if plain.startswith("/"):
        return Entry(phonemes=_phonemes(word, plain, where, symbols))
    if not any(character.isalnum() for character in plain):
        raise ConfigError(f'{where}: {word} has no pronunciation; write a respelling, or IPA such as "/kjuːb/"')
    return Entry(spoken=plain)


def _phonemes(word: str, ipa: str, where: str, known: frozenset[str]) -> str:
    phonemes = misaki_symbols(ipa)
    if len(ipa) == 1 or not ipa.endswith("/") or not set(phonemes) - MODIFIERS:
        raise ConfigError(f'{where}: the IPA of {word} must stand between slashes, such as "/kjuːb/", not {ipa!r}')
    unknown = "".join(dict.fromkeys(symbol for symbol in phonemes if symbol not in known))
    if unknown:
        raise ConfigError(f"{where}: the IPA of {word} has {' '.join(unknown)}, which no Kokoro voice supports")
    return phonemes


def _kind(said: object) -> str:
    if isinstance(said, bool):
        return str(said).lower()
    names = {int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(said), "a date")


def _with_forms(entries: Mapping[str, Entry], *, british: bool) -> dict[str, Entry]:
    """Return the entries, with plurals and possessives for those words that have no such entries of their own."""
    forms: dict[str, Entry] = {}
    for word, entry in entries.items():
        if len(word) > 2 and word[-1].isalnum():  # noqa: PLR2004  "a" has no plural that would not be "as"
            said = Entry(
                entry.spoken and f"{entry.spoken}'s", entry.phonemes and with_s(entry.phonemes, british=british)
            )
            forms |= dict.fromkeys((_plural(word), f"{word}'s"), said)
    return forms | dict(entries)


def _plural(word: str) -> str:
    """Return the plural as it is written: https://en.wiktionary.org/wiki/-s."""
    if re.search(r"[^aeiou]y$", word) and word.islower():
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(?:[sxz]|[cs]h)$", word, re.IGNORECASE) else f"{word}s"


def _pieces(text: str) -> list[str]:
    return [_key(piece.group()) for piece in PIECE.finditer(text)]


def _key(piece: str) -> str:
    """Return a piece for comparison: composed, without invisible characters, with one kind of apostrophe and space."""
    if piece.isspace():
        return " "
    if piece.isascii():
        return piece
    visible = "".join(character for character in piece if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFC", visible).translate(SAME)


def _piece(keys: Sequence[str], at: int) -> str:
    return keys[at] if 0 <= at < len(keys) else ""


def _is_joined(edge: str, beside: str) -> bool:
    """Return whether a symbol at the edge of a word continues into the piece beside it: ".NET" in "ASP.NET"."""
    return not edge[:1].isalnum() and (beside[:1].isalnum() or beside == edge)
