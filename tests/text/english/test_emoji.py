"""Tests of emoji, spoken as words."""

import pytest

from speakkit.text.english.emoji import RULES
from speakkit.text.english.tables import readings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("🚀", "rocket"),
        ("so good 😂😂😂", "so good face with tears of joy"),
        ("👍🏽 ❤️ ❤", "thumbs up red heart"),
        ("👨‍👩‍👧", "family man woman girl"),
        ("🤷🏻‍♀️", "woman shrugging"),
        ("🇫🇷 and 🇺🇸", "flag of France and flag of the United States"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "flag of England"),
        ("Done!🎉", "Done! party popper"),
        ("✅ passed", "check mark passed"),
        ("⚠️ careful", "warning careful"),
        ("1️⃣ first", "one first"),
        ("🎉🚀", "party popper rocket"),
    ],
)
def test_each_is_named_once(said, text, expected):
    """An emoji is spoken by its short name; skin tones, selectors and repetitions are left out."""
    assert said(text) == expected


@pytest.mark.parametrize("text", ["plain", "1 # *", "© 2024", "™", "5 × 3"])
def test_other_signs_are_left_alone(rewrites, text):
    """A sign that is an emoji only with a variation selector is left alone without one."""
    assert rewrites(text) == []


def test_every_emoji_is_matched_whole(said):
    """Every emoji of the table is replaced as a whole, also after a word."""
    for emoji, (name, *_) in readings("emoji").items():
        spoken = said(f"x {emoji}\ufe0f")
        assert emoji not in spoken, (emoji, name)


def test_an_emoji_may_be_passed_over_too(all_readings):
    """Leaving out an emoji is a valid reading."""
    assert all_readings("🚀") == ("rocket", "")


def test_costs_grow_with_the_length_alone(slow, trap):
    """Each rule reads 100,000 characters of each trap in at most 5 s of processor time."""
    assert slow(RULES, trap) == []
