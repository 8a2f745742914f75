"""The splitter: what it knows, and that it loses nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.text.sentences import LONGEST, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four\u2026 Five", ["One.", "Two!", "Three?", "Four\u2026", "Five"]),
        ("Dr. Smith met Mrs. Jones. They left.", ["Dr. Smith met Mrs. Jones.", "They left."]),
        ("J. R. Tolkien wrote. He did.", ["J. R. Tolkien wrote.", "He did."]),
        ("It cost 3.5 dollars. or so", ["It cost 3.5 dollars. or so"]),
        ('"Stop!" She stopped. (Really.) Yes.', ['"Stop!"', "She stopped.", "(Really.)", "Yes."]),
        ("A title\n\nA text\nover two lines", ["A title", "A text\nover two lines"]),
        ("  \n\n ", []),
        ("¿Qué? ¡No! Así es. él vino.", ["¿Qué?", "¡No!", "Así es. él vino."]),
        ("La Sra. Gómez llegó. Bien.", ["La Sra. Gómez llegó.", "Bien."]),
        ("« Oui. » Il part. Non !  Si ?", ["« Oui. »", "Il part.", "Non !", "Si ?"]),
        ("हाँ। नहीं॥ ठीक है।", ["हाँ।", "नहीं॥", "ठीक है।"]),
        ("你好。再见！真的？是……对。", ["你好。", "再见！", "真的？", "是……对。"]),
        ("「行く。」と言った。帰る。", ["「行く。」と言った。", "帰る。"]),
        ("他说：“好。”我走了。", ["他说：“好。”", "我走了。"]),
    ],
)
def test_splits_where_a_reader_would(text, expected):
    """After each language's marks, not after abbreviations and initials, never before a lower-case start."""
    assert [sentence.text for sentence in sentences(text)] == expected


def test_ends_of_paragraphs_are_known():
    """The last sentence before a blank line, and the last of all."""
    assert [s.ends_paragraph for s in sentences("One. Two.\n \nThree.")] == [False, True, True]


@given(
    st.text(st.sampled_from("aZ1.!?\u2026'\"\u201d) \n\t-\u00e9\u4f60\U0001f600。」！？と।¿»\u00a0"), max_size=400)
    | st.text(max_size=200)
)
def test_nothing_is_lost(text):
    """Every character that is no white space is in exactly one sentence, at its offset, in order."""
    found = list(sentences(text))
    assert "".join("".join(s.text.split()) for s in found) == "".join(text.split())
    assert all(text[s.start : s.end] == s.text for s in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(0 < len(s.text) <= LONGEST for s in found)


@pytest.mark.parametrize(
    "piece", ["a", "a ", ". ", "'", "\n", " \n", "a, ", ".'", "\u4f60", "。", "。」", "、", "। ", ". »"]
)
def test_a_megabyte_of_anything_is_cut(piece):
    """No pattern looks at a character more than a few times."""
    text = "Start" + piece * (1_000_000 // len(piece)) + "end"
    assert "".join("".join(s.text.split()) for s in sentences(text)) == "".join(text.split())
