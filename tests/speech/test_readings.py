"""Tests of the readings of each token: all forms that are valid in its sentence, and no others."""

import unicodedata
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from speakkit.engines import registry
from speakkit.speech.synthesize import reader
from speakkit.text.markup import guessed, script
from speakkit.text.readings import MOST, bare, joined
from speakkit.text.sentences import Sentence
from speakkit.voices import LANGUAGES

DATA = Path(__file__).parents[1] / "data"
LENT = ExitStack()
"""Phonemizers, kept open until the tests end."""

BY_SOUND = ("ja", "zh")
"""Languages whose readings are compared by phonemes, because one reading has several written forms."""


@dataclass(frozen=True)
class Stretch:
    """One line of readings.tsv: a range of a sentence, with its valid and invalid readings.

    language: a name of `voices.LANGUAGES`
    sentence: the whole sentence
    written: the text of the range
    valid, invalid: spoken forms
    """

    language: str
    sentence: str
    written: str
    valid: tuple[str, ...]
    invalid: tuple[str, ...]

    @property
    def span(self):
        """Return the half-open character offsets of the range in the sentence."""
        start = self.sentence.index(self.written)
        return start, start + len(self.written)


def stretches():
    for line in (DATA / "readings.tsv").read_text("utf-8").splitlines():
        if not line.startswith("## "):
            language, sentence, written, *forms = line.split("\t")
            yield Stretch(language, sentence, written, *(tuple(column.split(" | ")) for column in forms))


STRETCHES = list(stretches())


def texts():
    """Yield the language and text of each of the project's golden texts."""
    for line in (DATA / "golden.tsv").read_text("utf-8").splitlines():
        if line and not line.startswith("## "):
            yield "en-us", line.split("\t")[1]
    for file in sorted(DATA.glob("spoken_*.tsv")):
        for line in file.read_text("utf-8").splitlines():
            yield file.stem.removeprefix("spoken_"), line.split("\t")[0]


@cache
def reading(language):
    if registry.missing_packages(language):
        pytest.skip(f"the extra {language} is not installed")
    return LENT.enter_context(reader(language))


@cache
def tokens(language, text):
    return [token for _, some in reading(language).read(text, script(text, guessed(text)), []) for token in some]


def letters(said):
    """Return the letters, digits and vowel signs of `said` in lower case, without marks and spaces."""
    composed = unicodedata.normalize("NFC", said.casefold())
    return "".join(character for character in composed if unicodedata.category(character)[0] in "LMN")


@cache
def key(language, said):
    """Return the comparison key of a reading: its letters and digits, or its phonemes for languages in BY_SOUND."""
    if language in BY_SOUND:
        (outcome,) = reading(language).phonemizer.phonemize([Sentence(said, 0)])
        return "".join("".join(token.phonemes for token in outcome.result()).strip(".,").split())
    return letters(said)


def accepted(stretch, ways):
    """Return those of `ways` that are readings of the range by its tokens, compared in the whole sentence."""
    start, end = stretch.span
    covering = [t for t in tokens(stretch.language, stretch.sentence) if t.start < end and start < t.end]
    said = [token.readings or (token.text if token.spoken is None else token.spoken,) for token in covering]
    spaced = [tuple(f"{way}{' ' * token.spaced}" for way in ways) for ways, token in zip(said, covering, strict=True)]
    before, after = stretch.sentence[: covering[0].start], stretch.sentence[covering[-1].end :]
    known = {key(stretch.language, f"{before}{way}{after}") for way in joined(spaced)}
    before, after = stretch.sentence[:start], stretch.sentence[end:]
    return [way for way in ways if key(stretch.language, f"{before}{way}{after}") in known]


def test_there_are_150_stretches_in_nine_languages():
    """There are 150 ranges in nine languages, each with valid and invalid readings and none that is both."""
    assert len(STRETCHES) == 150
    assert {stretch.language for stretch in STRETCHES} == set(LANGUAGES.values())
    for stretch in STRETCHES:
        assert stretch.valid[0]
        assert stretch.invalid[0]
        assert not {key(stretch.language, way) for way in stretch.valid} & {
            key(stretch.language, way) for way in stretch.invalid
        }


@pytest.mark.parametrize("language", LANGUAGES.values())
def test_the_first_reading_is_the_spoken_one(language):
    """In the golden texts, the first reading of every rewritten word is the spoken one.

    It lacks the sentence's full stop. Readings are distinct, and at most MOST, because more would be of no use.
    """
    rewritten = [t for tongue, text in texts() if tongue == language for t in tokens(language, text) if t.rule]
    assert len(rewritten) > 40 or language == "en-gb"
    for token in rewritten:
        if token.is_word and bare(token.spoken) != bare(token.text):
            assert token.readings, token
        if token.readings:
            assert letters(token.readings[0]) == letters(token.spoken), token
            assert all(way == bare(way) for way in token.readings), token
            assert len(set(token.readings)) == len(token.readings) <= MOST, token


def test_nearly_all_valid_readings_are_known_and_no_invalid_one():
    """Tokens have 95 % of the valid readings of the 150 ranges, and none of the invalid ones."""
    missing = [(s.sentence, way) for s in STRETCHES for way in set(s.valid) - set(accepted(s, s.valid))]
    wrong = [(s.sentence, way) for s in STRETCHES for way in accepted(s, s.invalid)]
    assert wrong == []
    assert len(missing) <= 0.05 * sum(len(s.valid) for s in STRETCHES), missing
