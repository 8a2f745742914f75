"""Tests of the conversion of dictionary IPA to the engine's symbols."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.text.ipa import misaki_symbols


@pytest.mark.parametrize(
    ("ipa", "symbols"),
    [
        ("/kəˈkoʊɹoʊ/", "kəkˈOɹO"),
        ("[ˈpaɪθən]", "pˈIθən"),
        ("t͡ʃɜːt͡ʃ", "ʧɜːʧ"),
        ("dʒʌdʒ", "ʤʌʤ"),
        ("ˈbʌt.n̩", "bˈʌtᵊn"),
        ("ˈwɔtər", "wˈɔtəɹ"),
        ("gəʊ", "ɡQ"),
        ("bɔɪ haʊ", "bY hW"),
        ("fɪˈɑ̃seɪ", "fɪˈɑ̃sA"),
        ("ˈnuː ˈjɔːk", "nˈuː jˈɔːk"),
        ("'k^at", "kˈat"),
        ("ˈpit͡sə kæts", "pˈiʦə kæts"),
        ("garçon", "ɡaɹçon"),
        ("", ""),
    ],
)
def test_dictionary_spellings(ipa, symbols):
    """Diphthongs, affricates, ties, syllable marks and ASCII substitutes convert; stress moves before the vowel."""
    assert misaki_symbols(ipa) == symbols


@given(st.text(alphabet="ˈˌ. ːtʃdʒaɪeəɚɝoʊɔrgɹçc\u0327ʷ\u0361\u0303\u0329AIOWYQʧʤᵊn/':^"))
def test_nothing_changes_twice(ipa):
    """Converting the engine's symbols again changes nothing."""
    once = misaki_symbols(ipa)
    assert misaki_symbols(once) == once


@pytest.mark.parametrize("lexicon", ["us_gold.json", "gb_gold.json"])
def test_misakis_own_lexicons_stay(lexicon):
    """misaki's lexicons stay, except the few words in which t meets \u0283 and misaki keeps the two apart."""
    entries = json.loads(files("misaki.data").joinpath(lexicon).read_text("utf-8")).values()
    spoken = [entry for entry in entries if isinstance(entry, str)]
    changed = [phonemes for phonemes in spoken if misaki_symbols(phonemes) != phonemes]
    assert len(changed) < len(spoken) / 2000
