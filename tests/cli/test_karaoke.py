"""Tests of marking the current word in a terminal; a string buffer records the output."""

import io
import re

from hypothesis import given
from hypothesis import strategies as st

from speakkit.cli.karaoke import Karaoke, lines

TEXT = "The quick brown fox\njumps over the lazy dog."


def screen(written):
    """Return each line as it was last written, without marks."""
    return [re.sub(r"\x1b\[\d*[a-zA-Z]", "", line.split("\r")[-1]) for line in written.split("\n")]


def marked(written):
    """Return the marked words in order."""
    return re.findall(r"\x1b\[7m(.*?)\x1b\[0m", written)


def test_each_word_is_marked_while_it_is_heard():
    """Each word is marked while it plays, and the text remains on the screen afterwards."""
    out = io.StringIO()
    shown = Karaoke(TEXT, out, 80)
    for word in re.finditer(r"\w+", TEXT):
        shown.at(*word.span())
    shown.close()
    assert marked(out.getvalue()) == re.findall(r"\w+", TEXT)
    assert screen(out.getvalue()) == [*TEXT.split("\n"), ""]


def test_what_was_skipped_is_shown_all_the_same():
    """Text that is skipped, such as markup, is still shown."""
    out = io.StringIO()
    shown = Karaoke("one\ntwo\nthree", out, 80)
    shown.at(8, 13)
    shown.close()
    assert screen(out.getvalue()) == ["one", "two", "three", ""]


def test_nothing_steers_the_terminal():
    """Escape sequences in the text are not passed to the terminal."""
    out = io.StringIO()
    shown = Karaoke("a\x1b[2Jb", out, 80)
    shown.at(0, 6)
    shown.close()
    assert screen(out.getvalue()) == [r"a\x1b[2Jb", ""]


def test_escapes_have_room():
    """A line is broken by the width that is shown: an escape takes more columns than its character."""
    assert len(lines("\x1b\x1b \x1b\x1b a", 80)) == 1
    assert len(lines("\x1b\x1b \x1b\x1b a", 12)) == 2


def test_going_back_changes_nothing():
    """Going back to an earlier word changes nothing on the screen."""
    out = io.StringIO()
    shown = Karaoke("one\ntwo", out, 80)
    shown.at(4, 7)
    before = out.getvalue()
    shown.at(0, 3)
    assert out.getvalue() == before


@given(st.text(), st.integers(1, 40))
def test_every_word_is_in_one_line(text, width):
    """Every word is in one line, in order; a line exceeds the width only if it is a single word."""
    made = lines(text, width)
    assert " ".join(text[line.start : line.end] for line in made).split() == text.split()
    assert all(line.end - line.start <= width or len(text[line.start : line.end].split()) == 1 for line in made)
