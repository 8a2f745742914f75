"""The word of the moment, on a terminal that keeps what it was told."""

import io
import re

from hypothesis import given
from hypothesis import strategies as st

from speakkit.cli.karaoke import Karaoke, lines

TEXT = "The quick brown fox\njumps over the lazy dog."


def screen(written):
    """What a person sees: each line as it was written last, without marks."""
    return [re.sub(r"\x1b\[\d*[a-zA-Z]", "", line.split("\r")[-1]) for line in written.split("\n")]


def marked(written):
    """The words that were marked, one after the other."""
    return re.findall(r"\x1b\[7m(.*?)\x1b\[0m", written)


def test_each_word_is_marked_while_it_is_heard():
    """And the text stands there in the end."""
    out = io.StringIO()
    shown = Karaoke(TEXT, out, 80)
    for word in re.finditer(r"\w+", TEXT):
        shown.at(*word.span())
    shown.close()
    assert marked(out.getvalue()) == re.findall(r"\w+", TEXT)
    assert screen(out.getvalue()) == [*TEXT.split("\n"), ""]


def test_what_was_skipped_is_shown_all_the_same():
    """Markup, for example, is heard by nobody."""
    out = io.StringIO()
    shown = Karaoke("one\ntwo\nthree", out, 80)
    shown.at(8, 13)
    shown.close()
    assert screen(out.getvalue()) == ["one", "two", "three", ""]


def test_nothing_steers_the_terminal():
    """But we."""
    out = io.StringIO()
    shown = Karaoke("a\x1b[2Jb", out, 80)
    shown.at(0, 6)
    shown.close()
    assert "\x1b[2J" not in out.getvalue()


def test_going_back_changes_nothing():
    """A sentence that is said again is not shown again."""
    out = io.StringIO()
    shown = Karaoke("one\ntwo", out, 80)
    shown.at(4, 7)
    before = out.getvalue()
    shown.at(0, 3)
    assert out.getvalue() == before


@given(st.text(), st.integers(1, 40))
def test_every_word_is_in_one_line(text, width):
    """In order; a line is wider than allowed only with a single word."""
    made = lines(text, width)
    assert " ".join(text[line.start : line.end] for line in made).split() == text.split()
    assert all(line.end - line.start <= width or len(text[line.start : line.end].split()) == 1 for line in made)
