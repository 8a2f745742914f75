"""Tests of markup detection: which marks count in which text, and that no text breaks it."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speakkit.errors import TextError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.speech.frontend import Reader
from speakkit.speech_request import Markup
from speakkit.text.chunks import Token
from speakkit.text.lexicon import Lexicon
from speakkit.text.markup import guessed, script
from speakkit.text.script import Pause, Rewrite

MARKS = [
    "**",
    "*",
    "_",
    "`",
    "```",
    "~~~",
    "[",
    "](",
    ")",
    "![",
    "<",
    ">",
    "</s>",
    "<sub alias='a b'>",
    "</sub>",
    "<p>",
]
MARKS += [
    "<break/>",
    "<speak>",
    "<!--",
    "-->",
    "&amp;",
    "&#65;",
    "[pause:1s]",
    "(/wɜɹd/)",
    "[^1]",
    "[a]: b",
    "# ",
    "- ",
]
MARKS += [
    "1. ",
    "> ",
    "|",
    "|-|-|",
    "---",
    "===",
    "    ",
    "\n",
    "\r\n",
    "\r",
    "\\",
    "  \n",
    "a",
    "Wort ",
    "7",
    ". ",
    "\u05d0",
]
MARKS += ["\x07", "\ud800", "\u2060", "\u2029", "<phoneme ph='a'>", "<pre>", "</pre>", "- [x] ", "(+1)", ":", "é"]

ANY_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(st.sampled_from(MARKS), max_size=30).map("".join),
    st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=3)), max_size=20).map("".join),
)


class EveryWord:
    """A phonemizer that gives one phoneme to every word between spaces."""

    identity = Identity("every word")

    def close(self):
        pass

    def phonemize(self, phrases):
        for phrase in phrases:
            words = re.finditer(r"\S+", phrase.text)
            found = (Token(word.group(), phrase.start + word.start(), "a", spaced=True) for word in words)
            yield Outcome(phrase, tuple(found))


def checked_script(text, markup):
    """Return the script after checking its guarantees, or None if the text is refused."""
    try:
        made = script(text, markup)
    except TextError:
        assert re.search("<!(ENTITY|DOCTYPE)", text, re.IGNORECASE)
        return None
    assert len(made.text) == len(text)
    assert [r.start for r in made.rewrites] == sorted(r.start for r in made.rewrites)
    ends = [0, *(rewrite.end for rewrite in made.rewrites)]
    assert all(end <= r.start < r.end <= len(text) for end, r in zip(ends, made.rewrites, strict=False))
    inside = {at for rewrite in made.rewrites for at in range(rewrite.start, rewrite.end)}
    written = {at for at, letter in enumerate(text) if letter.isalnum()}
    assert all(made.text[at] == text[at] for at in written - inside)
    assert all("\n" not in warning for warning in made.warnings)
    return made


@given(ANY_TEXT, st.sampled_from(Markup))
@example("<!DOCTYPE a [<!ENTITY b 'c'>]><speak>&b;</speak>", Markup.PLAIN)
def test_a_script_is_as_long_as_its_text(text, markup):
    """A script is as long as its text, and keeps each letter and digit or has it inside a rewrite."""
    made = checked_script(text, markup)
    if markup is Markup.RAW:
        assert made.text == text
        assert not made.rewrites


@given(ANY_TEXT, st.sampled_from(Markup))
def test_markup_loses_no_word(text, markup):
    """Through the whole reader, each word has phonemes or a rule that leaves it out."""
    made = checked_script(text, markup)
    read = Reader("xx", EveryWord(), Lexicon("en-us")).read(text, made, []) if made else ()
    for sentence, tokens in read:
        assert sentence.text == text[sentence.start : sentence.end]
        assert all(token.text == text[token.start : token.end] for token in tokens)
        assert all(token.phonemes for token in tokens if token.is_word)


@given(st.text())
def test_raw_text_is_left_alone(text):
    """Raw text has no markup."""
    assert script(text, Markup.RAW) == replace(script("", Markup.RAW), text=text)


@pytest.mark.parametrize(
    ("text", "pauses", "spoken"),
    [
        ("One [pause:0.5s] two", [(4, 0.5)], "One  two"),
        ("[pause:1s] first", [(0, 1.0)], " first"),
        ("[PAUSE:250MS]x", [(0, 0.25)], "x"),
        ("a[pause:2S]b", [(1, 2.0)], "a b"),
        ("[pause:0s]no", [], "no"),
        ("[pause:.25s]", [(0, 0.25)], ""),
        ("[pause:99999999999999999999s]", [(0, 60.0)], ""),
        ("[pause:-1s] [pause:1] [pause:xs]", [], "[pause:-1s] [pause:1] [pause:xs]"),
    ],
)
@pytest.mark.parametrize("markup", [Markup.PLAIN, Markup.MARKDOWN])
def test_pauses(text, pauses, spoken, markup):
    """Pauses in s or ms, in any letter case and also at the start of a text, are found and separate words."""
    made = script(text, markup)
    assert made.pauses == tuple(Pause(*pause) for pause in pauses)
    assert heard(text, markup) == spoken


def heard(text, markup):
    """Return the text with the rewrites of its markup applied."""
    out, at = "", 0
    for rewrite in script(text, markup).rewrites:
        out += text[at : rewrite.start] + rewrite.spoken
        at = rewrite.end
    return out + text[at:]


def test_too_long_a_pause_is_cut_with_a_warning():
    """A pause longer than 60 s is cut to 60 s, with a warning."""
    made = script("[pause:3600s]")
    assert made.pauses == (Pause(0, 60.0),)
    assert made.warnings == ("a pause of 3600 s is cut to 60 s, the maximum",)


@pytest.mark.parametrize(
    ("text", "rewrite"),
    [
        ("A [word](/wɜɹd/).", Rewrite(3, 7, "word", "pronunciation given", "wɜɹd")),
        ("[Dr. No](/ˈdɑktər noʊ/)", Rewrite(1, 7, "Dr. No", "pronunciation given", "dˈɑktəɹ nO")),
        ("[is](+1)", Rewrite(1, 3, "is", "stress given", stress=1.0)),
        ("[Really](-2), no", Rewrite(1, 7, "Really", "stress given", stress=-2.0)),
        ("[so](0.5)", Rewrite(1, 3, "so", "stress given", stress=0.5)),
        ("[so](+9)", Rewrite(1, 3, "so", "stress given", stress=2.0)),
        ("[Kokoro](/kˈOkəɹO/)'s", Rewrite(1, 7, "Kokoro's", "pronunciation given", "kˈOkəɹOz")),
        ("[box](/bɑks/)es", Rewrite(1, 4, "boxes", "pronunciation given", "bɑksᵻz")),
        ("[Kokoro](/kˈOkəɹO/)-based", Rewrite(1, 7, "Kokoro ", "pronunciation given", "kˈOkəɹO")),
        ("re[read](/ɹɛd/)", Rewrite(3, 7, " read", "pronunciation given", "ɹɛd")),
    ],
)
@pytest.mark.parametrize("markup", [Markup.PLAIN, Markup.MARKDOWN])
def test_misakis_pronunciations_and_stress(text, rewrite, markup):
    """Given pronunciations and stress apply to the range in brackets, in which no sentence ends.

    IPA becomes the engine's symbols. An ending such as "'s" joins the word; other adjoining text is a word of its own.
    """
    made = script(text, markup)
    assert rewrite in made.rewrites
    assert "." not in made.text[rewrite.start : rewrite.end]


def test_a_path_is_a_link_in_markdown():
    """Plain letters between slashes are phonemes in plain text, and a link target in Markdown."""
    assert heard("[docs](/docs/)", Markup.MARKDOWN) == "docs"
    assert not any(rewrite.phonemes for rewrite in script("[docs](/docs/)", Markup.MARKDOWN).rewrites)
    assert any(rewrite.phonemes for rewrite in script("[bit](/bit/)", Markup.PLAIN).rewrites)


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "x <y> z",
        "List<String> and Map<K, V>",
        "Tom &amp; Jerry, # heading, 5 * 3 * 2, glob *.py and *.js",
        "see [1] and (2), [a](b c)",
        "[](/a/) [ ](+1) [..](/a/)",
        "5 <6 7> 8 <!-- no -->",
    ],
)
def test_plain_prose_is_left_alone(text):
    """Angle brackets and ampersands are text if there is no SSML, and Markdown marks are text in plain text."""
    assert script(text).rewrites == ()
    assert script(text).text == text


BOOK = """CHAPTER I. Down the Rabbit-Hole

Alice was beginning to get very tired of sitting by her sister on the
bank, and of having nothing to do: once or twice she had peeped into the
book her sister was reading, but it had _no_ pictures or conversations in
it, "and what is the use of a book," thought Alice * * * without them?

* * * * *

So she was considering in her own mind (as well as she could)...
"""
CODE = '''#!/usr/bin/env python3
# Reads a file.

import os


def read(path, *args, **kwargs):
    """Read `path`."""
    # - not a list
    # - at all
    total = 2 ** 3 * 4 ** 5
    return open(path).read()
'''
DIFF = """diff --git a/x.md b/x.md
--- a/x.md
+++ b/x.md
@@ -1,4 +1,4 @@
-- an item
-- **old** item
+- another item
+- [link](https://example.com)
 context
"""
YAML = "# Settings\n\nname: speak\non: push\njobs:\n  - a\n  - b\nsteps:\n- run: x\n- run: y\n"


@pytest.mark.parametrize(
    "text",
    [
        *("", "Hello there.", BOOK, CODE, DIFF, YAML),
        "It cost 5 * 3 dollars, *roughly*, and 2**3 is not 4**5.",
        "# comment\nmake all\n# another\nmake install\n",
        "I said: - no - and left.\n- He came back.\nThen nothing.",
        "Dear all,\n\n> you wrote this\n\nno, I did not.",
        "Call f(x)[0](y), or a[i](b).",
        'A word [like](/lIk/) this, and [this](+1) "one".',
        "Terms:\n1. We pay.\n2. You work.\n",
    ],
)
def test_no_markdown_is_guessed(text):
    """Prose, books, code, diffs, settings and quoted mail are not detected as Markdown."""
    assert guessed(text) is Markup.PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "I **fixed** it.",
        "# Title\n\nText.\n\n- one\n- two\n",
        "## Summary\nDone.",
        "Run this:\n\n```bash\nmake\n```\n",
        "See [the docs](https://example.com/a_(b)).",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "- [ ] todo",
        "1. Open `main.py`.\n2. Run it.\n",
        "```python\nimport os\nx = 1\n```\n\nThat was it.",
    ],
)
def test_markdown_is_guessed(text):
    """One mark that occurs only in Markdown, or two that rarely occur elsewhere, make a text Markdown."""
    assert guessed(text) is Markup.MARKDOWN


def test_a_files_name_decides():
    """Markdown file extensions decide for it, those of other formats against it, and .txt for neither."""
    assert guessed("plain", "README.md") is guessed("plain", "a/B.MARKDOWN") is Markup.MARKDOWN
    assert guessed("**bold**", "main.py") is Markup.PLAIN
    assert guessed("**bold**", "notes.txt") is Markup.MARKDOWN


UNITS = [
    "[",
    "]",
    "*",
    "_",
    "**a*",
    "`",
    "`` ` ",
    "~~",
    "<",
    '<a b="',
    "<a b='<c d=\"",
    "<!--",
    "<?",
    "<![CDATA[",
    "&",
    "![",
]
UNITS += [
    "[a](",
    "](",
    "](<b",
    '](b "',
    "](((",
    "> ",
    ">",
    "- ",
    "1. ",
    "#",
    "|",
    "|-",
    "\\",
    "\\\n",
    "  \n",
    "*a ",
    "_a",
]
UNITS += [
    "<p>",
    "<break/>",
    "<sub alias='a'>",
    "<phoneme ph='a'>",
    "[pause:",
    "[a](/b/)",
    "[^1]",
    "[a]: b\n",
    "|a|\n|-|\n",
]
UNITS += [
    "a\n---\n",
    "```\n",
    "<div>\n",
    "<script>",
    "<speak><s>",
    "- a\n",
    "    a\n",
    "\r",
    "x",
    " ",
    "\u2060",
    "{",
    "(((",
]


@pytest.mark.timeout(60)  # quadratic work on one of these texts takes longer
@pytest.mark.parametrize("unit", UNITS)
def test_no_text_is_a_trap(unit):
    """50,000 characters of an unclosed, nested or repeated mark take about as long as other text."""
    text = (unit * 50_000)[:50_000]
    guessed(text)
    for markup in Markup:
        checked_script(text, markup)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "<b>" * 10_000 + "x" + "</b>" * 10_000,
        "<sub alias='a'>" * 10_000 + "x" + "</sub>" * 10_000,
        "<s>" + "<emphasis level='strong'>" * 10_000 + "x",
        ">" * 10_000 + "x",
        "\n".join(" " * 2 * depth + "- x" for depth in range(200)),
        "[r]: x\n\n" + "[" * 10_000 + "a" + "]" * 10_000,
        "x" * 1_000_000,
        "<!DOCTYPE a[" * 5_000,
    ],
    ids=["tags", "sub", "emphasis", "quotes", "lists", "brackets", "one word", "declarations"],
)
def test_deep_nesting_and_endless_words(text):
    """Deep nesting and endless words are read in time, and nothing is lost."""
    for markup in Markup:
        checked_script(text, markup)
