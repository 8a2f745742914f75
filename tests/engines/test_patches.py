"""Tests of the patches of misaki's English: each has a source, changes a pronunciation, and is spoken."""

import csv
from itertools import groupby

import misaki.en
import pytest

from speakkit import paths
from speakkit.engines import registry
from speakkit.text.sentences import Sentence

LANGUAGES = ("en-us", "en-gb")
MISAKI = {"en-us": misaki.en.US_VOCAB | set("ɾ "), "en-gb": misaki.en.GB_VOCAB | {" "}}
"""The phonemes of misaki's English, per language; a space is added because a patch may have several words."""


def rows(name):
    with (paths.data() / name).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


PATCHES = rows("english_patches.tsv")
SENSES = rows("english_senses.tsv")


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def plain(language):
    """misaki's own lexicon, without patches."""
    return misaki.en.Lexicon(language == "en-gb")


def said(language, text):
    with registry.phonemizer(language) as phonemizer:
        (found,) = phonemizer.phonemize([Sentence(text, 0)])
    return {token.text.lower(): (token.phonemes, token.source) for token in found.result()}


def test_each_patch_has_a_source_and_known_phonemes():
    """Each patch has a source and valid phonemes in at least one accent."""
    for row in PATCHES:
        assert row["source"], row
        assert row["en-us"] or row["en-gb"], row
        for language in LANGUAGES:
            assert row[language] == "-" or set(row[language]) <= MISAKI[language], row


def test_no_word_is_patched_twice():
    """Each sense of a word has one row, and the rows of a word are adjacent."""
    senses = [(row["word"], row["sense"]) for row in PATCHES]
    assert len(set(senses)) == len(senses)
    words = [word for word, _ in groupby(row["word"] for row in PATCHES)]
    assert len(set(words)) == len(words)
    homographs = {row["word"] for row in PATCHES if row["sense"]}
    assert homographs <= {row["word"] for row in PATCHES if not row["sense"]}


def test_no_patch_is_idle(language, plain):
    """Each patch differs from misaki's own entry, or misaki has none."""
    for word, group in groupby(PATCHES, key=lambda row: row["word"]):
        ours = {row["sense"] or "DEFAULT": row[language] for row in group if row[language]}
        theirs = plain.golds.get(word, plain.silvers.get(word))
        assert ours != (theirs if isinstance(theirs, dict) else {"DEFAULT": theirs}), word
        assert theirs or "-" not in ours.values(), word


def test_patched_words_are_said_as_the_table_says(language):
    """In a sentence, each patched word has the phonemes of the table, and the lexicon as its source."""
    homographs = {row["word"] for row in PATCHES if row["sense"]}
    for row in PATCHES:
        if row["word"] in homographs or row[language] in ("", "-"):
            continue
        expected = row[language].replace("ɾ", "T")
        words = said(language, f"It was {row['word']} then.")
        assert words[row["word"].lower()] == (expected, "lexicon"), row


@pytest.mark.parametrize(
    ("word", "american", "british"),
    [
        ("typed", "tˈIpt", "tˈIpt"),
        ("tours", "tˈʊɹz", "tˈʊəz"),
        ("graphs", "ɡɹˈæfs", "ɡɹˈɑːfs"),
        ("transported", None, "tɹɑːnspˈɔːtɪd"),
        ("JSONs", "ʤˈAsᵊnz", "ʤˈAsᵊnz"),
        ("KUBECTL", "kjˈubkəntɹˌOl", "kjˈuːbkəntɹˌQl"),
        ("github", "ɡˈɪthˌʌb", "ɡˈɪthˌʌb"),
        ("README's", "ɹˈidmˌiz", "ɹˈiːdmˌiːz"),
    ],
)
def test_endings_and_capitals(word, american, british):
    """If an entry of misaki is dropped, its rules for endings apply; a patch is found in any letter case."""
    for language, expected in zip(LANGUAGES, (american, british), strict=True):
        if expected:
            assert said(language, f"They had {word} here.")[word.lower()][0] == expected


@pytest.mark.parametrize("rule", SENSES, ids=lambda rule: rule["example"])
def test_examples_of_senses(language, rule):
    """The example of each rule has the phonemes of the rule's sense."""
    spoken = said(language, rule["example"])
    table = {(row["word"].lower(), row["sense"]): row[language] for row in PATCHES}
    found = [word for word in rule["word"].split("|") if word in spoken]
    for word in found:
        parents = {"VB": "", "VBN": "VBN", "VBD": "VBD"}
        if (word, "") in table and ((word, rule["sense"]) in table or rule["sense"] in parents):
            assert spoken[word][0] == table[word, parents.get(rule["sense"], rule["sense"])], rule


READ, RED, LEED, LED = "ɹˈid", "ɹˈɛd", "lˈid", "lˈɛd"


@pytest.mark.parametrize(
    ("sentence", "word", "expected"),
    [
        ("I read the docs every day.", "read", READ),
        ("We read from the socket until it closes.", "read", READ),
        ("I often read novels on the train.", "read", READ),
        ("I don't read French.", "read", READ),
        ("The file was read by two processes.", "read", RED),
        ("I read it yesterday.", "read", RED),
        ("She has read the whole book.", "read", RED),
        ("He opened the file and read it.", "read", RED),
        ("The lead developer approved it.", "lead", LEED),
        ("These bugs lead to data loss.", "lead", LEED),
        ("They took the lead in the second half.", "lead", LEED),
        ("The bullets were made from lead and steel.", "lead", LED),
        ("Lead poisoning is dangerous.", "lead", LED),
        ("He plays bass in a band.", "bass", "bˈAs"),
        ("We went bass fishing on the lake.", "bass", "bˈæs"),
        ("Polish your code.", "polish", "pˈɑlɪʃ"),
        ("She speaks Polish.", "polish", "pˈOlɪʃ"),
        ("Attach your resume.", "resume", "ɹˈɛzəmˌA"),
        ("Resume is by key, and a pause and resume is cheap.", "resume", "ɹəzˈum"),
        ("A tear ran down her cheek.", "tear", "tˈɪɹ"),
        ("The first row is the header.", "row", "ɹˈO"),
        ("The learned embeddings are small.", "learned", "lˈɜɹnd"),
        ("We reread the plan.", "reread", "ɹˌiɹˈid"),
        ("Any invalid is refused.", "invalid", "ɪnvˈælɪd"),
        ("1. Object the plan.", "object", "əbʤˈɛkt"),
        ("Present your badge.", "present", "pɹizˈɛnt"),
    ],
)
def test_senses_in_sentences(sentence, word, expected):
    """Each word has the phonemes of its sense in the sentence, whether a rule decides it or not."""
    assert said("en-us", sentence)[word][0] == expected
