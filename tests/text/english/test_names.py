"""Tests of numbers that are names, Roman numerals, and words that contain digits."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("In Part I of the book", "In Part one of the book"),
        ("see part I.", "see part one."),
        ("World War I ended", "World War one ended"),
        ("Type I errors", "Type one errors"),
        ("Louis XIV's court", "Louis the fourteenth's court"),
        ("Elizabeth I never married", "Elizabeth the first never married"),
        ("Rocky IV", "Rocky four"),
    ],
)
def test_numerals(aloud, text, spoken):
    """Roman numerals after headings, monarchs and titles are spoken as numbers."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Part I liked", "Part I liked"),
        ("the book I read", "the book I read"),
        ("Charles I said so", "Charles I said so"),
        ("Class C", "Class C"),
        ("Type A", "Type A"),
        ("John V. Lindsay", "John V. Lindsay"),
        ("The IV drip", "The IV drip"),
        ("Malcolm X", "Malcolm X"),
    ],
)
def test_letters_that_are_no_numerals(aloud, text, spoken):
    """The pronoun I, grades, initials, surnames and "IV drip" are not Roman numerals."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Room 1508", "Room fifteen oh eight"),
        ("PIN 1999", "PIN one nine nine nine"),
        ("I train 150 models", "I train one hundred fifty models"),
        ("in order 1000 men", "in order one thousand men"),
        ("the MP3s", "the M P threes"),
        ("COVID-19", "COVID nineteen"),
        ("a1²", "A one ²"),
    ],
)
def test_numbers_as_names(aloud, text, spoken):
    """A number that is a name is spoken in pairs, or digit by digit if it is a code."""
    assert aloud(text) == spoken
