"""Tests of cues: their size, their duration and their text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.speech.cues import LINE, LINES, LONGEST, SHORTEST, cues, width
from speakkit.speech.timestamps import TimedWord


def spoken(text, *, rate=15, pause=0.3):
    """Return the words of `text`, at `rate` characters per second, with `pause` seconds after each mark."""
    made, at = [], 0.0
    for word in text.split():
        end = at + len(word) / rate
        made.append(TimedWord(word, at, end, 0, spaced=True))
        at = end + pause * (word[-1] in ".,!?;:")
    return made


def lines(text, **options):
    return [cue.lines for cue in cues(spoken(text, **options))]


timed_words = st.lists(
    st.tuples(st.text("abcdé你は.,—“”", min_size=1, max_size=100), st.floats(0.05, 9), st.floats(0, 3), st.booleans()),
    max_size=40,
)


@given(timed_words)
def test_cues_are_within_bounds_and_hold_every_word(made):
    """A cue has at most 2 lines of 42 columns and 7 s, no overlap, and at least 1 s if the next one allows it."""
    at, all_words = 0.0, []
    for text, seconds, pause, spaced in made:
        all_words.append(TimedWord(text, at, at + seconds, 0, spaced))
        at += seconds + pause
    found = cues(all_words)
    assert "".join(cue.text for cue in found).replace(" ", "") == "".join(word.text for word in all_words)
    for cue, following in zip(found, [*(cue.start for cue in found), float("inf")][1:], strict=True):
        assert 1 <= len(cue.lines) <= LINES
        assert max(map(width, cue.lines)) <= LINE
        assert cue.start < cue.end <= min(following, cue.start + LONGEST)
        assert cue.end - cue.start >= min(SHORTEST, following - cue.start) - 1e-9


def test_cues_end_with_clauses():
    """A cue ends with a clause rather than with a full line."""
    text = "Once or twice she had peeped into the book, but it had no pictures or conversations in it at all, she said."
    assert lines(text) == [
        ("Once or twice she had", "peeped into the book,"),
        ("but it had no pictures or", "conversations in it at all, she said."),
    ]


def test_short_sentences_share_a_cue():
    """Short sentences share a cue, because a cue of each could not be read in time."""
    assert lines("Yes. No. Oh!", pause=0.1) == [("Yes. No. Oh!",)]


def test_silence_stays_between_cues():
    """A cue ends with its last word, but lasts at least 1 s."""
    made = [TimedWord("This is a long sentence indeed.", 0.0, 2.5, 0, True), TimedWord("Hm.", 6.0, 6.2, 0, True)]
    assert [(cue.start, cue.end) for cue in cues(made)] == [(0.0, 2.5), (6.0, 7.0)]


def test_word_longer_than_a_line_goes_on_in_the_next():
    """A word longer than a line is split over lines, keeps all characters, and divides its time."""
    found = cues([TimedWord("x" * 100, 0.0, 4.0, 0, True)])
    assert [line for cue in found for line in cue.lines] == ["x" * 42, "x" * 42, "x" * 16]
    assert found[-1].end == 4.0


@pytest.mark.parametrize("pieces", [["你好，"] * 20, ["こんにちは"] * 12])
def test_wide_characters_make_shorter_lines(pieces):
    """A line has at most 16 wide characters, with no spaces between them."""
    found = cues([TimedWord(piece, i, i + 0.9, 0, spaced=False) for i, piece in enumerate(pieces)])
    assert max(len(line) for cue in found for line in cue.lines) <= 16
    assert "".join(line for cue in found for line in cue.lines) == "".join(pieces)


def test_accents_and_invisible_characters_take_no_column():
    """Accents, invisible characters and Hindi vowel signs take no column; each right-to-left letter takes one."""
    assert width("e\u0301\u200b") == 1
    assert width("कु") == 1
    assert width("שלום") == 4


def test_no_cue_ends_with_a_title():
    """The full stops of "Dr." and "Mr." end no line, and the name follows in the same line."""
    text = "On March the fifth of that year, Dr. Smith paid them all of what he owed, and he (Mr. Smith) was glad."
    found = cues(spoken(text, pause=0.0))
    assert not any(line.endswith(("Dr.", "(Mr.")) for cue in found for line in cue.lines)


def test_no_words_make_no_cue():
    """Without words there are no cues, and no error."""
    assert cues([]) == []
