"""Tests of passages: the parts of a text for an engine that reads text itself, within its character limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.text.passages import passages
from speakkit.text.sentences import sentences


def cut(text, most):
    return list(passages(text, sentences(text), most, voice="Aoede", language="en-us"))


@given(
    st.text(max_size=400) | st.lists(st.sampled_from(["word, ", "End. ", "a\n\n", "x" * 30, "\u4f60"])).map("".join),
    st.integers(1, 90),
)
def test_every_character_is_in_one_passage_in_its_place(text, most):
    """Each character is in one passage at its offset, for any text and any limit."""
    found = cut(text, most)
    assert all(0 < len(passage.text) <= most for passage in found)
    assert all(text[passage.start :].startswith(passage.text) for passage in found)
    assert "".join("".join(passage.text.split()) for passage in found) == "".join(text.split())
    ends = [0, *(passage.start + len(passage.text) for passage in found)]
    assert all(end <= passage.start for end, passage in zip(ends, found, strict=False))


def test_sentences_are_bundled_up_to_the_limit_and_to_the_end_of_a_paragraph():
    """Sentences are joined into as few passages as the limit and the ends of paragraphs allow."""
    text = "One here. Two here. Three here.\n\nFour here."
    assert [passage.text for passage in cut(text, 20)] == ["One here. Two here.", "Three here.", "Four here."]
    assert [passage.text for passage in cut(text, 500)] == ["One here. Two here. Three here.", "Four here."]


def test_a_long_sentence_is_cut_behind_a_clause_or_else_a_word():
    """A long sentence is cut after a clause, else after a word, else anywhere."""
    assert [p.text for p in cut("Some words here, and some more", 20)] == ["Some words here,", "and some more"]
    assert [p.text for p in cut("Some words here and some more", 20)] == ["Some words here and", "some more"]
    assert [p.text for p in cut("x" * 25, 10)] == ["x" * 10, "x" * 10, "x" * 5]


def test_no_characters_are_refused():
    """A limit of 0 characters raises a ValueError, because it would give endless empty passages."""
    with pytest.raises(ValueError, match="0 characters"):
        cut("One.", 0)
