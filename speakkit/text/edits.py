"""A script in the making: what markup does to stretches of a text, gathered in any order."""

import re
from dataclasses import dataclass, replace

from speakkit.text.ipa import with_s
from speakkit.text.script import BREAK, SILENT, Pause, Rewrite, Script

LONGEST_PAUSE = 60.0
"""Seconds; a longer one is more likely a slip than meant."""

APART = "([{\"'“‘"
ENDS = '.,;:!?…)]}"”'
"""Marks beside which a word needs no blank to stay a word of its own."""

ENDING = re.compile(r"(?:['’]s|e?s)\b|-(?=\w)")
"""What may follow a word whose pronunciation is given, and cannot stand alone."""


@dataclass(frozen=True)
class Edit:
    """A rewrite, and what stands for its stretch in the script's text, of the same length."""

    rewrite: Rewrite
    shown: str


class Edits:
    """A text with edits. Offsets are those of the text, in characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._edits: list[Edit] = []
        self._ends: list[int] = []
        self._pauses: list[Pause] = []
        self._warnings: dict[str, None] = {}

    def leave_out(self, start: int, end: int, rule: str) -> None:
        """Nothing is said for the stretch, and what is beside it is joined."""
        self._add(Rewrite(start, end, "", rule), SILENT * (end - start))

    def separate(self, start: int, end: int, rule: str) -> None:
        """Nothing is said for the stretch, and words on both sides of it stay apart."""
        if self._joins(start, end):
            self._add(Rewrite(start, end, " ", rule), SILENT * (end - start - 1) + " ")
        else:
            self.leave_out(start, end, rule)

    def part(self, start: int, end: int, rule: str) -> None:
        """Nothing is said for the stretch, and a paragraph ends with it."""
        self._add(Rewrite(start, end, "", rule), SILENT * (end - start - 1) + BREAK)

    def end_paragraph(self, at: int) -> None:
        """A paragraph ends with the character at `at`, which is a line's end."""
        self._ends.append(at)

    def say(self, rewrite: Rewrite, shown: str = "") -> None:
        """What `rewrite` says is said for its stretch, which stays one piece where sentences are cut.

        shown: what the stretch looks like to those who cut sentences; by default its own letters
        """
        written = self.text[rewrite.start : rewrite.end]
        whole = shown or "".join(letter if letter.isalnum() else SILENT for letter in written)
        self._add(rewrite, whole[: len(written)].ljust(len(written), SILENT))

    def pronounce(self, rewrite: Rewrite, start: int, end: int) -> None:
        """As `say`, with phonemes, which a plural or a possessive that follows at once is added to.

        start, end: the stretch with the marks around it that are left out
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
        """Silence at `at`; none for 0 seconds."""
        if seconds > LONGEST_PAUSE:
            self.warn(f"a pause of {seconds:g} s is cut to {LONGEST_PAUSE:g} s, the longest there is")
        if seconds > 0:
            self._pauses.append(Pause(at, min(seconds, LONGEST_PAUSE)))

    def warn(self, line: str) -> None:
        """Tell the user, once."""
        self._warnings[line] = None

    def script(self) -> Script:
        """The script. Of edits within an edit the outer one stands, and of equal ones the first."""
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
        """Whether the words on both sides of the stretch would become one without it."""
        before, after = self.text[max(start - 1, 0) : start], self.text[end : end + 1]
        return bool(before and after and not before.isspace() and not after.isspace())


def _continues(first: Rewrite, second: Rewrite) -> bool:
    """Whether both are one stretch that is left out by one rule."""
    return first.end == second.start and first.rule == second.rule and not first.spoken and not second.spoken
