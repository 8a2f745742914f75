"""Tests of amounts of money."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("+$5", "plus five dollars"),
        ("$-5", "minus five dollars"),
        ("5$", "five dollars"),
        ("Rs 500", "five hundred rupees"),
        ("€5,50", "five euros and fifty cents"),
        ("$1,000", "one thousand dollars"),
        ("$.50", "fifty cents"),
        ("$1.005", "one point zero zero five dollars"),
        ("a $10-million deal", "a ten million dollar deal"),
        ("$10 mil", "ten million dollars"),
        ("$5/hr", "five dollars per hour"),
        ("5 €/month", "five euros per month"),
    ],
)
def test_money(aloud, text, spoken):
    """An amount is spoken with its sign, cents, magnitude and period."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("$5-€10", "five dollars to ten euros"),
        ("$5-10/hour", "five to ten dollars per hour"),
        ("$1m-$2m", "one million dollars to two million dollars"),
        ("$5 and $10", "five dollars and ten dollars"),
    ],
)
def test_ranges(aloud, text, spoken):
    """Each end of a range has its own currency, and the period is spoken once."""
    assert aloud(text) == spoken
