"""Read SSML: apply pauses, substitutions and pronunciations; leave out all other tags and speak their words.

It follows the W3C's Speech Synthesis Markup Language 1.1, but tolerates errors: if the SSML is not well formed, no word
is lost.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from speakkit.errors import TextError
from speakkit.text.edits import Edits
from speakkit.text.ipa import misaki_symbols
from speakkit.text.marks import resolved
from speakkit.text.script import Rewrite

STRENGTHS = {"none": 0.0, "x-weak": 0.25, "weak": 0.5, "medium": 0.75, "strong": 1.0, "x-strong": 1.25}
"""Seconds, as Azure's SSML documents them for `break`; the W3C leaves them to the synthesizer."""

TIME = re.compile(r"\s*\+?([0-9]*\.?[0-9]+)(m?)s\s*", re.IGNORECASE)

SUPPORTED = frozenset({"speak", "break", "sub", "phoneme", "p", "s"})
NAMES = SUPPORTED | {"prosody", "voice", "emphasis", "say-as", "audio", "mark", "lang", "token", "w", "desc", "lexicon"}
VENDORS = frozenset({"amazon", "google", "mstts"})
"""Prefixes, before a colon, of element names that only this vendor supports."""

_value = r"""(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>=`]++))"""
ATTRIBUTE = re.compile(rf"""([^\s"'<>/=]++)(?>(?:\s*+=\s*+{_value})?)""")
TAG = re.compile(
    rf"<(?P<closes>/?)(?P<name>[A-Za-z][\w.:-]*+)(?P<attributes>(?>(?:\s++{ATTRIBUTE.pattern})*))\s*+(?P<empty>/?)>"
)
"""Matching takes linear time: of tags that begin inside the quotes of others, at most two are read at the same time."""

EVIDENCE = re.compile(
    r"<break\s*/?>|<break\s+(?:time|strength)\s*=|<sub\s+alias\s*=|<phoneme\s+(?:alphabet|ph)\s*="
    r"|<(?:prosody|voice|say-as|emphasis|lang|amazon:\w+|mstts:\w+)\s+[\w:-]+\s*=|</(?:p|s|emphasis|speak)>"
)
"""Tags that occur only in SSML. A type parameter or a placeholder in angle brackets does not match."""

DOCUMENT = re.compile(r"<speak[\s>/]")
PROLOGUE = re.compile(r"\s*(?>(?:(?:<\?[^>]*>|<!--(?>(?:[^-]|-(?!->))*)-->|<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>)\s*)*)")
DECLARATION = re.compile(r"<!(?:ENTITY|DOCTYPE(?!\s+html\b))", re.IGNORECASE)

ENCLOSED = (("<!--", "-->", "comment"), ("<![CDATA[", "]]>", "CDATA mark"), ("<?", "?>", "processing instruction"))

LONGEST_STRETCH = 200
"""Characters; the longest range with one replacement. A longer one could be spoken twice if sentences are cut in it."""


@dataclass(frozen=True)
class Tag:
    """A tag: <name>, </name> (`closes`) or <name/> (`empty`).

    start, end: half-open offsets in the text, in characters
    attributes: values as written; entities are not resolved
    """

    start: int
    end: int
    name: str
    closes: bool
    empty: bool
    attributes: Mapping[str, str]


def is_document(text: str) -> bool:
    """Return whether the whole of `text` is SSML."""
    return bool(DOCUMENT.match(text, _prologue(text)))


def refuse_declarations(text: str) -> None:
    """Raise TextError if `text` begins with a declaration of entities, because these could expand to gigabytes."""
    end = _prologue(text)
    found = DECLARATION.search(text, 0, end) or DECLARATION.match(text, end)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise TextError(f"the text begins with {found.group()} (line {line}), which is not supported: remove it")


def _prologue(text: str) -> int:
    """Return the offset at which the content that may precede <speak> ends."""
    found = PROLOGUE.match(text)
    return found.end() if found else 0


def read_tag(text: str, at: int, end: int) -> Tag | None:
    """Return the tag that begins at `at` and ends at or before `end`, or None if there is none."""
    found = TAG.match(text, at, end)
    if not found:
        return None
    attributes = {name: a or b or c for name, a, b, c in ATTRIBUTE.findall(found["attributes"])}
    return Tag(*found.span(), found["name"], bool(found["closes"]), bool(found["empty"]), attributes)


class Enclosures:
    """Finder of the ends of comments and similar sections in a range, in time linear in the range's length."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text, self._start, self._end = text, start, end
        self._last: dict[str, int] = {}

    def read(self, draft: Edits, at: int) -> int:
        """Apply the comment, CDATA section or processing instruction that begins at `at` to `draft`.

        Return its end, or `at` if there is none.
        """
        for opener, closer, rule in ENCLOSED:
            if self._text.startswith(opener, at):
                end = self.after(closer, at + len(opener))
                if end < 0:
                    return at
                if opener == "<![CDATA[":
                    draft.leave_out(at, at + len(opener), rule)
                    draft.leave_out(end - len(closer), end, rule)
                else:
                    draft.separate(at, end, rule)
                return end
        return at

    def after(self, closer: str, at: int) -> int:
        """Return the offset just past the next `closer`; -1 if there is none."""
        if closer not in self._last:
            self._last[closer] = self._text.rfind(closer, self._start, self._end)
        return self._text.find(closer, at, self._end) + len(closer) if at <= self._last[closer] else -1


class Elements:
    """The edits that the tags of a text ask for: `add` the tags in order, then `apply` them.

    whole: the whole text is SSML, so every tag belongs to it
    strict: warn the user of tags that do not match
    """

    def __init__(self, draft: Edits, *, whole: bool = False, strict: bool = True) -> None:
        self._draft = draft
        self._whole, self._strict = whole, strict
        self._tags: list[Tag] = []

    def add(self, tag: Tag) -> bool:
        """Add `tag` if it is SSML. Return whether it is."""
        known = self._whole or tag.name in NAMES or tag.name.partition(":")[0] in VENDORS
        if known:
            self._tags.append(tag)
        return known

    def apply(self) -> None:
        """Edit the draft. Add a tag's replacement before its removal, because the first of two equal edits wins."""
        partners = self._partners()
        said = 0
        for index, tag in enumerate(self._tags):
            partner = partners.get(index, tag if tag.empty else None)
            if not tag.closes and tag.start >= said and self._open(tag, partner) and partner:
                said = partner.start
            self._leave_out(tag)

    def _partners(self) -> dict[int, Tag]:
        """Map the index of each opening tag to its closing tag, if any. Each tag is pushed and popped once at most."""
        partners: dict[int, Tag] = {}
        opened: list[int] = []
        waiting: Counter[str] = Counter()
        flaws = []
        for index, tag in enumerate(self._tags):
            if not tag.closes and not tag.empty and tag.name != "break":
                opened.append(index)
                waiting[tag.name] += 1
            elif tag.closes and waiting[tag.name]:
                while self._tags[opened[-1]].name != tag.name:
                    unclosed = self._tags[opened.pop()].name
                    waiting[unclosed] -= 1
                    flaws.append(f"<{unclosed}> is not closed before </{tag.name}>")
                partners[opened.pop()] = tag
                waiting[tag.name] -= 1
            elif tag.closes and tag.name != "break":
                flaws.append(f"</{tag.name}> has no opening tag")
        flaws += [f"<{self._tags[index].name}> is not closed" for index in opened]
        if flaws and self._strict:
            self._draft.warn(f"the SSML is not well formed: {flaws[0][:80]}; its words are spoken anyway")
        return partners

    def _leave_out(self, tag: Tag) -> None:
        if tag.name in ("p", "s"):
            self._draft.part(tag.start, tag.end, "tag")
        elif tag.name == "break":
            self._draft.separate(tag.start, tag.end, "pause")
        else:
            self._draft.leave_out(tag.start, tag.end, "tag")

    def _open(self, tag: Tag, partner: Tag | None) -> bool:
        """Apply an opening `tag`. Return whether it sets what is read for everything before `partner`."""
        alias = tag.attributes.get("alias") if tag.name == "sub" else None
        if tag.name == "break":
            self._pause(tag)
        elif tag.name == "phoneme":
            return self._pronounce(tag, partner)
        elif alias and partner:
            start, end = self._stretch(tag, partner, "sub")
            self._draft.say(Rewrite(start, end, resolved(alias).strip(), "sub"))
            return True
        elif tag.name not in SUPPORTED or (tag.name == "sub" and not alias):
            self._draft.warn(f"<{tag.name[:40]}> has no effect: the tag is ignored and its words are spoken")
        return False

    def _pause(self, tag: Tag) -> None:
        time, strength = tag.attributes.get("time"), tag.attributes.get("strength", "medium")
        found = TIME.fullmatch(time) if time is not None else None
        if found:
            self._draft.pause(tag.start, float(found[1]) / (1000 if found[2] else 1))
        elif time is None and strength in STRENGTHS:
            self._draft.pause(tag.start, STRENGTHS[strength])
        else:
            given = f'strength="{strength[:40]}"' if time is None else f'time="{time[:40]}"'
            self._draft.warn(f'<break {given}> is not a valid pause: use a time such as "500ms", or a strength of SSML')

    def _pronounce(self, tag: Tag, partner: Tag | None) -> bool:
        alphabet = tag.attributes.get("alphabet", "ipa")
        phonemes = misaki_symbols(resolved(tag.attributes.get("ph", "")))
        if alphabet.lower() != "ipa" or not phonemes:
            flaw = f'only alphabet="ipa" is supported, not "{alphabet[:40]}"' if phonemes else "ph is missing or empty"
            self._draft.warn(f"<phoneme> has no effect ({flaw}): the tag is ignored and its words are spoken")
            return False
        if not partner:
            return False
        start, end = self._stretch(tag, partner, "pronunciation given")
        words = " ".join(TAG.sub(" ", self._draft.text[start:end]).split()) or phonemes
        rewrite = Rewrite(start, end, words, "pronunciation given", phonemes)
        self._draft.pronounce(rewrite, tag.start, partner.end)
        return True

    def _stretch(self, tag: Tag, partner: Tag, rule: str) -> tuple[int, int]:
        """Return the half-open range between the two tags, without white space at its ends.

        Return the range of the tags themselves if nothing stands between them. Leave out what exceeds LONGEST_STRETCH
        characters.
        """
        written = self._draft.text[tag.end : partner.start]
        start = tag.end + len(written) - len(written.lstrip())
        stop = start + len(written.strip())
        if start >= stop:
            return tag.start, partner.end
        end = min(stop, start + LONGEST_STRETCH)
        self._draft.leave_out(end, stop, rule)
        return start, end
