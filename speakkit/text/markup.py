"""Read the markup in a source text and build a script: Markdown, SSML, pauses and pronunciations."""

import re
from pathlib import PurePath

from speakkit.speech_request import Markup
from speakkit.text import ssml
from speakkit.text.edits import Edits
from speakkit.text.marks import read_bracket, read_entity
from speakkit.text.script import Script

SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mkd"})
PROSE_SUFFIXES = frozenset({"", ".txt", ".text"})
"""Suffixes of files that may contain Markdown all the same; a file with any other suffix is not Markdown."""

SAMPLE = 100_000
"""Characters at the beginning of a text that are searched for Markdown."""

SURE = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^ {0,3}(?:`{3}|~{3})[\w+-]* *$",  # a fence
        r"^ {0,3}#{2,6} +\S",  # a heading of the second rank
        r"^ {0,3}[-*+] \[[ xX]\] +\S",  # a task
        r"^ {0,3}\|?(?: *:?-{2,}:? *\|)+(?: *:?-{2,}:?)? *$",  # a table's rule
        r"\]\((?:https?://\S|mailto:|\.{1,2}/\S|#\w|/?[\w-][\w./-]*\.[a-z]{1,5}[)#])",  # a link
        r"(?<![\w*])\*\*(?=[^\s*])[^*\n]{1,200}(?<=[^\s*])\*\*(?![\w*])",  # bold
    )
)
"""Marks that rarely occur in a text that is not Markdown."""

LIKELY = tuple(
    (re.compile(pattern, re.MULTILINE), least, weight)
    for pattern, least, weight in (
        (r"\A(?:\s*\n)? {0,3}# +\S.*\n[ \t]*\n|\n[ \t]*\n# +\S.*\n[ \t]*\n", 1, 2),  # a heading between blank lines
        (r"(?<![`\w])`[^`\s](?:[^`\n]{0,100}[^`\s])?`(?![`\w])", 1, 2),  # code in a line
        (r"^ {0,3}[-*+] +[^\s*+-]", 2, 1),  # bullets
        (r"^ {0,3}\d{1,3}[.)] +\S", 2, 1),  # a numbered list
    )
)
"""Marks that also occur in other texts, how often each must occur, and its weight."""

ENOUGH = 3
"""Total weight of likely marks that makes a text Markdown. A list alone is not enough: plain text has lists too."""

CODE = re.compile(
    r"^(?:diff --git |@@ -|[-+]{3} [ab]/|#!|#include\b|(?:async )?def \w+\(|class \w+[(:{]|(?:import|from) [\w.]+"
    r"(?:$| import )|(?:export |public |private |static |const |let |var |function |fn |func |package |use )+\w)"
    r"|[;{}] *$|^[\w-]+:(?:$| [^A-Z ]\S*$)|^[\w.]+ ?= ?\S",
    re.MULTILINE,
)
"""A line of a program, of settings or of a diff."""

INDENTED = re.compile(r"^(?: {4}|\t)[ \t]*(?![-*+] |\d+[.)] |[\s>|])\S", re.MULTILINE)
"""A line that is code in Markdown, but ordinary text in a program or a manual."""

FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)

SPECIAL = re.compile(r"[\[<&]")

PAIRED = {
    "code mark": re.compile(r"(?<![`\w])(`)(?=[^`\s])[^`\n]{1,200}(?<=[^`\s])(`)(?![`\w])"),
    "emphasis mark": re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])[^*\n]{1,200}(?<=[^\s*])(\1)(?![\w*])"),
}
"""Marks that people put around words in plain text too, and that are never spoken."""


def guessed(text: str, name: str = "") -> Markup:
    """Return MARKDOWN if `text` looks like it or the suffix of its file `name` is Markdown's; otherwise PLAIN."""
    suffix = PurePath(name).suffix.lower()
    if suffix in SUFFIXES:
        return Markup.MARKDOWN
    sample = text[:SAMPLE]
    if suffix not in PROSE_SUFFIXES or _is_code(sample):
        return Markup.PLAIN
    sure = any(pattern.search(sample) for pattern in SURE)
    likely = sum(weight for pattern, least, weight in LIKELY if len(pattern.findall(sample)) >= least)
    return Markup.MARKDOWN if sure or likely >= ENOUGH else Markup.PLAIN


def _is_code(text: str) -> bool:
    """Return whether over 1/5 of the lines outside fences are code, a diff or settings, or over 1/3 are indented."""
    outside = "\n".join(FENCED.split(text)[::4])
    lines = sum(not line.isspace() for line in outside.splitlines() if line)
    return len(CODE.findall(outside)) > lines / 5 or len(INDENTED.findall(outside)) > lines / 3


def script(text: str, markup: Markup = Markup.PLAIN) -> Script:
    """Build the script of `text`. Raises TextError if it declares SSML entities of its own."""
    if markup is Markup.AUTO:
        markup = guessed(text)
    if markup is Markup.RAW:
        return Script(text)
    ssml.refuse_declarations(text)
    draft = Edits(text)
    if markup is Markup.MARKDOWN and not ssml.is_document(text):
        from speakkit.text import markdown  # noqa: PLC0415  only Markdown needs its parser

        markdown.read(draft)
    else:
        _read_plain(draft)
    return draft.script()


def _read_plain(draft: Edits) -> None:
    text, whole = draft.text, ssml.is_document(draft.text)
    tagged = whole or bool(ssml.EVIDENCE.search(text))
    elements, enclosures = ssml.Elements(draft, whole=whole), ssml.Enclosures(text, 0, len(text))
    at = 0
    while found := SPECIAL.search(text, at):
        at, end = found.start(), found.start()
        if found.group() == "[":
            end = read_bracket(draft, at)
        elif tagged and found.group() == "&":
            end = read_entity(draft, at)
        elif tagged:
            end = enclosures.read(draft, at)
            tag = ssml.read_tag(text, at, len(text))
            end = tag.end if tag and elements.add(tag) else end
        at = max(end, at + 1)
    elements.apply()
    for rule, pattern in PAIRED.items():
        for found in pattern.finditer(text):
            for mark in (1, 2):
                draft.leave_out(*found.span(mark), rule)
