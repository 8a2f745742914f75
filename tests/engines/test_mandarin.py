"""Tests of Mandarin phonemes with the real jieba, pypinyin and cn2an."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakkit import paths
from speakkit.engines import registry
from speakkit.errors import EngineError
from speakkit.text.sentences import Sentence
from speakkit.voices import SAMPLES

mandarin = pytest.importorskip("speakkit.engines.mandarin", reason="the extra zh is not installed")
SYMBOLS = frozenset(json.loads((paths.data() / "kokoro" / "config.json").read_text())["vocab"])


def tokens(text):
    with registry.phonemizer("zh") as phonemizer:
        (found,) = phonemizer.phonemize([Sentence(text, 0)])
    return found.result()


def test_sample_is_said_in_known_symbols():
    """The words, tones and marks of the sample are phonemized with Kokoro's vocabulary."""
    found = tokens(SAMPLES["zh"])
    assert [token.text for token in found][:3] == ["大家", "早上好", "，"]
    assert found[0].phonemes == "ta↘ʨja→"
    assert {symbol for token in found for symbol in token.phonemes} <= SYMBOLS
    assert all(token.phonemes for token in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1863年", "一八六三年"),
        ("2026年11月23日", "二零二六年十一月二十三日"),
        ("50%", "百分之五十"),
        ("3.5", "三点五"),
        ("2,500", "二千五百"),
        ("15:30", "十五点三十分"),
        ("12°C", "十二摄氏度"),
        ("-5", "负五"),
        ("1/2", "二分之一"),
        ("007", "零零七"),
        ("138-0013-8000", "一三八，零零一三，八零零零"),
        ("2024-01-02", "二零二四年一月二日"),
        ("1" * 20, "一" * 20),
    ],
)
def test_numbers_are_said_in_characters(text, said):
    """Years, dates, fractions and times are written as characters; very long numbers are written digit by digit."""
    assert mandarin.number(text) == said
    assert [token.text for token in tokens(text)] == [text]


def test_ranges_and_foreign_words():
    """A range sign has the phonemes of "to", English words have English phonemes, and other scripts have none."""
    found = {token.text: token.phonemes for token in tokens("10-20元 hello Привет")}
    assert found["-"] == "tau↘"
    assert found["hello"] == "həlˈO"
    assert found["Привет"] == ""


def test_wide_letters_and_degrees():
    """Full-width letters, digits and degree signs are read as their plain forms, at their own offsets."""
    found = {token.text: token.phonemes for token in tokens("ＡＢ，１２：３０，25℃")}
    assert found["ＡＢ"]
    assert found["１２：３０"] == tokens("12:30")[0].phonemes
    assert found["25℃"] == tokens("25°C")[0].phonemes


def test_character_without_a_reading_is_alone_without_phonemes():
    """A character without a reading is a token without phonemes, and the word beside it keeps its phonemes."""
    found = {token.text: token.phonemes for token in tokens("你好\U00020bb7")}
    assert found["你好"]
    assert found["\U00020bb7"] == ""


@settings(deadline=None, max_examples=150)
@given(
    st.text(
        st.sampled_from(
            "大家早上好一二不儿了。，！？“”（）1905.,:%年月日-~ABcd ａＢ１\u3000\N{GRINNING FACE}éП龘\U00020bb7々"
        )
        | st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")),
        min_size=1,
        max_size=40,
    )
)
def test_nothing_of_any_text_is_lost(nothing_is_lost, text):
    """For any text, every letter and digit is in exactly one token."""
    nothing_is_lost(text, tokens(text))


def test_missing_extra_says_what_to_install(monkeypatch):
    """If the extra zh is not installed, the error has the pip command that installs it."""
    monkeypatch.setitem(registry.EXTRAS, "zh", ("zh", ("jieba_that_is_not_there",)))
    with pytest.raises(EngineError, match=r"pip install 'speakkit\[zh\]'"):
        registry.phonemizer("zh")
