"""Tests that no written text is lost to a rule that mistakes it for something else."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It is 98.6F.", "It is ninety eight point six F."),
        ("36.2it/s", "thirty six point two it/s"),
        ("7.2.1foo", "seven point two point one foo"),
        ("Open until 8.30pm", "Open until eight thirty P M"),
        ("lr=1e-4", "L R equals one times ten to the minus four"),
        ("x₂ages_foo", "X two ages foo"),
        ("déjà_vu.txt", "déjà vu dot T X T"),
        ("Done [5m30s]", "Done [five minutes thirty seconds]"),
        ("[12ms]", "[twelve milliseconds]"),
        ("[32mPASS[0m", " PASS "),
        ("All passed (12/12)", "All passed (twelve out of twelve)"),
        ("DC, 20001-1234", "DC, two zero zero zero one, one two three four"),
    ],
)
def test_losses(aloud, text, spoken):
    """The decimal point, the sign, the digits and the letters after them are spoken."""
    assert aloud(text).strip() == spoken.strip()
