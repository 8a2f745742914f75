"""Tests of times of day, durations and telephone numbers."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("9:30-11", "nine thirty to eleven"),
        ("5-6pm", "five to six P M"),
        ("at 4:30 a.m.", "at four thirty A M."),
        (
            "2014-06-01T14:30:05.123Z",
            "June first twenty fourteen at fourteen thirty and five point one two three seconds U T C",
        ),
        ("2024-05-05 10:30+0200", "May fifth twenty twenty four at ten thirty U T C plus two"),
        ("10:30:00Z", "ten thirty U T C"),
        ("UTC+2", "U T C plus two"),
        ("GMT-3:30", "G M T minus three thirty"),
        ("1:02:03", "one oh two oh three"),
        ("0:00:00.5", "zero oh oh oh zero point five"),
        ("2:30:01 PM", "two thirty oh one P M"),
        ("1:23.45", "one twenty three point four five"),
    ],
)
def test_times(aloud, text, spoken):
    """A time is spoken with its zone, seconds and fractions of seconds."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("1-800-4GO", "one, eight hundred, four G O"),
        ("1-800-FLOWERS", "one, eight hundred, flowers"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
        ("call 555-1234", "call five five five, one two three four"),
        ("300-1500 words", "three hundred to one thousand five hundred words"),
        ("called 911 people", "called nine hundred eleven people"),
    ],
)
def test_telephone_numbers(aloud, text, spoken):
    """Telephone numbers are spoken digit by digit, including their letters; ranges and counts are not."""
    assert aloud(text) == spoken
