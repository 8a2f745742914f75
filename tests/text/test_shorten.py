"""Tests of shortening texts that take too long to speak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit import voices
from speakkit.text.shorten import AND_SO_ON, seconds, shortened

PROSE = "The build has failed. Two tests of the parser did not pass, and one could not be run at all. See the log. " * 9


def test_what_is_short_enough_is_kept():
    """A text that fits the time limit is returned unchanged."""
    assert shortened(" Done.\n", 5.0, 1.0, "en-us") == " Done.\n"


def test_a_long_one_ends_with_a_sentence_and_says_so():
    """A long text is cut after a sentence, ends with "And so on.", and fits the time limit."""
    cut = shortened(PROSE, 10.0, 1.0, "en-us")
    assert cut.endswith(". And so on.")
    assert seconds(cut) <= 10.0
    assert PROSE.startswith(cut.removesuffix(" And so on."))


def test_one_without_sentences_ends_with_a_word():
    """A text without sentences is cut after a whole word."""
    cut = shortened("word " * 200, 5.0, 1.0, "en-us")
    assert cut.endswith("word... And so on.")


def test_whoever_speaks_faster_says_more():
    """At speed 2, more than 1.5 times as much text fits the time limit as at speed 1."""
    assert len(shortened(PROSE, 10.0, 2.0, "en-us")) > 1.5 * len(shortened(PROSE, 10.0, 1.0, "en-us"))


@pytest.mark.parametrize("language", voices.LANGUAGES.values() if isinstance(voices.LANGUAGES, dict) else [])
def test_each_language_has_its_words(language):
    """Each language has its own words for "And so on.", so that a new language without them fails."""
    assert language in AND_SO_ON


@given(st.text(), st.floats(0.01, 20.0), st.floats(0.5, 2.0))
def test_nothing_is_invented(text, most, speed):
    """The kept part of a text is its beginning."""
    cut = shortened(text, most, speed, "en-us")
    kept = cut.removesuffix(AND_SO_ON["en-us"]).rstrip().removesuffix("...") if cut != text else text
    assert text.startswith(kept)
