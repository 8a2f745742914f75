"""Rules for text in letters and signs: addresses, Roman numerals, abbreviations, symbols."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from speakkit.text.languages.numerals import Numerals, roman
from speakkit.text.languages.quantities import GAP, STOP, one_of
from speakkit.text.languages.table import LanguageTable
from speakkit.text.rule import Readings, Rule

ADDRESS = r"[A-Za-z0-9._~:/?#&=+%@-]"
URL = rf"(?<![A-Za-z0-9@._/-])(?:(?P<protocol>https?://)|(?=www\.)){ADDRESS}*[A-Za-z0-9/]"
EMAIL = r"(?<![A-Za-z0-9._+-])[A-Za-z0-9._+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])"
DOMAIN = (
    r"(?<![A-Za-z0-9@._/-])(?:[A-Za-z0-9-]{1,63}\.){1,5}(?:com|org|net|edu|gov|io|info|dev)(?![A-Za-z0-9@])"
    rf"(?:/(?:{ADDRESS}{{0,500}}[A-Za-z0-9/])?)?"
)
NO_ORDINAL = re.compile("[LCDM][a-zè]+|[VX]er|[VX].?re|Ie")
"""Words that look like letters of a Roman numeral with the ending of an ordinal, such as "Le" and "Ver"."""

SPREAD = "<>≤≥≈±§"
"""Symbols that may stand before a number without an operand before them."""


@dataclass(frozen=True)
class Wording:
    """The rules of one language for text in letters and signs."""

    table: LanguageTable
    numerals: Numerals

    def addresses(self) -> Iterator[Rule]:
        """Yield the rules for addresses. They apply first, because any other kind of text may occur in an address."""
        yield Rule("link", re.compile(URL), self.address)
        yield Rule("e-mail", re.compile(EMAIL), self.address)
        yield Rule("link", re.compile(DOMAIN), self.address)

    def rules(self) -> Iterator[Rule]:
        """Yield the other rules. They apply after those for text with digits."""
        suffixes = one_of(self.table.roman.suffixes)
        capitals = rf"(?P<letters>[IVXLCDM]{{1,9}})(?P<suffix>{suffixes})?(?!['’-]?\w)"
        yield Rule("roman numeral", re.compile(rf"(?<![\w'’.-])(?:{capitals})"), self.roman)
        yield Rule("roman numeral", re.compile("(?P<letters>[Ⅰ-Ⅿⅰ-ⅿ]{1,9})"), lambda m: self._cardinal(m["letters"]))
        yield self._listed("abbreviation", self.table.abbreviations)
        yield self._listed("abbreviation", self.table.before_number, rf"(?={GAP}\d)")
        yield self._listed("abbreviation", self.table.before_name, r"(?=(?<=\.) ?[A-ZÀ-ÖØ-Þ]|[ \u00a0][A-ZÀ-ÖØ-Þ])")
        yield self._listed("initialism", self.table.initialisms)
        yield Rule("hashtag", re.compile(r"(?<![\w#&/])[#＃](?=[^\W\d])"), self.hashtag)
        yield from self._symbols()

    # -- addresses

    def address(self, found: re.Match[str]) -> Readings:
        """Read the words and marks of an address, without its protocol."""
        plain = found.group().removeprefix(found.groupdict().get("protocol") or "").rstrip("/")
        marks = self.table.addresses
        said = [marks.get(part, part) for part in re.findall(r"[A-Za-z0-9]+|.", plain)]
        return (self.table.gap.join(said),)

    # -- Roman numerals

    def roman(self, found: re.Match[str]) -> Readings:
        """Read a Roman numeral after a word that is numbered or a name, or anywhere with the ending of an ordinal."""
        value, table = roman(found["letters"]), self.table.roman
        before = re.search(r"([^\W\d_]+\.?) \Z", found.string[max(0, found.start() - 30) : found.start()])
        previous = before[1] if before else found.string[max(0, found.start() - 1) : found.start()]
        following = found.string[found.end() : found.end() + 20].lstrip()
        cued = previous.lower() in table.cues or following.startswith(tuple(table.after))
        named = previous in table.names or (_is_name(previous) and re.fullmatch("[IVX]{2,}", found["letters"]))
        ordinal = found["suffix"] and not NO_ORDINAL.fullmatch(found.group())
        if not value or not (cued or named or ordinal):
            return ()
        if ordinal or (value <= table.ordinals_to and (cued or previous in table.names)):
            form = self.table.ordinals.get(found["suffix"] or "", "f" if previous in table.feminine else "m")
            return (self.numerals.ordinal(value, form),)
        return (self.numerals.cardinal(value),)

    def _cardinal(self, letters: str) -> Readings:
        return (self.numerals.cardinal(roman(letters)),) if roman(letters) else ()

    # -- abbreviations and symbols

    def _listed(self, name: str, words: Mapping[str, str], ahead: str = "") -> Rule:
        letter = r"\w" if self.table.spaced else "[A-Za-z]"
        free = "" if ahead else f"(?!{letter})"
        longest = sorted(words, key=len, reverse=True)
        ways = [one_of([word.removesuffix(".")]) + (STOP if word.endswith(".") else free) for word in longest]
        pattern = re.compile(rf"(?<!{letter})(?<![.-])(?:{'|'.join(ways) or '(?!)'}){ahead}")
        known = {_key(word): said for word, said in words.items()}
        return Rule(name, pattern, partial(self._abbreviation, known))

    def _abbreviation(self, known: Mapping[str, str], found: re.Match[str]) -> Readings:
        written = _key(found.group())
        said = known.get(written) or known[f"{written}."]
        goes_on = found.string[found.end() : found.end() + 1].isalnum() and self.table.spaced
        return (f"{said} " if goes_on and not said.endswith(" ") else said,)

    def hashtag(self, found: re.Match[str]) -> Readings:  # noqa: ARG002  each is read alike
        """Read the sign of a hashtag, before a word."""
        return (self.table.symbols["hashtag"] + self.table.gap,)

    def _symbols(self) -> Iterator[Rule]:
        for symbol, said in self.table.symbols.items():
            if symbol == "hashtag":
                continue
            sign = re.escape(symbol)
            ways = [rf"(?<=[\w)²³]) {sign}(?= [\w(¿¡-])", rf"(?<=[\d)²³]){sign}(?=[\d(-])"]
            ways += [rf"(?<=\w){sign}(?=\w)(?!\w{{1,8}};)"] if symbol in "&＆→" else []
            ways += [rf"(?<!\S){sign}{GAP}(?=\d)"] if symbol in SPREAD else []
            yield Rule("symbol", re.compile("|".join(ways)), partial(self._symbol, said))

    def _symbol(self, said: str, found: re.Match[str]) -> Readings:
        if not self.table.spaced:
            return (said,)
        start, end = found.span()
        before, after = found.string[max(0, start - 1) : start], found.string[end : end + 1]
        return (" " * bool(before.strip()) + said + " " * bool(after.strip()),)


def _is_name(word: str) -> bool:
    return len(word) > 2 and word[:1].isupper() and word[1:].islower()  # noqa: PLR2004  "El" and "Le" are no names


def _key(written: str) -> str:
    return re.sub(r"[ \u00a0\u202f]", "", written)
