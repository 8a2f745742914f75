"""Nothing that was written is swallowed by a rule that takes it for something else."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Open until 8.30pm", "Open until eight thirty P M"),
        ("x₂ages_foo", "X two ages foo"),
        ("déjà_vu.txt", "déjà vu dot T X T"),
    ],
)
def test_losses(aloud, text, spoken):
    """The point, the sign, the digits and the letters behind them are heard."""
    assert aloud(text).strip() == spoken.strip()
