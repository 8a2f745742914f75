"""Tests of Markdown, as it is read aloud."""

import pytest

from speakkit.speech.frontend import Reader
from speakkit.speech_request import Markup
from speakkit.text.lexicon import Lexicon
from speakkit.text.markup import script
from speakkit.text.script import BREAK
from speakkit.text.sentences import sentences


def heard(text):
    """Return the spoken form of `text` in one line, with ¶ at the end of each paragraph."""
    made = script(text, Markup.MARKDOWN)
    out, at = "", 0
    for rewrite in made.rewrites:
        shown = made.text[rewrite.start : rewrite.end]
        out += made.text[at : rewrite.start] + rewrite.spoken + BREAK * (BREAK in shown)
        at = rewrite.end
    paragraphs = (" ".join(paragraph.split()) for paragraph in (out + made.text[at:]).split(BREAK))
    return " ¶ ".join(filter(None, paragraphs))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("# Title\nText", "Title ¶ Text"),
        ("## A ##\n### B #x\n#C", "A ¶ B #x ¶ #C"),
        ("Title\n=====\nText\n\nOther\n---\n", "Title ¶ Text ¶ Other"),
        ("- one\n- two\n  more\n* three", "one ¶ two more ¶ three"),
        ("1. one\n2) two\n   - three\n10. ten", "1. one ¶ 2. two ¶ three ¶ 10. ten"),
        ("- [x] done\n- [ ] open\n- [y] other", "done ¶ open ¶ [y] other"),
        ("- \n- one\n-", "one"),
        ("> quoted\n> on\nlazily\n>> deeper", "quoted on lazily ¶ deeper"),
        ("> - a\n>   b\n> 1. c", "a b ¶ 1. c"),
        ("a  \nb\\\nc\nd", "a ¶ b ¶ c d"),
        ("a\n\n***\n\nb\n\n- - -\n_____", "a ¶ b"),
        ("Run\n```sh\nmake\n\nmake test\n```\nnow", "Run ¶ now"),
        ("~~~\na\n~~~\nb", "b"),
        ("a\n\n    code\n\nb", "a ¶ b"),
        ("1. a\n\n   ```\n   code\n   ```\n\n   b", "1. a ¶ b"),
        ("---\ntitle: x\n---\n# A", "A"),
        ("---\r\ntitle: x\r\n...\r\nA", "A"),
        ("---\nnot settings\n---\nA", "not settings ¶ A"),
        ("# A\r\n- b\r\n- c\r\n\r\nd\re", "A ¶ b ¶ c ¶ d e"),
        (">" * 30 + " deep\n\nafter", "deep ¶ after"),
    ],
)
def test_blocks(text, spoken):
    """Marks and code are left out; headings, items and hard line breaks end paragraphs; item numbers stay."""
    assert heard(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**bold**, *it*, __b__, _i_, ***both***, ~~no~~", "bold, it, b, i, both, no"),
        ("un**believ**able *a **b** c* **a *b* c**", "unbelievable a b c a b c"),
        ("snake_case_name __init__.py 2 * 3 * 4 2*3*4 ~5", "snake_case_name init.py 2 * 3 * 4 2*3*4 ~5"),
        ("*open **more _and", "*open **more _and"),
        ("*foo _bar* baz_ **", "foo _bar baz_ **"),
        ("`code` ``a ` b`` `*x*` `open", "code a ` b *x* `open"),
        (r"\*no\* \# \_ \a C:\dir", r"*no* # _ \a C:\dir"),
        ("[text](http://x.y/a_(b) 'T') [t](<a b>) [](x) [a] (b)", "text t [a] (b)"),
        ("[*a* `b`](x.md#L1) [a [b](c)](d)", "a b a b"),
        ("![alt text](a.png) ![](b.png) [![badge](a)](b)", "alt text badge"),
        ("<https://a.b/c?d=e> <me@a.org>", "https://a.b/c?d=e me@a.org"),
        ("[one][r], [r][], [r], [R ], ![r][r], [other][no]\n\n[r]: http://x 'T'", "one, r, r, R , r, [other][no]"),
        ("word[^1] and[^note].\n\n[^1]: The *note*.", "word and. ¶ The note."),
        ("&amp; &lt;b&gt; caf&eacute; &#x41;&#66; a&nbsp;b &no; &", "& <b> café AB a b &no; &"),
        ("a<br>b<br/>c H<sub>2</sub>O <kbd>Ctrl</kbd>", "a b c H2O Ctrl"),
        ("a <!-- note\nmore --> b <!-- open", "a b <!-- open"),
        ("List<String> <your-name> a < b > c <y>", "List<String> <your-name> a < b > c <y>"),
        ("<div><p>one</p><p>two</p></div>", "one ¶ two"),
        ("<details>\n<summary>More</summary>\n\n*in*\n\n</details>", "More ¶ in"),
        ("<script>\nlet x = 1;\n</script>\n\nafter", "after"),
        ("[ ]( ) ]( [ ![ ** ` `` \\", "]( [ ![ ** ` `` \\"),
    ],
)
def test_inlines(text, spoken):
    """Marks inside a word do not split it, breaks do; text that is not markup stays."""
    assert heard(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("| A | B |\n|---|:-:|\n| 1 | 2 |\n\nend", "A, B ¶ 1, 2 ¶ end"),
        ("A|B\n-|-\n**x**|`y`|z\n", "A, B ¶ x, y, z"),
        ("| A | B | C |\n|---|---|---|\n| | x | |\n| Yes. | no \\| or | [l](u) |", "A, B, C ¶ x ¶ Yes. no | or, l"),
        ("> | A |\n> |---|\n> | b |", "A ¶ b"),
        ("a | b\nc | d", "a | b c | d"),
    ],
)
def test_tables(text, spoken):
    """Tables are read by rows, with commas between cells; empty cells, marks and the rule are left out."""
    assert heard(text) == spoken


def test_what_is_left_out_has_a_name():
    """Everything left out has a rule, so that the user can see why."""
    text = (
        "# T\n- [ ] **a** `b` [c](d) ![e](f) &lt; <i>g</i> \\*\n\n> q[^1]\n\n| h |\n|---|\n\n---\n\n    j\n\n[k]: l\n"
    )
    rules = {rewrite.rule for rewrite in script(text, Markup.MARKDOWN).rewrites}
    assert rules == {
        *("heading mark", "bullet mark", "task mark", "emphasis mark", "code mark", "link mark", "link target"),
        *("image mark", "image target", "entity", "tag", "escape", "quote mark", "footnote mark", "table mark"),
        *("table rule", "rule line", "code block"),
    }


def test_an_open_code_block_is_told():
    """An unclosed code block leaves out the rest of the text, as in CommonMark, with a warning."""
    made = script("a\n\n```py\nb\n\nc", Markup.MARKDOWN)
    assert made.warnings == ("the code block at line 3 is not closed: the rest of the text is left out",)
    assert script("```\nb\n```", Markup.MARKDOWN).warnings == ()


def test_sentences_end_beside_marks():
    """Sentences end at a full stop inside bold and start with a mark, but not with a lower-case word in italics."""
    made = script("**Done.** *Next* one. See e.g. *this* one. `Last.`", Markup.MARKDOWN)
    read = [sentence.text.replace("\u2060", "") for sentence in sentences(made.text)]
    assert read == ["Done.", "Next one.", "See e.g. this one.", "Last."]


ANSWER = """\
## Fix for the *parser*

I've **fixed** the bug in [`parse()`](src/parse.py#L42): it was un**believ**ably slow.

1. Read the file
2. Run `make test`

| Test | Result |
|:-----|-------:|
| unit | passed |

```python
print("never")
```

> Note: see <https://example.com>.
"""


def test_an_answer_read_aloud(english):
    """With the real phonemizer, every word of an answer is read and no mark, each token at its offset."""
    made = script(ANSWER, Markup.MARKDOWN)
    read = list(Reader("en-us", english.engine, Lexicon("en-us")).read(ANSWER, made, []))
    tokens = [token for _, sentence in read for token in sentence]
    assert all(ANSWER[token.start : token.end] == token.text for token in tokens)
    assert all(token.phonemes for token in tokens if token.is_word)
    words = [token.text if token.spoken is None else token.spoken for token in tokens if token.is_word]
    said = " ".join(words)
    assert said.startswith("Fix for the parser I've fixed the bug in parse")
    assert "unbelievably slow" in said
    assert "Test Result unit passed Note see" in said
    assert not any(word in said for word in ("never", "python", "src", "42"))
    bold = next(token for token in tokens if "believ" in token.text)
    assert (bold.text, bold.spoken, bold.rule) == ("un**believ**ably", "unbelievably", "emphasis mark")
