"""Tests of counts, fractions, ratios, scores, ranges, percentages, powers and ordinals."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("5-10k users", "five to ten thousand users"),
        ("5k-10k", "five to ten thousand"),
        ("-5%", "minus five percent"),
        ("3 × 10⁸", "three times ten to the eighth"),
        ("1920x1080", "nineteen twenty by ten eighty"),
        ("4x4", "four by four"),
        ("7/8ths", "seven eighths"),
        ("1/5th", "one fifth"),
        ("5 1/37", "five and one over thirty seven"),
        ("0-306-40615-X", "zero, three zero six, four zero six one five, X"),
        ("a 10-5-2 record", "a ten, five, two record"),
        ("21ST", "twenty first"),
    ],
)
def test_quantities(aloud, text, spoken):
    """A quantity is spoken with all its signs, parts and suffixes."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("10 000", "ten thousand"),
        ("1 2 3", "one two three"),
        ("12 345", "twelve three hundred forty five"),
        ("a 3 to 1 vote", "a three to one vote"),
        ("2 in 3 people", "two in three people"),
        ("over 9000 users", "over nine thousand users"),
        ("The UK 20000 people", "The UK twenty thousand people"),
        ("4111 1111 1111 1111", "four one one one, one one one one, one one one one, one one one one"),
        ("٣ cats", "three cats"),
    ],
)
def test_numbers_in_prose(aloud, text, spoken):
    """A group of digits in prose is one number or several, as the context requires."""
    assert aloud(text) == spoken
