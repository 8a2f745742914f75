"""Tests of showing foreign text: what steers a terminal or misleads a reader is escaped, ordinary text is kept."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.printable import UNSAFE, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]52;c;cGFzdGU=\x07", r"\x1b]52;c;cGFzdGU=\x07"),
        ("\x1b]8;;http://x\x1b\\link", r"\x1b]8;;http://x\x1b" + r"\link"),
        ("\x9b2J\x85\x7f\0", r"\x9b2J\x85\x7f\x00"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        ("\u202egnp.exe\u202c \u2066x\u2069", r"\u202egnp.exe\u202c \u2066x\u2069"),
        ("f\u200b1 f\u20601 \ufefff1", r"f\u200b1 f\u20601 \ufefff1"),
        ("pay\u200dpal \u200c \u200d\u200d", r"pay\u200dpal \u200c \u200d\u200d"),
        ("caf\udce9 \ud83d", r"caf\udce9 \ud83d"),
        ("x\U000e0041", r"x\U000e0041"),
    ],
)
def test_what_steers_or_misleads_is_escaped(text, shown):
    """Control characters, changes of direction, invisible characters and halves of characters are escaped."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        r"C:\new [red]bold[/red] 100 %",
        "naïve café, e\u0301 with a mark, 中文、日本語　한국어",
        "שלום \u200fעולם, مرحبا \u061cبالعالم",
        "می\u200cخواهم",
        "क्\u200dष ক্\u200cষ",
        "👩\u200d👩\u200d👧 🏳\ufe0f\u200d🌈 ❤\ufe0f\u200d🔥 👍🏽 1\ufe0f\u20e3 🇩🇪",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ],
)
def test_ordinary_text_is_kept(text):
    """Text in all scripts, emoji and combining marks are kept, with the joiners and marks that they need."""
    assert printable(text) == text


@given(st.text(st.characters()))
def test_any_text_becomes_one_line_that_can_be_written(text):
    """The result has no control characters, can be encoded, has one line, and is kept as it is a second time."""
    shown = printable(text)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in shown)
    assert shown.encode().decode() == shown
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown
    assert not UNSAFE.search(shown)
