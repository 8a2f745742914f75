r"""The language of manual pages: what a text must look like so that man(1) shows it as it is."""

import re
import textwrap
from collections.abc import Iterable

from rich.text import Text

SPECIAL = {"\\": r"\(rs", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
"""Characters that mean something, or that groff makes typographic, so that they could not be copied and typed."""

WIDTH = 79
"""Characters of a line of the source."""


def escape(text: str) -> str:
    """`text`, to be shown as it is."""
    return "".join(SPECIAL.get(c, c if c.isascii() else rf"\[u{ord(c):04X}]") for c in text)


def bold(text: str) -> str:
    """What is typed as it stands."""
    return rf"\fB{escape(text)}\fR"


def italic(text: str) -> str:
    """What stands for something else."""
    return rf"\fI{escape(text)}\fR"


def inline(text: str, stands_for: Iterable[str] = ()) -> str:
    """A help text: without Rich's markup, options and `code` bold, the names in `stands_for` italic."""
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
    """Lines of the source that a text, already escaped, fills."""
    return [_guarded(line) for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)]


def section(title: str, body: Iterable[str]) -> list[str]:
    """A section, or nothing where there is no body."""
    lines = list(body)
    return [f".SH {title}", *lines] if lines else []


def paragraph(text: str) -> list[str]:
    """A paragraph of a text that is already escaped."""
    return [".PP", *filled(text)]


def item(tag: str, text: str) -> list[str]:
    """A tag, and below it, indented, what it is."""
    return [".TP", tag, *filled(text)]


def example(lines: Iterable[str]) -> list[str]:
    """Lines to be typed, or shown, as they stand."""
    return [".PP", ".RS 4", ".EX", *(_guarded(escape(line)) for line in lines), ".EE", ".RE"]


def page(lines: Iterable[str]) -> str:
    """The whole source. A heading begins a paragraph of its own."""
    return re.sub(r"^(\.S[HS] .*\n)\.PP\n", r"\1", "\n".join(lines) + "\n", flags=re.MULTILINE)


def _guarded(line: str) -> str:
    """`line`, not to be taken for a request."""
    return rf"\&{line}" if line.startswith((".", "'")) else line
