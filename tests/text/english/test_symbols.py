"""Tests of signs that are spoken as words."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("x - 5", "x minus five"),
        ("5 + 3 = 8", "five plus three equals eight"),
        ("> $5", "greater than five dollars"),
        ("AT&T", "AT and T"),
        ("#1,000", "number one thousand"),
        ("#5-7", "numbers five to seven"),
        ("Ctrl+Shift+F5", "Control Shift F five"),
        ("an A- grade", "an A minus grade"),
        ("A–Z", "A to Z"),
        ("√2 ≈ 1.4", "the square root of two is about one point four"),
    ],
)
def test_signs(aloud, text, spoken):
    """Signs between operands or before a number are spoken as words."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("He left - a good man.", "He left - a good man."),
        ("Rooms - 5 in total", "Rooms - five in total"),
        ("in 2020 - a year of rain", "in twenty twenty - a year of rain"),
        ("plan A — I think", "plan A — I think"),
    ],
)
def test_dashes_between_words_are_none(aloud, text, spoken):
    """A dash that separates phrases is not spoken as a minus sign."""
    assert aloud(text) == spoken
