"""What misaki's English lexicons have wrong or lack, and which sense of a word a sentence means.

data/english_patches.tsv: words and their pronunciations, each with its source ("usage": as developers say it).
    A sense is one of misaki's (NOUN, VERB, ADJ, a tag such as VBD) or one of the rules'. "-" drops misaki's entry,
    so that its rule for the ending of the word counts: "typed" is "type" with a t.
data/english_senses.tsv: rules that tell the sense by the words around, each with an example. A name in small letters
    is a word, one in capitals a tag of the tagger's, and ^ is the start of a sentence. `before` and `after` say what
    stands beside the word, place by place ("book of"), with | between choices; an adverb before the word is passed
    over. One of `near` must stand somewhere in the sentence, and none of `without`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from speakkit import paths

DROPPED = "-"
ANY = "*"
START = "^"
ADVERB = "RB"

Names = frozenset[str]
Place = tuple[Names, ...]


@dataclass(frozen=True)
class PatchRule:
    """One way to tell the sense of a word. What is empty does not matter.

    words: in small letters, or ANY
    tags: that the tagger gave the word
    sense: the tag by which it is to be looked up
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
        """A row of the table."""
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
        """Whether it tells the sense of the word at `at`.

        words: those of the sentence, each with its tag; counts: how often each word and tag is in it
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
        if self.before == (frozenset({START}),):
            return not any(name.isalpha() for word in words[:at] for name in word if name.islower())
        while at and ADVERB in words[at - 1]:
            at -= 1
        return _match(self.before, words[max(at - len(self.before), 0) : at])


class Senses:
    """spaCy's tagger, with the tags by which misaki finds the right sense of a word."""

    def __init__(self, tagger: Any, homographs: Names) -> None:
        """homographs: the words in small letters that have more than one pronunciation."""
        self._tagger = tagger
        self._rules: dict[str, list[PatchRule]] = {}
        for rule in map(PatchRule.of, _rows("english_senses.tsv")):
            for word in homographs if ANY in rule.words else rule.words:
                self._rules.setdefault(word, []).append(rule)

    def __call__(self, text: str) -> Any:
        """The tagged words of `text`, as spaCy has them."""
        return self._with_senses(self._tagger(text))

    def pipe(self, texts: Iterable[str]) -> Iterator[Any]:
        """The tagged words of each of a few texts, in half the time that they take one by one."""
        return map(self._with_senses, self._tagger.pipe(texts))

    def _with_senses(self, tagged: Any) -> Any:
        if any(token.lower_ in self._rules for token in tagged):
            words = [frozenset((token.lower_, token.tag_)) for token in tagged]
            counts = Counter(chain.from_iterable(words))
            for at, token in enumerate(tagged):
                rules = self._rules.get(token.lower_, ())
                token.tag_ = next((rule.sense for rule in rules if rule.fits(words, at, counts)), token.tag_)
        return tagged


def amend(lexicon: Any, language: str) -> Names:
    """Put the patches for "en-us" or "en-gb" into a lexicon of misaki's, and tell which words have several senses."""
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
    """The word, and as what else it is looked up: at the start of a sentence, and without capitals of its own."""
    yield word
    lower = word.lower()
    if word != lower and not _said(lower, lexicon):
        yield lower
    if word != lower.capitalize() and _said(lower.capitalize(), lexicon) in (None, _said(lower, lexicon)):
        yield lower.capitalize()


def _said(word: str, lexicon: Any) -> Any:
    return lexicon.golds.get(word) or lexicon.silvers.get(word)


def _match(places: Place, words: Sequence[Names]) -> bool:
    return len(places) == len(words) and not any(
        place.isdisjoint(word) for place, word in zip(places, words, strict=True)
    )


def _rows(name: str) -> Iterable[Mapping[str, str]]:
    head, *rows = [line.split("\t") for line in (paths.data() / name).read_text().splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]
