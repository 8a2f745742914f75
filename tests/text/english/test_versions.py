"""Tests of version numbers, as distinct from decimals and dates."""

import pytest

from speakkit.text.english.versions import RULES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v1.2.3-rc1", "version one point two point three release candidate one"),
        ("v2, v3.2.", "version two, version three point two."),
        ("1.2.3 and 2.0.0-beta.2", "one point two point three and two point zero point zero beta two"),
        ("^1.2.0 ~1.2.3", "caret one point two point zero tilde one point two point three"),
        ("python>=3.11,<3.13", "python greater than or equal to three point eleven, less than three point thirteen"),
        ("numpy==1.26.4", "numpy equals one point twenty six point four"),
        ("react@18.2.0", "react at eighteen point two point zero"),
        ("Python 3.11", "Python three point eleven"),
        ("Ubuntu 22.04", "Ubuntu twenty two oh four"),
        ("python3.11", "python three point eleven"),
        ("nginx:1.25-alpine", "nginx one point twenty five alpine"),
        ("llama-3.1-8b gpt-4o", "llama three point one eight B G P T four O"),
        ("requests-2.31.0", "requests two point thirty one point zero"),
    ],
)
def test_parts_are_numbers_of_their_own(said, text, expected):
    """Each part of a version is a number by itself: 3.10 follows 3.9."""
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1.5",
        "3.14 percent",
        "12.05.2024",
        "24.12.23",
        "mid-19th-century",
        "under-18s",
        "top-10",
        "COVID-19",
        "V8",
        "x-ray",
    ],
)
def test_other_numbers_are_left_alone(rewrites, text):
    """Decimals, dates, engines and compounds are not versions."""
    assert rewrites(text) == []


def test_other_ways_to_say_it_count(all_readings):
    """A version may be spoken with dots, without dots, and with the letter V alone."""
    ways = {"V one dot two dot three R C one", "version one two three release candidate one"}
    assert ways <= set(all_readings("v1.2.3-rc1"))


def test_costs_grow_with_the_length_alone(slow, trap):
    """Each rule reads 100,000 characters of each trap in at most 5 s of processor time."""
    assert slow(RULES, trap) == []
