"""Reads the golden file, and says whether a spoken form is one of those that it accepts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[1] / "data" / "golden.tsv"
CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Line:
    """One line of the golden file."""

    category: str
    text: str
    accepted: str

    def accepts(self, spoken: str) -> bool:
        """Whether `spoken` is one of the accepted forms, but for capitals, marks and spaces between letters."""
        heard = comparable(spoken)
        return any(_pattern(form).fullmatch(heard) for form in self.accepted.split(" | "))


def lines() -> Iterator[Line]:
    """The lines of the file, in order."""
    for line in FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("## "):
            yield Line(*line.split("\t"))


def comparable(spoken: str) -> str:
    """Lower case, letters, digits and inner apostrophes alone; single letters in a row stand together."""
    plain = spoken.lower().replace("\u2019", "'")
    plain = re.sub(r"(?<![a-z])'|'(?![a-z])|[^\w']|_", " ", plain)
    return re.sub(r"\b(\w) (?=\w\b)", r"\1", " ".join(plain.split()))


def _pattern(form: str) -> re.Pattern[str]:
    """A form with its choices, as an expression that a comparable text matches; letters may stand together."""
    pattern = ""
    at = 0
    for choice in [*CHOICE.finditer(form), None]:
        end = choice.start() if choice else len(form)
        pattern += _spaced(form[at:end])
        if choice:
            pattern += f"(?:{'|'.join(_spaced(option) for option in choice[1].split('|'))})"
            at = choice.end()
    return re.compile(rf" ?{pattern} ?")


def _spaced(piece: str) -> str:
    plain = re.sub(r"(?<![a-z])'(?=\W|$)|[^\w' ]|_", " ", piece.lower())
    return re.sub(r" +", " ?", re.escape(plain).replace("\\ ", " "))
