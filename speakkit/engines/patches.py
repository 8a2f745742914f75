"""Corrections to misaki's English lexicons, and rules that select the sense of a word from its sentence.

data/english_patches.tsv: words with their pronunciations and the source of each ("usage": as developers say it).
    A sense is one of misaki's (NOUN, VERB, ADJ, or a tag such as VBD) or one that a rule sets. "-" removes misaki's
    entry, so that misaki applies its rule for the ending of the word: "typed" is "type" with a t.
data/english_senses.tsv: rules that select the sense from the words around, each with an example. A name in lower case
    is a word, one in upper case is a tag of the tagger, and ^ is the start of a sentence. `before` and `after` list the
    adjacent words, position by position ("book of"), with | between alternatives; an adverb directly before the word is
    skipped. At least one of `near`, and none of `without`, must occur anywhere else in the sentence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from speakkit import paths

DROPPED = "-"
"""Pronunciation that removes misaki's entry for a word."""

ANY = "*"
"""Word of a rule that applies to all homographs."""

START = "^"
"""Name that matches the start of a sentence."""

ADVERB = "RB"
"""Tag of an adverb."""

Names = frozenset[str]
"""Words in lower case and tags in upper case."""

Place = tuple[Names, ...]
"""For each position, the names of which one must match."""


@dataclass(frozen=True)
class PatchRule:
    """One rule that selects the sense of a word. An empty condition always holds.

    words: in lower case, or ANY
    tags: tags of which the tagger must have given the word one
    before, after: names at the positions before and after the word
    near: names of which one must occur elsewhere in the sentence
    without: names that must not occur elsewhere in the sentence
    sense: the tag with which misaki then looks the word up
    """

    words: Names
    tags: Names
    before: Place
    after: Place
    near: Names
    without: Names
    sense: str

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "PatchRule":
        """Create a rule from a row of the table."""
        return cls(
            frozenset(row["word"].split("|")),
            frozenset(row["tags"].split()),
            tuple(frozenset(place.split("|")) for place in row["before"].split()),
            tuple(frozenset(place.split("|")) for place in row["after"].split()),
            frozenset(row["near"].split()),
            frozenset(row["without"].split()),
            row["sense"],
        )

    def fits(self, words: Sequence[Names], at: int, counts: Mapping[str, int]) -> bool:
        """Return whether the rule applies to the word at index `at`.

        words: for each word of the sentence, the word in lower case and its tag
        counts: word or tag -> number of occurrences in the sentence
        """
        if self.tags and self.tags.isdisjoint(words[at]):
            return False
        if not self._follows(words, at) or not _match(self.after, words[at + 1 : at + 1 + len(self.after)]):
            return False
        near, without = (
            any(counts.get(name, 0) > (name in words[at]) for name in names) for names in (self.near, self.without)
        )
        return (near or not self.near) and not without

    def _follows(self, words: Sequence[Names], at: int) -> bool:
        """Return whether `before` matches the words before index `at`, adverbs skipped."""
        if self.before == (frozenset({START}),):
            return not any(name.isalpha() for word in words[:at] for name in word if name.islower())
        while at and ADVERB in words[at - 1]:
            at -= 1
        return _match(self.before, words[max(at - len(self.before), 0) : at])


class Senses:
    """spaCy's tagger, with tags changed so that misaki finds the right sense of each word."""

    def __init__(self, tagger: Any, homographs: Names) -> None:
        """Read the rules.

        tagger: spaCy's pipeline
        homographs: words in lower case that have more than one pronunciation
        """
        self._tagger = tagger
        self._rules: dict[str, list[PatchRule]] = {}
        for rule in map(PatchRule.of, _rows("english_senses.tsv")):
            for word in homographs if ANY in rule.words else rule.words:
                self._rules.setdefault(word, []).append(rule)

    def __call__(self, text: str) -> Any:
        """Return `text` as spaCy's tagged words."""
        return self._with_senses(self._tagger(text))

    def pipe(self, texts: Iterable[str]) -> Iterator[Any]:
        """Yield the tagged words of each text, in half the time that single calls take."""
        return map(self._with_senses, self._tagger.pipe(texts))

    def _with_senses(self, tagged: Any) -> Any:
        """Return the tagged words, with the tags that the rules set."""
        if any(token.lower_ in self._rules for token in tagged):
            words = [frozenset((token.lower_, token.tag_)) for token in tagged]
            counts = Counter(chain.from_iterable(words))
            for at, token in enumerate(tagged):
                rules = self._rules.get(token.lower_, ())
                token.tag_ = next((rule.sense for rule in rules if rule.fits(words, at, counts)), token.tag_)
        return tagged


def amend(lexicon: Any, language: str) -> Names:
    """Apply the patches for "en-us" or "en-gb" to a misaki lexicon.

    Returns the words that have several senses, in lower case.
    """
    words: dict[str, dict[str, str]] = {}
    for row in _rows("english_patches.tsv"):
        if row[language]:
            words.setdefault(row["word"], {})[row["sense"] or "DEFAULT"] = row[language]
    for word, senses in words.items():
        for spelling in list(_spellings(word, lexicon)):
            if DROPPED in senses.values():
                lexicon.golds.pop(spelling, None)
                lexicon.silvers.pop(spelling, None)
            else:
                lexicon.golds[spelling] = senses if len(senses) > 1 else senses["DEFAULT"]
    return frozenset(word.lower() for word, said in lexicon.golds.items() if isinstance(said, dict))


def _spellings(word: str, lexicon: Any) -> Iterator[str]:
    """Yield the word and the other capitalizations that misaki looks up: sentence-initial, and without capitals."""
    yield word
    lower = word.lower()
    if word != lower and not _said(lower, lexicon):
        yield lower
    if word != lower.capitalize() and _said(lower.capitalize(), lexicon) in (None, _said(lower, lexicon)):
        yield lower.capitalize()


def _said(word: str, lexicon: Any) -> Any:
    """Return misaki's entry for a word, or a false value if there is none."""
    return lexicon.golds.get(word) or lexicon.silvers.get(word)


def _match(places: Place, words: Sequence[Names]) -> bool:
    """Whether each word matches the names at its position, and the counts are equal."""
    return len(places) == len(words) and not any(
        place.isdisjoint(word) for place, word in zip(places, words, strict=True)
    )


def _rows(name: str) -> Iterable[Mapping[str, str]]:
    """Return the rows of a table in data/, by column name."""
    head, *rows = [line.split("\t") for line in (paths.data() / name).read_text().splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]
