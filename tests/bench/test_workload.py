"""Tests of the text that a bench run speaks, given or default."""

import re
from pathlib import Path

import pytest

from speakkit.bench import workload
from speakkit.errors import TextError

BOOK = Path(__file__).parent.parent / "data" / "alice29.txt"


def letters(text):
    return re.sub(r"[\W_]+", " ", text).lower()


def test_default_has_307_words_of_the_book():
    """The default text is 307 consecutive words of the book, with modern quotes, as in the measurements it replaces."""
    found = workload.default()
    assert found.words == len(found.text.split()) == 307
    assert letters(found.text).strip() in letters(BOOK.read_text())
    assert re.search(r"[`'_*]|--", found.text) is None


def test_words_are_counted_as_people_count():
    """A hyphen or an apostrophe is part of a word; a dash separates words."""
    assert workload.given("Don’t stop—the cart-horse isn't there; 3 ...", "x").words == 7


def test_a_text_without_words_is_refused():
    """A text without words raises a TextError that names its file."""
    with pytest.raises(TextError, match=r"nothing to speak: dots\.txt has no words"):
        workload.given("... !", "dots.txt")
