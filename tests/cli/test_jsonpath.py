"""Tests of reading a text from JSON, such as an agent's hook passes."""

import json

import pytest

from speakkit.cli.jsonpath import text_at
from speakkit.errors import BadValue, TextError

HOOK = json.dumps(
    {"event": "Stop", "message": {"role": "assistant", "content": [{"text": "First."}, {"text": "Done."}]}, "n": 3,
     "odd key": "x", "lines": ["a", "b"], "none": []}
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".event", "Stop"),
        (".message.content[-1].text", "Done."),
        (".message.content[0].text", "First."),
        ('.["odd key"]', "x"),
        (".lines", "a\n\nb"),
    ],
)
def test_the_text_at_a_path(path, text):
    """A path in jq's notation gives the text there."""
    assert text_at(HOOK, path, "standard input") == text


def test_a_bare_text():
    """The path "." gives a JSON document that is a string."""
    assert text_at('"Hello."', ".", "x") == "Hello."


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".mesage", "no .mesage in an object at . of standard input, only event, message"),
        (".message.content[7].text", "no [7] in a list of 2 at .message.content"),
        (".event[0]", "no [0] in text"),
        (".n", "no text at .n of standard input, but a number"),
        (".none", "but a list of 0"),
        (".message", "but an object"),
    ],
)
def test_what_is_not_there_is_named(path, words):
    """The error about a missing or wrong value describes what is there."""
    with pytest.raises(TextError) as caught:
        text_at(HOOK, path, "standard input")
    assert words in str(caught.value)


@pytest.mark.parametrize("path", ["", "message", ".a b", ".a[", "..", ".a[1", f".[{'9' * 5000}]"])
def test_what_is_no_path_is_refused(path):
    """An invalid path raises BadValue with an example."""
    with pytest.raises(BadValue, match=r"such as \.message"):
        text_at(HOOK, path, "x")


@pytest.mark.parametrize("written", ["", "{", "[" * 100_000, '{"a":' * 100_000, "nonsense"])
def test_what_is_no_json_is_refused(written):
    """Invalid JSON raises TextError."""
    with pytest.raises(TextError, match="x is not JSON"):
        text_at(written, ".a", "x")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (r'"a\ud800"', "is not text: it holds the character U+D800 at offset 1"),
        (r'["a", "\u0000"]', "is not text: it holds the character U+0000 at offset 3"),
        ('" "', "is empty"),
    ],
)
def test_a_text_that_cannot_be_spoken_is_refused(written, fault):
    """The text is checked as any other text, and the error names its path."""
    with pytest.raises(TextError) as caught:
        text_at(written, ".", "standard input")
    assert "the text at . of standard input" in str(caught.value)
    assert fault in str(caught.value)


def test_what_is_beside_the_text_may_be_large():
    """A number of thousands of digits beside the text is no fault, and long keys are cut in an error message."""
    assert text_at(f'{{"n": {"9" * 5000}, "text": "Hello."}}', ".text", "x") == "Hello."
    with pytest.raises(TextError) as caught:
        text_at(json.dumps({"k" * 10_000: 1}), ".text", "x")
    assert len(str(caught.value)) < 200
