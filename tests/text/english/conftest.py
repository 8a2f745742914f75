"""What the rules of reading make of a text."""

import pytest

from speakkit.text.verbalize import verbalize


@pytest.fixture
def said():
    """A text -> the text with its rewrites done, in single spaces."""

    def read(text, language="en-us"):
        spoken, at = "", 0
        for rewrite in verbalize(text, language):
            spoken += text[at : rewrite.start] + rewrite.spoken
            at = rewrite.end
        return " ".join((spoken + text[at:]).split())

    return read
