"""Convert Markdown to edits of a text: CommonMark, and GFM's tables, tasks and footnotes, as a listener needs them.

markdown-it-py finds the blocks and the offsets of their lines; `inline` reads the text in them.

Spoken: headings, items with the numbers of numbered lists, quotes, tables row by row, texts of links and images, code
inside a line. Left out: marks, bullets, targets of links, code blocks, rules, comments, tags, front matter.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt, rules_block
from markdown_it.parser_block import RuleFuncBlockType
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from speakkit.text import ssml
from speakkit.text.edits import Edits
from speakkit.text.inline import Inline
from speakkit.text.script import Rewrite

Span = tuple[int, int]
"""Half-open offsets of the text of a line: it begins after the marks of lists and quotes, and ends with the line."""

LEAVES = {
    "table": ["paragraph", "reference"],
    "html_block": ["paragraph", "reference", "blockquote"],
    "heading": ["paragraph", "reference", "blockquote"],
    "lheading": [],
    "paragraph": [],
}
"""markdown-it's rules for blocks with text, and the blocks that each may interrupt (its parser_block.py)."""

UNSPOKEN = {"fence": "code block", "code_block": "code block", "hr": "rule line"}

FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?=[\w\"'-]+[ \t]*:)")
FRONT_MATTER_END = re.compile(r"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
CONTAINER_MARKS = re.compile(r"(?P<number>\d{1,9}[.)])|(?P<quote>>)|(?P<bullet>[-+*])")
LEADING_MARKS = re.compile(r"[\s>+*-]*+")
HEADING_MARK = re.compile(r"#{1,6}[ \t]*")
CLOSING_MARK = re.compile(r"[ \t]#+[ \t\r]*$")
TASK = re.compile(r"\[[ xX]\][ \t]+(?=\S)")
CELL_END = re.compile(r"\\.|\|")
CLAUSE_MARKS = ".,;:!?…"


def read(draft: Edits) -> None:
    """Edit `draft` by the Markdown in it."""
    Document(draft).read()


@cache
def _parser() -> MarkdownIt:
    """Return a markdown-it-py parser for blocks only, whose blocks with text record the spans of their lines."""
    parser = MarkdownIt("commonmark").enable("table")
    for name, interrupts in LEAVES.items():
        parser.block.ruler.at(name, _telling_spans(getattr(rules_block, name)), {"alt": interrupts})
    parser.block.ruler.at("reference", _no_footnote, {"alt": []})
    return parser


def _telling_spans(rule: RuleFuncBlockType) -> RuleFuncBlockType:
    """Return `rule`, extended to record the spans of its lines, as the parser computes them, in its first token."""

    def located(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        first = len(state.tokens)
        if not rule(state, start, end, silent):
            return False
        if not silent:
            lines = range(start, state.line)
            spans = [(state.bMarks[line] + state.tShift[line], state.eMarks[line]) for line in lines]
            state.tokens[first].meta["spans"] = spans
        return True

    return located


def _no_footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Apply the rule for link definitions, but not to a footnote, because its text is spoken."""
    at = state.bMarks[start] + state.tShift[start]
    return not state.src.startswith("[^", at) and rules_block.reference(state, start, end, silent)


class Document:
    """A text in Markdown. Lines are numbered from 0."""

    def __init__(self, draft: Edits) -> None:
        self._draft = draft
        self._source = self._without_front_matter().replace("\r\n", " \n").replace("\r", "\n")
        self._starts = [0, *(found.end() for found in re.finditer("\n", self._source))]
        self._elements = ssml.Elements(draft, strict=False)

    def read(self) -> None:
        """Edit the draft."""
        env: dict[str, Any] = {}
        tokens: list[Token] = []
        parser = _parser()
        parser.block.parse(self._source, parser, env, tokens)
        references = env.get("references", {})
        self._inline = Inline(self._draft, self._surface(tokens), references, self._elements)
        known = [*references.values(), *env.get("duplicate_refs", [])]
        read = {line for reference in known for line in self._leave_out(reference["map"], "link target")}
        for before, token in zip([None, *tokens], tokens, strict=False):
            read.update(self._read_block(token, is_item=before is not None and before.type == "list_item_open"))
        self._read_leftover(read)
        self._elements.apply()

    def _without_front_matter(self) -> str:
        """Leave out the front matter, settings at the head of the text. Return the text with spaces in their place."""
        text = self._draft.text
        opened = FRONT_MATTER.match(text)
        closed = FRONT_MATTER_END.search(text, opened.end()) if opened else None
        if not closed:
            return text
        self._draft.leave_out(0, closed.end(), "front matter")
        self._draft.end_paragraph(closed.end()) if closed.end() < len(text) else None
        return re.sub(r"[^\r\n]", " ", text[: closed.end()]) + text[closed.end() :]

    def _surface(self, tokens: Sequence[Token]) -> str:
        """Return the text with the marks of lists and quotes at the heads of lines replaced by spaces."""
        parts, at = [], 0
        for token in tokens:
            lines = self._starts[slice(*token.map)] if token.map and "spans" in token.meta else []
            for start, (head, _) in zip(lines, token.meta.get("spans", ()), strict=False):
                if at <= start < head:
                    parts += [self._draft.text[at:start], " " * (head - start)]
                    at = head
        return "".join([*parts, self._draft.text[at:]])

    def _read_block(self, token: Token, *, is_item: bool) -> range:
        """Edit the draft by one block. Return its lines."""
        if token.type in UNSPOKEN and token.map:
            if token.type == "fence":
                self._warn_if_unclosed(token)
            return self._leave_out(token.map, UNSPOKEN[token.type])
        spans: list[Span] = token.meta.get("spans", [])
        if not spans or not token.map:
            return range(0)
        lines = range(token.map[0], token.map[0] + len(spans))
        for line, (head, _) in zip(lines, spans, strict=True):
            self._read_containers(self._starts[line], head)
        if token.type == "table_open":
            self._read_table(spans)
        elif token.type == "heading_open":
            self._read_heading(spans, token.markup)
        else:
            self._read_paragraph(spans, is_item=is_item and token.type == "paragraph_open")
        self._end(spans[-1][1])
        return lines

    def _leave_out(self, lines: Sequence[int], rule: str) -> range:
        """Leave out whole lines. `lines` is half-open: its first line and the one after its last."""
        first, stop = lines
        end = self._starts[stop] - 1 if stop < len(self._starts) else len(self._source)
        end = self._starts[first] + len(self._source[self._starts[first] : end].rstrip())
        self._draft.leave_out(self._starts[first], end, rule)
        self._end(end)
        return range(first, stop)

    def _end(self, at: int) -> None:
        """End a paragraph with the line that ends at `at`."""
        at = self._source.find("\n", at)
        if at >= 0:
            self._draft.end_paragraph(at)

    def _warn_if_unclosed(self, fence: Token) -> None:
        first, stop = fence.map or (0, 0)
        last = self._source[self._starts[stop - 1] :].strip()
        if stop >= len(self._starts) and (stop - first == 1 or not last.lstrip("> ").startswith(fence.markup)):
            self._draft.warn(f"the code block at line {first + 1} is not closed: the rest of the text is left out")

    def _read_containers(self, start: int, head: int) -> None:
        """Read the marks of lists and quotes before a line's text: numbers are spoken, as "1."; the rest is not."""
        marks = [*CONTAINER_MARKS.finditer(self._source, start, head)]
        ends = [*(mark.start() for mark in marks[1:]), head]
        for mark, end in zip(marks, ends, strict=False):
            if mark.lastgroup != "number":
                self._draft.leave_out(mark.start(), end, f"{mark.lastgroup} mark")
            elif mark.group().endswith(")"):
                self._draft.say(Rewrite(mark.end() - 1, mark.end(), ".", "list number"), shown=".")

    def _read_heading(self, spans: Sequence[Span], mark: str) -> None:
        start, end = spans[0]
        if mark in ("-", "="):
            self._inline.read(start, spans[-2][1])
            self._draft.leave_out(*spans[-1], "heading mark")
            return
        opened = HEADING_MARK.match(self._source, start, end)
        begin = opened.end() if opened else start
        closed = CLOSING_MARK.search(self._source, max(begin - 1, start), end)
        stop = max(closed.start(), begin) if closed else end
        self._draft.leave_out(start, begin, "heading mark")
        self._draft.leave_out(stop, end, "heading mark") if closed else None
        self._inline.read(begin, stop)

    def _read_paragraph(self, spans: Sequence[Span], *, is_item: bool) -> None:
        start, end = spans[0][0], spans[-1][1]
        task = TASK.match(self._source, start, end) if is_item else None
        if task:
            self._draft.leave_out(*task.span(), "task mark")
            start = task.end()
        self._inline.read(start, end)

    def _read_table(self, spans: Sequence[Span]) -> None:
        self._draft.leave_out(*spans[1], "table rule")
        self._end(spans[1][1])
        for start, end in [spans[0], *spans[2:]]:
            self._read_row(start, end)
            self._end(end)

    def _read_row(self, start: int, end: int) -> None:
        """Read a table row. Cells are separated as by a comma; empty cells are skipped."""
        at = start
        for first, last in self._cells(start, end):
            if at == start:
                self._draft.leave_out(at, first, "table mark")
            else:
                spoken = " " if self._source[at - 1] in CLAUSE_MARKS else ", "
                self._draft.say(Rewrite(at, first, spoken, "table cell"), shown=spoken.strip() or " ")
            self._inline.read(first, last)
            at = last
        self._draft.leave_out(at, end, "table mark")

    def _cells(self, start: int, end: int) -> Iterator[Span]:
        cuts = [found.start() for found in CELL_END.finditer(self._source, start, end) if found.group() == "|"]
        for first, last in zip([start, *(cut + 1 for cut in cuts)], [*cuts, end], strict=True):
            cell = self._source[first:last]
            if cell.strip():
                yield first + len(cell) - len(cell.lstrip()), last - len(cell) + len(cell.rstrip())

    def _read_leftover(self, read: set[int]) -> None:
        """Read the lines that are in no block: empty items, and items nested too deep for the parser."""
        for line, start in enumerate(self._starts):
            end = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self._source)
            if line not in read and self._source[start:end].strip():
                marks = LEADING_MARKS.match(self._source, start, end)
                begin = marks.end() if marks else start
                self._draft.leave_out(start, begin, "bullet mark")
                self._inline.read(begin, end)
                self._end(end)
