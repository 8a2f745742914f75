"""Tests of English phonemes with the real misaki and espeak-ng."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from speakkit import paths
from speakkit.text.sentences import Sentence, sentences

SYMBOLS = frozenset(json.loads((paths.data() / "kokoro" / "config.json").read_text())["vocab"])


def phonemes(engine, text):
    (tokens,) = engine.phonemize([Sentence(text, 0)])
    return " ".join(token.phonemes for token in tokens if token.phonemes)


def test_curly_apostrophe_does_not_turn_the_meaning_around(english):
    """A word with a curly apostrophe has the phonemes of the one with a straight apostrophe; it is not cut to "was"."""
    assert phonemes(english, "She wasn\u2019t there.") == phonemes(english, "She wasn't there.")


@pytest.mark.parametrize(
    "text",
    [
        "  Hello,   world!\tIt\u2019s 5'6\" \u2014 or 3.14\u2026",
        "``Oh dear!'  said (the) [Rabbit] in 1865, for $5.99 & more.",
        "don't CAPTAIN's U.S.A. co-operate na\u00efve \u4f60\u597d \u041f\u0440\u0438\u0432\u0435\u0442 x@y.org/a_b",
        "e\u0301tude \u00bd \u00b2 \U0001f600 \u200bzero\u200dwidth",
        "1" * 400,
        "wordwithoutend" * 40,
    ],
)
def test_offsets_point_at_the_text(nothing_is_lost, english, text):
    """Each token's text stands at its offset, and every letter and digit is in one token."""
    nothing_is_lost(text, [token for sentence in english.phonemize(sentences(text)) for token in sentence])


def test_invented_words_are_said(english):
    """Words that are in no lexicon get phonemes from espeak-ng."""
    (tokens,) = english.phonemize([Sentence("Zyrgblat quonned the blimvastic frobnitz.", 0)])
    assert all(token.phonemes and set(token.phonemes) <= SYMBOLS for token in tokens)


def test_a_book_is_said_without_a_gap(english):
    """Each word of chapter one of Alice has phonemes of Kokoro's vocabulary, except for espeak's stray brackets."""
    text = (Path(__file__).parent.parent / "data" / "alice29.txt").read_text()[:12_000]
    tokens = [token for sentence in english.phonemize(sentences(text)) for token in sentence if token.is_word]
    assert len(tokens) > 2000
    assert [token.text for token in tokens if not token.phonemes] == []
    assert {symbol for token in tokens for symbol in token.phonemes} - SYMBOLS <= set("[]")


@pytest.mark.parametrize(
    "word", ["\u4f60\u597d", "\u041f\u0440\u0438\u0432\u0435\u0442", "\u0645\u0631\u062d\u0628\u0627"]
)
def test_other_scripts_are_not_pretended_to_be_said(english, word):
    """Words in other scripts have no phonemes; espeak-ng would say "Chinese letter"."""
    assert phonemes(english, word) == ""


def test_marks_of_other_scripts_are_marks(english):
    """Punctuation of other scripts is punctuation, and a lone vowel sign is silent.

    espeak-ng would say "Hindi danda", and the name of the vowel sign.
    """
    assert phonemes(english, "Stop। Go。") == phonemes(english, "Stop. Go.")
    assert phonemes(english, "\u0947") == ""


@pytest.mark.parametrize(
    ("odd", "plain"), [("cafe\u0301", "café"), ("co\u00adoperate", "cooperate"), ("ﬁve ５", "ﬁve 5"), ("25℃", "25°C")]
)
def test_text_is_read_however_it_is_written(english, odd, plain):
    """Decomposed accents, soft hyphens, wide digits and compatibility characters do not change the phonemes."""
    assert phonemes(english, odd) == phonemes(english, plain)


@pytest.mark.parametrize("text", ["İ%", "-İ", "İstanbul-", "-5°C", "-25 °C"])
def test_words_that_misaki_takes_for_marks(nothing_is_lost, english, text):
    """Words that misaki takes for punctuation, or that it fails on, have phonemes for each letter and digit."""
    (tokens,) = english.phonemize([Sentence(text, 0)])
    nothing_is_lost(text, tokens)
    assert all(any(symbol.isalpha() for symbol in token.phonemes) for token in tokens if token.is_word)


def test_many_digits_are_said_one_by_one(english):
    """400 digits are spoken one by one, because num2words fails on them."""
    assert phonemes(english, "1" * 400).count("w\u02c8\u028cn") == 400


def test_endless_word_keeps_its_end(english):
    """A word longer than espeak-ng's buffer is spoken to its end."""
    assert len(phonemes(english, "x" * 700)) > 3 * len(phonemes(english, "x" * 100)) > 0


@pytest.mark.parametrize("text", ["a@" * 200, "/" * 400, "-1" * 200, "'" * 400])
def test_a_run_of_many_pieces_is_read_within_the_limit(english, text):
    """misaki's time grows with the third power of the pieces of a run: these took from 8 s to minutes."""
    (tokens,) = english.phonemize([Sentence(text, 0)])
    assert tokens[-1].start + len(tokens[-1].text) == len(text)


def test_a_long_compound_is_cut_after_a_hyphen(english):
    """Its parts are said as they would be alone, and a shorter one is not cut."""
    (tokens,) = english.phonemize([Sentence("jack-of-all-trades-and-master-of-none, state-of-the-art", 0)])
    assert [token.text for token in tokens] == ["jack-of-all-trades-", "and-master-of-none", ",", "state-of-the-art"]


def test_british_is_another_accent(english, read_in):
    """The word "tomato" has other phonemes in British than in American English."""
    assert phonemes(read_in("en-gb"), "tomato") != phonemes(english, "tomato")


def test_threads_do_not_hear_each_others_words(english):
    """Eight threads get the same phonemes for invented words as one, although espeak-ng has one state per process."""
    texts = [f"Blim{a}vast{b}ic glor{b}ptang{a}fer wug{a}{b}le." for a in "aeiou" for b in "bdfgklmn"]
    alone = [phonemes(english, text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: phonemes(english, text), texts))
    assert together == alone


def test_nothing_is_printed(english, capfd):
    """Nothing is printed, although misaki prints what it cannot convert."""
    phonemes(english, "3\u00b2 1e9 \u00a35bn 12:30 \u2116 5 1,2,3 0x1F -4 .5 1. 1st 22nd 1990s $ 5 $1.2.3")
    assert capfd.readouterr() == ("", "")
