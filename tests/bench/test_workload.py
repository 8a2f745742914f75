"""The text that is spoken where no other is given."""

import re
from pathlib import Path

import pytest

from speakkit.bench import workload
from speakkit.errors import TextError

BOOK = Path(__file__).parent.parent / "data" / "alice29.txt"


def letters(text):
    return re.sub(r"[\W_]+", " ", text).lower()


def test_default_has_307_words_of_the_book():
    """As in the measurements that speakkit bench replaces; word for word, with the quotes of today."""
    found = workload.default()
    assert found.words == len(found.text.split()) == 307
    assert letters(found.text).strip() in letters(BOOK.read_text())
    assert re.search(r"[`'_*]|--", found.text) is None


def test_words_are_counted_as_people_count():
    """A hyphen or an apostrophe does not part a word, a dash does."""
    assert workload.given("Don’t stop—the cart-horse isn't there; 3 ...", "x").words == 7


def test_a_text_without_words_is_refused():
    """By the name of its file."""
    with pytest.raises(TextError, match=r"nothing to speak: dots\.txt has no words"):
        workload.given("... !", "dots.txt")
