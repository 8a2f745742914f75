"""Tests of the part-of-speech tagger alone."""

import subprocess
import sys

from speakkit.engines import tagger


def test_same_spelling_gets_the_tag_of_its_place():
    """The word "read" has different tags after "will" and after "have"."""
    tags = {token.i: token.tag_ for token in tagger.load()("I will read what you have read.")}
    assert (tags[2], tags[6]) == ("VB", "VBN")


def test_nothing_but_spacy_is_loaded():
    """Loading the tagger imports spaCy but not the packages that extend it, such as transformers."""
    code = "import sys; from speakkit.engines import tagger; tagger.load(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert "spacy" in loaded
    assert {"transformers", "spacy_curated_transformers"}.isdisjoint(loaded)


def test_spacy_is_left_as_it_was():
    """A host program that uses spaCy still gets the components of every installed package."""
    import spacy

    tagger.load()
    assert spacy.util.registry._entry_point_factories.entry_points
