"""Read Markdown inside a paragraph, a heading or a table cell: CommonMark's inlines and GFM's strikethrough.

It follows CommonMark 0.31 wherever a reader would see a difference. It looks at each mark a fixed number of times.
"""

import re
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from markdown_it.common.utils import normalizeReference

from speakkit.text import ssml
from speakkit.text.edits import Edits
from speakkit.text.marks import read_bracket, read_entity

SPECIAL = re.compile(r"[\\`*_~\[\]!<&]| {2,}(?=\r?\n)")
RUN = re.compile(r"`+|\*+|_+|~+")
ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
LINE_END = re.compile(r" *\r?\n")
AUTOLINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+)>")
FOOTNOTE = re.compile(r"\[\^[^\]\[\s]{1,100}\]")

_title = r""""(?>(?:[^"\\]|\\.)*)"|'(?>(?:[^'\\]|\\.)*)'|\((?>(?:[^()\\]|\\.)*)\)"""
_target = r"<[^<>\n]*+>|(?>(?:[^\s()<\\]|\\.|\\(?=\s)|\((?>(?:[^\s()\\]|\\.|\([^\s()]*+\))*)\))*)"
TARGET = re.compile(rf"\(\s*+(?:{_target})(?>(?:\s++(?:{_title}))?)\s*+\)")
"""A link's target. Parentheses nest at most twice, which bounds the time to match any text."""

LABEL = re.compile(r"\[([^\[\]]{0,999})\]")
LONGEST_LABEL = 999

STRIKETHROUGH = len("~~")
"""Characters; a single ~ more often means "about"."""

PHRASING = re.compile(
    "a|abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|img|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|sub|sup"
    "|time|tt|u|var|wbr"
)
"""HTML elements inside a line: a word may begin in one and end outside it."""

LINE = re.compile("br|td|th|option|button|input")
"""HTML elements that separate words but do not end a sentence."""

BLOCK = re.compile(
    "address|article|aside|audio|blockquote|body|canvas|caption|center|col|colgroup|dd|details|dialog|div|dl|dt|fieldset"
    "|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|meta|nav|noscript|object|ol"
    "|optgroup|p|param|picture|pre|progress|script|section|select|source|style|summary|svg|table|tbody|template|textarea"
    "|tfoot|thead|title|tr|track|ul|video"
)
"""HTML elements that end a paragraph."""

UNREAD = {"script": "script", "style": "style sheet", "pre": "code block"}
"""HTML elements whose content is not spoken -> the rule name reported for it."""


@dataclass
class Run:
    """A run of one mark, such as **, that may open emphasis.

    start: offset of its first character
    left: how many of its marks are not used yet
    """

    mark: str
    start: int
    left: int


class Inline:
    """Reader of the inlines in `surface`: the draft's text, with the marks of lists and quotes replaced by spaces."""

    def __init__(self, draft: Edits, surface: str, references: Collection[str], elements: ssml.Elements) -> None:
        self._draft, self._surface = draft, surface
        self._references, self._elements = references, elements
        self._readers: dict[str, Callable[[int], int]] = {
            "\\": self._escape,
            "`": self._code,
            "[": self._open_bracket,
            "]": self._close_bracket,
            "!": self._image,
            "<": self._angle,
            "&": lambda at: read_entity(draft, at),
            " ": self._hard_break,
        }
        self._readers |= dict.fromkeys("*_~", self._emphasis)

    def read(self, start: int, end: int) -> None:
        """Edit the draft by the inlines between two offsets, half-open."""
        self._start, self._end = start, end
        self._enclosures = ssml.Enclosures(self._surface, start, end)
        self._brackets: list[int] = []
        self._runs: list[Run] = []
        self._open: Counter[str] = Counter()
        self._ticks: defaultdict[int, deque[int]] | None = None
        at = start
        while found := SPECIAL.search(self._surface, at, end):
            at = max(self._readers[found.group()[0]](found.start()), found.start() + 1)

    def _escape(self, at: int) -> int:
        if ESCAPED.match(self._surface, at, self._end):
            self._draft.leave_out(at, at + 1, "escape")
            return at + 2
        if LINE_END.match(self._surface, at + 1, self._end):
            self._draft.leave_out(at, at + 1, "escape")
            return self._hard_break(at + 1)
        return at

    def _hard_break(self, at: int) -> int:
        found = LINE_END.match(self._surface, at, self._end)
        if found:
            self._draft.end_paragraph(found.end() - 1)
        return found.end() if found else at

    def _code(self, at: int) -> int:
        """Read a code span: its words are spoken, and marks in it are plain text. Unmatched backticks stay."""
        if self._ticks is None:
            self._ticks = defaultdict(deque)
            for run in RUN.finditer(self._surface, at, self._end):
                if run.group()[0] == "`":
                    self._ticks[len(run.group())].append(run.start())
        opened = RUN.match(self._surface, at, self._end)
        size = len(opened.group()) if opened else 1
        closers = self._ticks[size]
        while closers and closers[0] <= at:
            closers.popleft()
        if closers:
            self._draft.leave_out(at, at + size, "code mark")
            self._draft.leave_out(closers[0], closers[0] + size, "code mark")
            return closers[0] + size
        return at + size

    def _emphasis(self, at: int) -> int:
        found = RUN.match(self._surface, at, self._end)
        run = Run(self._surface[at], at, len(found.group()) if found else 1)
        end = at + run.left
        before = self._surface[at - 1] if at > self._start else " "
        after = self._surface[end] if end < self._end else " "
        opens, closes = _flanks(run.mark, before, after)
        if (run.mark == "~" and run.left != STRIKETHROUGH) or (
            run.mark == "*" and before.isdigit() and after.isdigit()
        ):
            return end
        while closes and run.left and self._open[run.mark]:
            self._pair(run)
        if opens and run.left:
            self._runs.append(run)
            self._open[run.mark] += 1
        return end

    def _pair(self, closing: Run) -> None:
        """Leave out the marks of `closing` and of the last run that it closes; runs between them open nothing."""
        while self._runs[-1].mark != closing.mark:
            self._open[self._runs.pop().mark] -= 1
        opening = self._runs[-1]
        size = min(opening.left, closing.left)
        opening.left -= size
        self._draft.leave_out(opening.start + opening.left, opening.start + opening.left + size, "emphasis mark")
        self._draft.leave_out(closing.start, closing.start + size, "emphasis mark")
        closing.start += size
        closing.left -= size
        if not opening.left:
            self._open[self._runs.pop().mark] -= 1

    def _image(self, at: int) -> int:
        if self._surface.startswith("![", at) and not FOOTNOTE.match(self._surface, at + 1, self._end):
            self._brackets.append(at)
            return at + 2
        return at

    def _open_bracket(self, at: int) -> int:
        end = read_bracket(self._draft, at, plain_phonemes=False)
        if at < end <= self._end:
            return end
        if found := FOOTNOTE.match(self._surface, at, self._end):
            defines = at == self._start and self._surface.startswith(":", found.end())
            self._draft.leave_out(at, found.end() + defines, "footnote mark")
            return found.end() + defines
        self._brackets.append(at)
        return at

    def _close_bracket(self, at: int) -> int:
        """Read the end of a link or an image: its text is spoken. Brackets that are neither stay as they are."""
        if not self._brackets:
            return at
        opened = self._brackets.pop()
        image = self._surface[opened] == "!"
        begin = opened + 1 + image
        end = self._target(begin, at)
        if end < 0:
            return at
        self._draft.leave_out(opened, begin, "image mark" if image else "link mark")
        self._draft.leave_out(at, end, "image target" if image else "link target")
        return end

    def _target(self, begin: int, at: int) -> int:
        """Return the end of the target of the link whose text spans [begin, at); -1 if it has none."""
        if found := TARGET.match(self._surface, at + 1, self._end):
            return found.end()
        if not self._references:
            return -1
        found = LABEL.match(self._surface, at + 1, self._end)
        if found and found[1].strip():
            return found.end() if normalizeReference(found[1]) in self._references else -1
        label = self._surface[begin:at] if at - begin <= LONGEST_LABEL else ""
        if label.strip() and normalizeReference(label) in self._references:
            return found.end() if found else at + 1
        return -1

    def _angle(self, at: int) -> int:
        if found := AUTOLINK.match(self._surface, at, self._end):
            self._draft.leave_out(at, at + 1, "link mark")
            self._draft.leave_out(found.end() - 1, found.end(), "link mark")
            return found.end()
        tag = ssml.read_tag(self._surface, at, self._end)
        return self._tag(tag) if tag else self._enclosures.read(self._draft, at)

    def _tag(self, tag: ssml.Tag) -> int:
        """Leave out an HTML or SSML tag; other text in angle brackets is spoken. Return where to read on."""
        name, draft = tag.name.lower(), self._draft
        if name in UNREAD and not tag.closes:
            end = self._enclosures.after(f"</{tag.name}>", tag.end)
            if end > 0:
                draft.part(tag.start, end, UNREAD[name])
                return end
        speech = "alias" in tag.attributes or (name == "sub" and tag.closes)
        if PHRASING.fullmatch(name) and not speech:
            draft.leave_out(tag.start, tag.end, "tag")
        elif LINE.fullmatch(name):
            draft.separate(tag.start, tag.end, "tag")
        elif BLOCK.fullmatch(name):
            draft.part(tag.start, tag.end, "tag")
        elif not self._elements.add(tag):
            return tag.start
        return tag.end


def _flanks(mark: str, before: str, after: str) -> tuple[bool, bool]:
    """Return whether a run between two characters may open, and close, emphasis: CommonMark 0.31, 6.2."""
    left = not after.isspace() and (not _is_mark(after) or before.isspace() or _is_mark(before))
    right = not before.isspace() and (not _is_mark(before) or after.isspace() or _is_mark(after))
    if mark == "_":
        return left and (not right or _is_mark(before)), right and (not left or _is_mark(after))
    return left, right


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
