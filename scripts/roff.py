r"""Write roff, the source language of manual pages: escaping, fonts, and the macros of man(7)."""

import re
import textwrap
from collections.abc import Iterable

from rich.text import Text

SPECIAL = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
"""Character -> escape, for characters that are roff syntax, or that groff replaces by typographic ones."""

WIDTH = 79
"""Longest line of the source, in characters."""


def escape(text: str) -> str:
    """`text`, escaped so that man(1) shows it unchanged."""
    return "".join(SPECIAL.get(c, c if c.isascii() else rf"\[u{ord(c):04X}]") for c in text)


def bold(text: str) -> str:
    """`text` in bold, for what is typed literally."""
    return rf"\fB{escape(text)}\fR"


def italic(text: str) -> str:
    """`text` in italics, for placeholders."""
    return rf"\fI{escape(text)}\fR"


def inline(text: str, stands_for: Iterable[str] = ()) -> str:
    """A help text without Rich's markup; options and `code` are bold, the names in `stands_for` italic."""
    names = "|".join(re.escape(name) for name in stands_for) or "(?!)"
    pattern = rf"`(?P<code>[^`]+)`|(?<![\w-])(?P<option>--?[A-Za-z][\w-]*)|\b(?P<name>{names})\b"
    shown, end = "", 0
    plain = Text.from_markup(text).plain
    for match in re.finditer(pattern, plain):
        found = italic(match["name"]) if match["name"] else bold(match["code"] or match["option"])
        shown += escape(plain[end : match.start()]) + found
        end = match.end()
    return shown + escape(plain[end:])


def filled(text: str) -> list[str]:
    """An escaped text, wrapped into lines of the source."""
    return [_guarded(line) for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)]


def section(title: str, body: Iterable[str]) -> list[str]:
    """A section with a title; empty if the body is empty."""
    lines = list(body)
    return [f".SH {title}", *lines] if lines else []


def paragraph(text: str) -> list[str]:
    """A paragraph of an escaped text."""
    return [".PP", *filled(text)]


def item(tag: str, text: str) -> list[str]:
    """A tag, and below it, indented, its description."""
    return [".TP", tag, *filled(text)]


def example(lines: Iterable[str]) -> list[str]:
    """A literal block of lines."""
    return [".PP", ".RS 4", ".EX", *(_guarded(escape(line)) for line in lines), ".EE", ".RE"]


def page(lines: Iterable[str]) -> str:
    """The whole source. Removes `.PP` after headings, which begin a paragraph themselves."""
    return re.sub(r"^(\.S[HS] .*\n)\.PP\n", r"\1", "\n".join(lines) + "\n", flags=re.MULTILINE)


def _guarded(line: str) -> str:
    """`line`, protected so that a leading dot or quote is not read as a request."""
    return rf"\&{line}" if line.startswith((".", "'")) else line
