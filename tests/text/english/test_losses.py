"""Nothing that was written is swallowed by a rule that takes it for something else."""

import pytest


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Open until 8.30pm", "Open until eight thirty P M"),
        ("lr=1e-4", "L R equals one times ten to the minus four"),
        ("x₂ages_foo", "X two ages foo"),
        ("déjà_vu.txt", "déjà vu dot T X T"),
        ("Done [5m30s]", "Done [five minutes thirty seconds]"),
        ("[12ms]", "[twelve milliseconds]"),
        ("[32mPASS[0m", " PASS "),
    ],
)
def test_losses(aloud, text, spoken):
    """The point, the sign, the digits and the letters behind them are heard."""
    assert aloud(text).strip() == spoken.strip()
