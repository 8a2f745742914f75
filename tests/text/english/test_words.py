"""Tests of titles, streets, abbreviations and initialisms."""

import pytest

from speakkit.text.verbalize import verbalize


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("No. I will not.", "No. I will not."),
        ("no. 5 and p.5", "number five and page five"),
        ("the max. value", "the maximum value"),
        ("St. John St.", "Saint John Street."),
        ("on 42nd St, I think", "on forty second Street, I think"),
        ("See Dr. No", "See Doctor No"),
        ("Mr. and Mrs. Hill", "Mister and Missus Hill"),
        ("on Elm Dr.", "on Elm Drive."),
        ("100 E. Main", "one hundred East Main"),
        ("Smith Jr. said", "Smith Junior said"),
        ("U.S. Army", "U S Army"),
        ("the B2B and e2e tests", "the B to B and end to end tests"),
    ],
)
def test_abbreviations(aloud, text, spoken):
    """Abbreviations are expanded by the words before and after them."""
    assert aloud(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("the PDFs", "the PDFs"),
        ("NASAs", "NASAs"),
    ],
)
def test_plurals_of_initialisms_stay(aloud, text, spoken):
    """Plurals of initialisms stay as written, because engines pronounce them well."""
    assert aloud(text) == spoken


def test_plurals_of_initialisms_may_be_heard_as_letters():
    """The plural of an initialism has two valid readings: as written and as letters."""
    (rewrite,) = verbalize("PDFs", "en-us")
    assert rewrite.readings == ("PDFs", "P D Fs")
