"""Tests of numbers with a unit."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("I am 5 ft. tall.", "I am five feet tall."),
        ("5 ft 10 in tall", "five feet ten inches tall"),
        ("5 in. wide", "five inches wide"),
        ("at 10 m.p.h.", "at ten miles per hour."),
        ("the 100 m dash", "the one hundred meter dash"),
        ("the 5 km we ran", "the five kilometers we ran"),
        ("+5 °C", "plus five degrees Celsius"),
        ("10 000 km", "ten thousand kilometers"),
        ("10\u202f500 km", "ten thousand five hundred kilometers"),
        ("1/37 km", "one over thirty seven kilometer"),
        ("1080x1920 px", "ten eighty by nineteen twenty pixels"),
        ("a 5'10\" man", "a five foot ten man"),
        ('It is 6" long', "It is six inches long"),
        ("1d2h3m", "one day two hours three minutes"),
    ],
)
def test_units(aloud, text, spoken):
    """Units are spoken with powers, ranges and signs, and in the singular before the noun they describe."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("5 A students", "five A students"),
        ("3 TV shows", "three TV shows"),
        ("Apartment 5-B", "Apartment five-B"),
        ("I saw 5 in total", "I saw five in total"),
        ("123 N. Main St.", "one hundred twenty three North Main Street."),
        ("70 F", "seventy degrees Fahrenheit"),
        ("F-16s flew", "F sixteens flew"),
    ],
)
def test_letters_that_are_no_units(aloud, text, spoken):
    """Letters of grades, apartments, compass points and aircraft, "TV" and the word "in" are not units."""
    assert aloud(text) == spoken
