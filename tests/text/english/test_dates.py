"""Tests of dates, years and decades."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Sat, Mar 5, 2022", "Saturday March fifth twenty twenty two"),
        ("Monday the 5th of May, 1990", "Monday the fifth of May nineteen ninety"),
        ("The 5th of May", "The fifth of May"),
        ("May 5-7", "May fifth to seventh"),
        ("Born 3 Jan. 1990.", "Born January third nineteen ninety."),
        ("Sun. 10am-5pm", "Sunday ten A M to five P M"),
        ("Mon–Fri", "Monday to Friday"),
        ("since 9/11/2001", "since September eleventh two thousand one"),
    ],
)
def test_dates_are_read_whole(aloud, text, spoken):
    """A date is spoken with its weekday, article, ordinal, year and range."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("May 5 people come?", "May five people come?"),
        ("On May 5 people came.", "On May fifth people came."),
        ("reduced by 1/2", "reduced by one half"),
        ("on 3/4 of it", "on three quarters of it"),
        ("since 9/11", "since nine eleven"),
        ("version 1.2.20", "version one point two point twenty"),
        ("The Earth orbits the Sun.", "The Earth orbits the Sun."),
        ("Sat on 5 chairs", "Sat on five chairs"),
    ],
)
def test_what_only_looks_like_a_date_is_none(aloud, text, spoken):
    """A count of people, a fraction, a version and the sun are not dates."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("the 50s and 60s", "the fifties and sixties"),
        ("in his 20s", "in his twenties"),
        ("the early-90s", "the early-nineties"),
        ("the 30s timeout", "the thirty second timeout"),
        ("1990-1995 was", "nineteen ninety to nineteen ninety five was"),
        ("the 2008/09 season", "the two thousand eight oh nine season"),
        ("1500 words in 2010", "one thousand five hundred words in twenty ten"),
        ("44 B.C. and A.D. 79", "forty four B C and A D seventy nine"),
    ],
)
def test_years_and_decades(aloud, text, spoken):
    """Years and decades are spoken as such; counts are not years, and seconds are not decades."""
    assert aloud(text) == spoken
