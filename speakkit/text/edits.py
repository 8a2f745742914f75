"""Collect markup edits of a source text, in any order, and build a script from them."""

import re
from dataclasses import dataclass, replace

from speakkit.text.ipa import with_s
from speakkit.text.script import BREAK, SILENT, Pause, Rewrite, Script

LONGEST_PAUSE = 60.0
"""Seconds; a longer pause is more likely a slip than intended."""

APART = "([{\"'“‘"
ENDS = '.,;:!?…)]}"”'
"""Marks beside which a word stays separate without a space: APART before the word, ENDS after it."""

ENDING = re.compile(r"(?:['’]s|e?s)\b|-(?=\w)")
"""Endings that may follow a word with a given pronunciation and cannot stand alone."""


@dataclass(frozen=True)
class Edit:
    """A rewrite, and the characters that replace its range in the script's text, of the same length."""

    rewrite: Rewrite
    shown: str


class Edits:
    """A source text and its edits. Offsets are in characters of the source text; ranges are half-open."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._edits: list[Edit] = []
        self._ends: list[int] = []
        self._pauses: list[Pause] = []
        self._warnings: dict[str, None] = {}

    def leave_out(self, start: int, end: int, rule: str) -> None:
        """Leave out the range and join the text on both sides of it."""
        self._add(Rewrite(start, end, "", rule), SILENT * (end - start))

    def separate(self, start: int, end: int, rule: str) -> None:
        """Leave out the range and keep the words on both sides of it apart."""
        if self._joins(start, end):
            self._add(Rewrite(start, end, " ", rule), SILENT * (end - start - 1) + " ")
        else:
            self.leave_out(start, end, rule)

    def part(self, start: int, end: int, rule: str) -> None:
        """Leave out the range and end a paragraph with it."""
        self._add(Rewrite(start, end, "", rule), SILENT * (end - start - 1) + BREAK)

    def end_paragraph(self, at: int) -> None:
        """End a paragraph with the character at `at`, which is a line end."""
        self._ends.append(at)

    def say(self, rewrite: Rewrite, shown: str = "") -> None:
        """Replace the range of `rewrite` by what it says; the sentence splitter keeps the range in one piece.

        shown: the characters that the sentence splitter sees in place of the range; by default the range's own letters
        """
        written = self.text[rewrite.start : rewrite.end]
        whole = shown or "".join(letter if letter.isalnum() else SILENT for letter in written)
        self._add(rewrite, whole[: len(written)].ljust(len(written), SILENT))

    def pronounce(self, rewrite: Rewrite, start: int, end: int) -> None:
        """As `say`, for a rewrite with phonemes; a plural or possessive ending right after the word is added to them.

        start, end: the range including the marks around it that are left out
        """
        before, after = self.text[max(start - 1, 0) : start], self.text[end : end + 1]
        lead = "" if not before or before.isspace() or before in APART else " "
        trail = "" if not after or after.isspace() or after in ENDS else " "
        ending = ENDING.match(self.text, end)
        if ending and ending.group() != "-":
            rewrite = replace(rewrite, spoken=rewrite.spoken + ending.group(), phonemes=with_s(rewrite.phonemes))
            trail = ""
        if ending:
            self.leave_out(end, ending.end(), "pronunciation mark")
        self.say(replace(rewrite, spoken=lead + rewrite.spoken + trail))

    def pause(self, at: int, seconds: float) -> None:
        """Add a pause of `seconds` at `at`; none for 0 seconds. Longer ones are cut to LONGEST_PAUSE with a warning."""
        if seconds > LONGEST_PAUSE:
            self.warn(f"a pause of {seconds:g} s is cut to {LONGEST_PAUSE:g} s, the maximum")
        if seconds > 0:
            self._pauses.append(Pause(at, min(seconds, LONGEST_PAUSE)))

    def warn(self, line: str) -> None:
        """Add a warning for the user; repeated lines count once."""
        self._warnings[line] = None

    def script(self) -> Script:
        """Build the script. If one edit lies within another, the outer one wins; of equal ranges, the first."""
        letters = list(self.text)
        for at in self._ends:
            letters[at] = BREAK
        rewrites: list[Rewrite] = []
        for edit in self._outermost():
            start, end = edit.rewrite.start, edit.rewrite.end
            letters[start:end] = edit.shown
            if rewrites and _continues(rewrites[-1], edit.rewrite):
                rewrites[-1] = replace(rewrites[-1], end=end)
            else:
                rewrites.append(edit.rewrite)
        pauses = sorted(self._pauses, key=lambda pause: pause.at)
        return Script("".join(letters), tuple(rewrites), tuple(pauses), tuple(self._warnings))

    def _add(self, rewrite: Rewrite, shown: str) -> None:
        if rewrite.start < rewrite.end:
            self._edits.append(Edit(rewrite, shown))

    def _outermost(self) -> list[Edit]:
        kept: list[Edit] = []
        for edit in sorted(self._edits, key=lambda edit: (edit.rewrite.start, -edit.rewrite.end)):
            if not kept or edit.rewrite.start >= kept[-1].rewrite.end:
                kept.append(edit)
        return kept

    def _joins(self, start: int, end: int) -> bool:
        """Return whether the words on both sides of the range would merge without it."""
        before, after = self.text[max(start - 1, 0) : start], self.text[end : end + 1]
        return bool(before and after and not before.isspace() and not after.isspace())


def _continues(first: Rewrite, second: Rewrite) -> bool:
    """Return whether the two rewrites form one range that one rule leaves out."""
    return first.end == second.start and first.rule == second.rule and not first.spoken and not second.spoken
