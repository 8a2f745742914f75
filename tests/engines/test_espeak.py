"""Tests of Spanish, French, Hindi, Italian and Portuguese phonemes with the real espeak-ng."""

import json
from concurrent.futures import ThreadPoolExecutor

import phonemizer.backend
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakkit import paths
from speakkit.engines import espeak, registry
from speakkit.errors import EngineError
from speakkit.text.sentences import Sentence
from speakkit.voices import SAMPLES

SYMBOLS = frozenset(json.loads((paths.data() / "kokoro" / "config.json").read_text())["vocab"])
LANGUAGES = ("es", "fr-fr", "hi", "it", "pt-br")


def tokens(language, text):
    with registry.phonemizer(language) as phonemizer:
        (found,) = phonemizer.phonemize([Sentence(text, 0)])
    return found.result()


def said(language, text):
    return {token.text: token.phonemes for token in tokens(language, text)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_samples_are_said_in_known_symbols(language):
    """Each word of a language's sample has phonemes, all of them in Kokoro's vocabulary."""
    found = tokens(language, SAMPLES[language])
    assert [token.text for token in found if token.is_word and not token.phonemes] == []
    assert {symbol for token in found for symbol in token.phonemes} <= SYMBOLS


@pytest.mark.parametrize(
    ("language", "text", "word", "phonemes"),
    [
        ("es", "Tengo 3,5 litros.", "3,5", "tɾˈes koma θˈinko"),
        ("es", "En 1863 llegó.", "1863", "mˈil oʧoθjˈentos sɛsˌɛntaitɾˈes"),
        ("fr-fr", "Les enfants dorment.", "enfants", "ɑ̃fˈɑ̃"),
        ("fr-fr", "Il a 1\u00a0000 euros.", "1\u00a0000", "mˈil"),
        ("fr-fr", "Il a 2 500 000 amis.", "2 500 000", "dø miljˈɔ̃ sɛ̃ksɑ̃ mˈil"),
        ("fr-fr", "L\u2019ami d\u2019aujourd\u2019hui.", "d\u2019aujourd\u2019hui", "doʒuʁdyˈi"),
        ("fr-fr", "En 2023 150 000 personnes.", "2023", "dø mil vɛ̃ttʁwˈa"),
        ("fr-fr", "En 2023 150 000 personnes.", "150 000", "sɑ̃ sɛ̃kɑ̃t mˈil"),
        ("es", "Cuesta 2 500 000 euros.", "2 500 000", "ðˈos miʝˈones kinjˈɛntos mˈil"),
        ("es", "Estamos a -5 grados.", "-5", "mˈenos θˈinko"),
        ("es", "Vamos a co\u00adoperar.", "co\u00adoperar", "kˌoopeɾˈaɾ"),
        ("hi", "क्\u200dया हुआ?", "क्\u200dया", "kːjaː"),
        ("hi", "हम १२ बजे मिलेंगे।", "१२", "bˈaːɾəh"),
        ("it", "Perché l'uomo non c'è?", "c'è", "ʧˈɛː"),
        ("pt-br", "São 25 pessoas.", "25", "vˈiŋʧyisˈiŋkʊ"),
    ],
)
def test_words_keep_their_own_phonemes(language, text, word, phonemes):
    """Each word has its own phonemes, also long numbers, grouped thousands, and words changed by their neighbours."""
    assert said(language, text)[word] == phonemes


@pytest.mark.parametrize(
    ("language", "text", "marks"),
    [
        ("es", "¿Qué? ¡No! (Sí) — «hoy»…", "?!()—“”…"),
        ("fr-fr", "« Oui ; non ! »", "“;!”"),
        ("hi", "हाँ। नहीं॥", ".."),
        ("it", "A, b: c.", ",:."),
    ],
)
def test_marks_are_those_that_kokoro_knows(language, text, marks):
    """Punctuation becomes marks that Kokoro has: the danda a full stop, angles quotes; inverted marks are dropped."""
    assert "".join(token.phonemes for token in tokens(language, text) if not token.is_word) == marks


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None, max_examples=60)
@given(
    text=st.text(
        st.sampled_from(
            "aéñçhl'\u2019 \u00a0,.;:!?¿¡«»()1250-—…$%@/ hola les enfants न मस्ते १।你Пр\N{GRINNING FACE}e\u0301"
        )
        | st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")),
        min_size=1,
        max_size=60,
    )
)
def test_nothing_of_any_text_is_lost(nothing_is_lost, language, text):
    """For any text, every letter and digit is in exactly one token."""
    nothing_is_lost(text, tokens(language, text))


@pytest.mark.parametrize(("language", "word"), [("es", "你好"), ("fr-fr", "Привет"), ("it", "नमस्ते"), ("hi", "你好")])
def test_other_scripts_are_not_pretended_to_be_said(language, word):
    """Words in other scripts have no phonemes; espeak-ng would say "Chinese letter"."""
    assert said(language, f"{word} a")[word] == ""


def test_emoji_are_passed_over():
    """Emoji make no token, although espeak-ng would say "grinning face"; a number with a degree sign is a word."""
    assert [token.text for token in tokens("es", "hola \N{GRINNING FACE} 20°")] == ["hola", "20°"]


def test_long_numbers_and_words_keep_their_end():
    """Long numbers are spoken digit by digit, and long words in parts; a clause of 190 numbers is spoken to its end."""
    assert said("es", "1" * 400)["1" * 400].count("ˈuno") == 400
    assert said("es", "x" * 700)["x" * 700].count("kis") == 700
    assert len(tokens("es", "1863 " * 190)) == 190
    assert [token.phonemes for token in tokens("es", "1863 " * 190)] == ["mˈil oʧoθjˈentos sɛsˌɛntaitɾˈes"] * 190


@pytest.mark.parametrize(
    ("words", "heard", "expected"),
    [
        (["a", "b"], {"a b": "x y"}, [(0, 1, "x"), (1, 2, "y")]),
        (
            ["a", "12", "b"],
            {"a 12 b": "x y z w", "a": "x", "12": "y z", "b": "w"},
            [(0, 1, "x"), (1, 2, "y z"), (2, 3, "w")],
        ),
        (["a", "b", "c"], {"a b c": "xy z", "a": "x", "b": "y", "c": "z"}, [(0, 2, "xy"), (2, 3, "z")]),
        (["a", "-", "b"], {"a - b": "x y", "a": "x", "-": "", "b": "y"}, [(0, 1, "x"), (1, 2, ""), (2, 3, "y")]),
        (["a", "b"], {"a b": "", "a": "", "b": ""}, [(0, 1, ""), (1, 2, "")]),
        (["a"], {"a": "x y z"}, [(0, 1, "x y z")]),
        ([], {"": ""}, []),
        (["-", "+"], {"- +": "x", "-": "", "+": ""}, [(0, 2, "x")]),
        (["a", "b"], {"a b": "q r x", "a": "x", "b": ""}, [(0, 1, "q r x"), (1, 2, "")]),
        (["a"], {"a": "q x"}, [(0, 1, "q x")]),
    ],
)
def test_phonemes_are_shared_out(words, heard, expected):
    """Phonemes are assigned to words: one each, many to one, one to many, none to a mark."""
    assert list(espeak.shared_out(words, lambda text: heard[text].split())) == expected


@given(st.data(), st.lists(st.sampled_from(["a", "bb", "c", "1", "-"]), max_size=8))
def test_sharing_out_keeps_everything(data, words):
    """For any phonemes of a clause, each word is in one span, and each group of phonemes in one span, in order."""
    groups = st.lists(st.sampled_from("xyzw"), max_size=3)
    heard = {word: data.draw(groups) for word in set(words)} | {
        " ".join(words): data.draw(st.lists(st.sampled_from("xyzw")))
    }
    spans = list(espeak.shared_out(words, heard.__getitem__))
    assert [i for first, last, _ in spans for i in range(first, last)] == list(range(len(words)))
    assert all(first < last for first, last, _ in spans)
    if words:
        assert " ".join(p for _, _, p in spans if p).split() == heard[" ".join(words)]


@pytest.mark.parametrize("text", ["5% à 5%", "- un 1", "a - a", "c'è - c'è", "1000 100€"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_clauses_that_are_said_otherwise_than_their_words(nothing_is_lost, language, text):
    """No letter or digit is lost in clauses whose phonemes differ from those of their words alone."""
    nothing_is_lost(text, tokens(language, text))


def test_threads_do_not_hear_each_others_words():
    """Eight threads in five languages get the same phonemes as one, although espeak-ng has one state per process."""
    texts = [(language, SAMPLES[language]) for language in LANGUAGES] * 8
    alone = [said(*text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: said(*text), texts)) == alone


def test_espeak_that_does_not_load_is_an_error(monkeypatch):
    """If espeak-ng does not load, an EngineError is raised; words are not silently dropped."""

    def broken(*_arguments, **_settings):
        raise RuntimeError("no library")

    monkeypatch.setattr(phonemizer.backend, "EspeakBackend", broken)
    with pytest.raises(EngineError, match="reinstall espeakng-loader"):
        espeak.Espeak("es")
