"""Emoji in words."""

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
    """By its short name; tones, selectors and repetition are not said."""
    assert said(text) == expected


@pytest.mark.parametrize("text", ["plain", "1 # *", "© 2024", "™", "5 × 3"])
def test_other_signs_are_left_alone(rewrites, text):
    """What has an emoji's form only with a selector is no emoji without it."""
    assert rewrites(text) == []


def test_every_emoji_is_matched_whole(said):
    """Each of the table, by itself and behind a word."""
    for emoji, (name, *_) in readings("emoji").items():
        spoken = said(f"x {emoji}\ufe0f")
        assert emoji not in spoken, (emoji, name)


def test_an_emoji_may_be_passed_over_too(all_readings):
    """It is a valid reading not to say it."""
    assert all_readings("🚀") == ("rocket", "")


def test_costs_grow_with_the_length_alone(slow, trap):
    """A hundred thousand characters of anything are read in no time."""
    assert slow(RULES, trap) == []
