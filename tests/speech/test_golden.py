"""Tests of the golden file: how written English is read, as words and as phonemes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from speakkit.engines.kokoro_config import limits
from speakkit.speech.explain import explain
from speakkit.speech.synthesize import find_voice, reader
from speakkit.text.chunks import Delivery
from speakkit.text.markup import guessed

FILE = Path(__file__).parents[1] / "data" / "golden.tsv"
CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Line:
    """One line of the golden file: its category, text, and accepted spoken forms, separated by " | "."""

    category: str
    text: str
    accepted: str

    def accepts(self, spoken: str) -> bool:
        """Whether `spoken` is an accepted form, ignoring case, marks and spaces between single letters."""
        heard = comparable(spoken)
        return any(_pattern(form).fullmatch(heard) for form in self.accepted.split(" | "))


def lines() -> Iterator[Line]:
    """Yield the lines of the file, in order."""
    for line in FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("## "):
            yield Line(*line.split("\t"))


def comparable(spoken: str) -> str:
    """Return lower-case letters, digits and inner apostrophes, with runs of single letters joined."""
    plain = spoken.lower().replace("\u2019", "'")
    plain = re.sub(r"(?<![a-z])'|'(?![a-z])|[^\w']|_", " ", plain)
    return re.sub(r"\b(\w) (?=\w\b)", r"\1", " ".join(plain.split()))


def _pattern(form: str) -> re.Pattern[str]:
    """Return a pattern of the form with its choices, for `comparable` text, with optional spaces."""
    pattern = ""
    at = 0
    for choice in [*CHOICE.finditer(form), None]:
        end = choice.start() if choice else len(form)
        pattern += _spaced(form[at:end])
        if choice:
            pattern += f"(?:{'|'.join(_spaced(option) for option in choice[1].split('|'))})"
            at = choice.end()
    return re.compile(rf" ?{pattern} ?")


def _spaced(piece: str) -> str:
    plain = re.sub(r"(?<![a-z])'(?=\W|$)|[^\w' ]|_", " ", piece.lower())
    return re.sub(r" +", " ?", re.escape(plain).replace("\\ ", " "))


LINES = list(lines())


@pytest.fixture(scope="module")
def explained():
    """Yield a function from a text to its explanation."""
    voice = find_voice("f1")
    with reader("en-us") as english:
        yield lambda text: explain(text, english.plan(text, Delivery(voice), guessed(text), limits()))


def test_the_golden_file_is_large_and_a_third_of_it_is_what_agents_print():
    """The file has at least 300 different texts, a third of which are output of coding agents."""
    texts = [line.text for line in LINES]
    assert len(texts) >= 300
    assert len(set(texts)) == len(texts)
    assert sum(line.category.startswith("agent") for line in LINES) * 3 >= len(texts)


@pytest.mark.parametrize(("form", "heard"), [("{a|} B C", "bc"), ("A P I", "the API"), ("two", "too")])
def test_the_comparison_can_fail(form, heard):
    """A form that is not listed is not accepted."""
    assert Line("", "", form).accepts(heard) is (heard == "bc")


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.text)
def test_golden(line, explained):
    """Each line is read in an accepted form, and no word of it is lost."""
    found = explained(line.text)
    assert line.accepts(found.spoken), f"{comparable(found.spoken)!r} is none of {line.accepted!r}"
    assert found.lost == ()


@pytest.mark.parametrize("line", LINES[::5], ids=lambda line: line.text)
def test_every_word_says_how_it_is_spoken(line, explained):
    """Each letter or digit of the text is in a word, and each spoken word has phonemes and their source."""
    found = explained(line.text)
    covered = {at for word in found.words for at in range(word.start, word.start + len(word.text))}
    assert all(at in covered for at, character in enumerate(line.text) if character.isalnum())
    for word in found.words:
        assert line.text[word.start : word.start + len(word.text)] == word.text
        if any(character.isalnum() for character in word.spoken):
            assert word.phonemes
            assert word.source
