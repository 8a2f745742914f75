"""Tests of the words that a text is expected to contain: their offsets and their pronunciations."""

from contextlib import ExitStack

import pytest

from speakkit.engines.fake import FakePhonemizer
from speakkit.errors import TextError
from speakkit.speech.frontend import Reader
from speakkit.speech.known_words import MOST, known_words
from speakkit.speech.synthesize import reader
from speakkit.speech_request import Markup
from speakkit.text.lexicon import Lexicon

STRESS = str.maketrans("", "", "ˈˌ")


@pytest.fixture(scope="module")
def american():
    with ExitStack() as lent:
        yield lent.enter_context(reader("en-us"))


def found(text, reads, markup=Markup.PLAIN):
    return {word.text: word for word in known_words(text, reads, markup)}


def test_words_are_as_they_are_written(american):
    """Each word is at its offset, with its marks; several words that are read as one are one word."""
    text = "“Wasn’t it 5 km?” — no—never! He paid $5 on Nov 23, 2026."
    words = known_words(text, american)
    assert [word.text for word in words] == [
        "“Wasn’t",
        "it",
        "5 km?”",
        "no—never!",
        "He",
        "paid",
        "$5",
        "on",
        "Nov 23, 2026.",
    ]
    assert all(text[word.start : word.end] == word.text for word in words)


def test_every_reading_is_a_pronunciation(american):
    """A rewritten word has the phonemes of all its readings, the spoken one first; others have the spoken ones."""
    words = found("At 15:30 they paid $5.99 twice.", american)
    dollars = [way.translate(STRESS) for way in words["$5.99"].pronunciations]
    assert dollars[0].endswith("sɛnts")
    assert {"fIv dɑləɹz nIndi nIn", "fIv nIndi nIn"} < set(dollars)
    assert any("hæf" in way.translate(STRESS) for way in words["15:30"].pronunciations)
    assert len(words["paid"].pronunciations) == 1
    assert all(len(word.pronunciations) <= MOST for word in words.values())


def test_what_may_be_silent_or_cannot_be_said(american):
    """A word that may be left out has an empty pronunciation; one in a foreign script has none."""
    words = found("Build passed ✅ in 北京 today.", american)
    assert "" in words["✅"].pronunciations
    assert words["北京"].pronunciations == ()


def test_what_is_left_out_is_no_word(american):
    """Markup, link targets and lone marks are no words."""
    words = known_words("# Title\n\n- **bold** [here](https://example.org/x) – end", american, Markup.MARKDOWN)
    assert [word.text for word in words] == ["Title", "bold", "here", "end"]


def test_scripts_without_spaces_are_split_by_token():
    """The tokens of Chinese and Japanese are words. Empty texts have none, and what is no text is refused."""
    reads = Reader("zh", FakePhonemizer(), Lexicon("zh"))
    assert known_words("", reads) == ()
    assert known_words(" \n— ", reads) == ()
    with pytest.raises(TextError):
        known_words("a\0b", reads)
