"""Tests of the English rules: offsets, other readings, and texts that could make a pattern slow."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from speakkit.text.verbalize import verbalize

BOOK = (Path(__file__).parents[1] / "data" / "alice29.txt").read_text()


def said(text, language="en-us"):
    """Return `text` with its rewrites applied."""
    spoken, at = "", 0
    for rewrite in verbalize(text, language):
        assert at <= rewrite.start < rewrite.end <= len(text)
        spoken += text[at : rewrite.start] + rewrite.spoken
        at = rewrite.end
    return spoken + text[at:]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1508", {"one thousand five hundred eight", "fifteen oh eight"}),
        ("2026-11-23", {"November twenty third twenty twenty six", "the twenty third of November twenty twenty six"}),
        ("3/4", {"three quarters", "three fourths", "three out of four"}),
        ("$5.99", {"five dollars and ninety nine cents", "five ninety nine"}),
    ],
)
def test_a_rewrite_holds_every_valid_reading(text, expected):
    """A rewrite lists all its valid readings, the spoken one first."""
    (rewrite,) = verbalize(text, "en-us")
    assert expected <= set(rewrite.readings)
    assert rewrite.readings[0] == rewrite.spoken


def test_a_reading_has_no_stop_and_no_padding():
    """A reading has no full stop and no padding, which belong to the sentence and to neighbouring words."""
    *_, rewrite = verbalize("(5km), etc.", "en-us")
    assert rewrite.spoken == "et cetera."
    assert rewrite.readings[0] == "et cetera"


def test_what_is_best_said_as_written_may_have_other_readings():
    """A word spoken as written may list other readings, without a rule; a plain word has no readings."""
    assert [(r.rule, r.spoken, r.readings) for r in verbalize("The PDFs here", "en-us")] == [
        ("", "PDFs", ("PDFs", "P D Fs"))
    ]


def test_british_dates_begin_with_the_day():
    """3/4/2026 is in April in British English, and in March in American English."""
    assert "April" in said("Due 3/4/2026.", "en-gb")
    assert "March" in said("Due 3/4/2026.", "en-us")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_has_rewrites_in_order_and_apart(text):
    """Rewrites of any Unicode text are in order and do not overlap."""
    said(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789.,:/-–$€£%°'\"() aAmMkKpPxX#+=<>~^IVX", max_size=60))
@example("A0.0")
@example("A=00<")
def test_no_digit_is_passed_over(text):
    """Every digit is spoken as words: none is left for the engine to guess, and none vanishes."""
    rewritten = {i for rewrite in verbalize(text, "en-us") for i in range(rewrite.start, rewrite.end)}
    for rewrite in verbalize(text, "en-us"):
        if any(character.isdigit() for character in text[rewrite.start : rewrite.end]):
            assert any(character.isalpha() for character in rewrite.spoken)
    left = [i for i, character in enumerate(text) if character.isdigit() and i not in rewritten]
    assert not left, f"{text!r} keeps digits at {left}"


@pytest.mark.parametrize(
    "trap",
    [
        "1",
        "1,",
        "1-",
        "1/",
        "$1",
        "A.",
        "a'",
        "1 ",
        "I",
        "-",
        ".",
        "aA",
        "1a",
        "(1)",
        "x1",
        "1:",
        "%",
        "'",
        "5m ",
        "A-",
        "a/",
    ],
)
def test_rules_cost_no_more_than_their_share(trap):
    """A sentence of the maximum 1,000 characters of a trap takes less than 60 times as long as prose."""
    from time import perf_counter

    def cost(text):
        start = perf_counter()
        for _ in range(3):
            verbalize(text, "en-us")
        return perf_counter() - start

    prose = BOOK[2000:3000]
    verbalize(prose, "en-us")
    assert cost((trap * 1000)[:1000]) < 60 * max(cost(prose), 0.001)


def test_prose_is_left_alone():
    """In a whole book, little more than numerals and abbreviations is rewritten."""
    touched = [BOOK[r.start : r.end] for start in range(0, len(BOOK), 1000) for r in _in(start)]
    assert len(touched) < 120, touched


def _in(start):
    from dataclasses import replace

    return [
        replace(r, start=r.start + start, end=r.end + start) for r in verbalize(BOOK[start : start + 1000], "en-us")
    ]
