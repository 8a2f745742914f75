"""Tests of Japanese phonemes with the real Open JTalk."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakkit import paths
from speakkit.engines import registry
from speakkit.errors import EngineError
from speakkit.text.sentences import Sentence
from speakkit.voices import SAMPLES

japanese = pytest.importorskip("speakkit.engines.japanese", reason="the extra ja is not installed")
SYMBOLS = frozenset(json.loads((paths.data() / "kokoro" / "config.json").read_text())["vocab"])


def tokens(text):
    with registry.phonemizer("ja") as phonemizer:
        (found,) = phonemizer.phonemize([Sentence(text, 0)])
    return found.result()


def spoken(text):
    return "".join(token.phonemes + " " * token.spaced for token in tokens(text)).strip()


@pytest.mark.parametrize(
    ("reading", "phonemes"),
    [
        ("コンニチワ", "koɲɲiʨiβa"),
        ("シンブン", "ɕimbɯɴ"),
        ("トーキョー", "toːkʲoː"),
        ("ガッコー", "ɡaʔkoː"),
        ("シ’タ", "ɕita"),
        ("ティッシュ", "tʲiʔɕɨ"),
    ],
)
def test_readings_become_symbols(reading, phonemes):
    """Kana become phonemes: nasals by the next sound, long vowels, doubled consonants, and morae of two kana."""
    assert japanese.phonemes(reading) == phonemes


def test_every_mora_is_in_known_symbols():
    """All 164 entries of the kana table use Kokoro's vocabulary."""
    assert {symbol for phonemes in japanese.KANA.values() for symbol in phonemes} <= SYMBOLS
    assert len(japanese.KANA) == 164


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        (SAMPLES["ja"][:12], "ohajoː ɡoʣai masɨ. kʲoː"),
        ("学校へ行った。", "ɡaʔkoː e iʔta."),
        ("彼は「はい」と言った！", "kaɾe βa “hai” to iʔta!"),
        ("3本のペン", "saɴ boɴ no peɴ"),
        ("東京、大阪", "toːkʲoː, oːsaka"),
    ],
)
def test_words_are_read_as_they_are_said(text, phonemes):
    """Particles, numbers with counters, doubled consonants across words, and quotes are read as they are pronounced."""
    assert spoken(text) == phonemes


def test_digits_are_one_token_where_they_stand():
    """A number is one token at its offset, although Open JTalk makes six words of 1863."""
    assert [(token.text, token.start) for token in tokens("1863年に、50%が")][:2] == [("1863", 0), ("年", 4)]


def test_latin_words_are_read_not_spelt():
    """Latin words are read by the dictionary if it has them, else as English; words in capitals are spelled."""
    found = {token.text: token.phonemes for token in tokens("Hello、Kokoro、ＡＢＣ")}
    assert found["Hello"] == "haɾoː"
    assert found["Kokoro"].startswith("kəkˈ")
    assert found["ＡＢＣ"] == "eibʲiːɕiː"


def test_text_is_read_however_it_is_written():
    """Half-width kana, decomposed voicing marks and full-width digits do not change the phonemes."""
    assert spoken("ﾃﾞｰﾀとﾊﾟﾝ") == spoken("データとパン")
    assert spoken("か\u3099っこう") == spoken("がっこう")
    assert spoken("気温は－５度") == spoken("気温は-5度") != spoken("気温は5度")
    assert [token.text for token in tokens("ﾃﾞｰﾀは")] == ["ﾃﾞｰﾀ", "は"]


def test_accents_and_apostrophes_are_of_words():
    """Accented letters and apostrophes are part of a word; Open JTalk alone would spell its letters."""
    found = {token.text: token.phonemes for token in tokens("Beyoncéはdon\u2019tと")}
    assert found["Beyoncé"].startswith("bˌA")
    assert found["don\u2019t"] == "dˈOnt"


def test_other_scripts_are_not_pretended_to_be_said():
    """Words in other scripts are tokens without phonemes, so that they are reported as lost."""
    for text in ("これは Привет です", "ﾊﾟﾝを食べた、Приветと言った。"):
        found = {token.text: token.phonemes for token in tokens(text)}
        assert found["Привет"] == ""


@settings(deadline=None, max_examples=150)
@given(
    st.text(
        st.sampled_from(
            "東京三百人はがをとっょーンアイ。、！？「」（）1905.,:%年月本ABcd ａＢ１\u3000\N{GRINNING FACE}éП・々ｱ"
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
    """If the extra ja is not installed, the error has the pip command that installs it."""
    monkeypatch.setitem(registry.EXTRAS, "ja", ("ja", ("pyopenjtalk_that_is_not_there",)))
    with pytest.raises(EngineError, match=r"pip install 'speakkit\[ja\]'"):
        registry.phonemizer("ja")
