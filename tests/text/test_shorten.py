"""Texts that are too long for a listener."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit import voices
from speakkit.text.shorten import AND_SO_ON, seconds, shortened

PROSE = "The build has failed. Two tests of the parser did not pass, and one could not be run at all. See the log. " * 9


def test_what_is_short_enough_is_kept():
    """As it is."""
    assert shortened(" Done.\n", 5.0, 1.0, "en-us") == " Done.\n"


def test_a_long_one_ends_with_a_sentence_and_says_so():
    """Within its time."""
    cut = shortened(PROSE, 10.0, 1.0, "en-us")
    assert cut.endswith(". And so on.")
    assert seconds(cut) <= 10.0
    assert PROSE.startswith(cut.removesuffix(" And so on."))


def test_one_without_sentences_ends_with_a_word():
    """Which is not cut."""
    cut = shortened("word " * 200, 5.0, 1.0, "en-us")
    assert cut.endswith("word... And so on.")


def test_whoever_speaks_faster_says_more():
    """By as much."""
    assert len(shortened(PROSE, 10.0, 2.0, "en-us")) > 1.5 * len(shortened(PROSE, 10.0, 1.0, "en-us"))


@pytest.mark.parametrize("language", voices.LANGUAGES.values() if isinstance(voices.LANGUAGES, dict) else [])
def test_each_language_has_its_words(language):
    """A new one is seen here."""
    assert language in AND_SO_ON


@given(st.text(), st.floats(0.01, 20.0), st.floats(0.5, 2.0))
def test_nothing_is_invented(text, most, speed):
    """What is kept stands at the beginning of the text."""
    cut = shortened(text, most, speed, "en-us")
    kept = cut.removesuffix(AND_SO_ON["en-us"]).rstrip().removesuffix("...") if cut != text else text
    assert text.startswith(kept)
