"""speakkit's phonemes in terms of hama's tokens: data/hama_phonemes.tsv, fitted by benchmarks/fit_aligner.py."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speakkit import paths
from speakkit.engines import ctc

IGNORED = re.compile(r"[ˈˌːʰʲᵝ↓→↗↘]")
"""Stress, length, aspiration and tone, which hama does not write."""

RHOTIC = re.compile(r"ɜɹ|əɹ(?![AIOQWYaeiouæɐɑɒɔəɛɜɪʊʌᵊᵻ])")
"""Pairs of speakkit's phonemes that hama hears as one."""

UNIT = re.compile(r".\u0303?")
"""One phoneme: a symbol, with the tilde of a nasal vowel."""

BLANK, BOUNDARY = "<blank>", "<wb>"
"""hama's tokens for no phoneme, and for the boundary of two words."""

FIRST = 3
"""Column of the first phoneme, see `ctc.OTHER`."""

FLOOR = 1e-6
"""The least probability of a phoneme in a frame."""

AS_SPELLED = {"wʌn": "Oni", "wʌns": "nsi"}
"""Pronunciation -> what hama reports for it. It learned "one" and "once" by their letters."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What hama hears in a clip. Each array has one entry per frame.

    scores: [frames, columns], see `ctc`
    token: the most probable of hama's tokens
    """

    scores: npt.NDArray[np.float32]
    token: npt.NDArray[np.int16]

    @classmethod
    def joined(cls, parts: Iterable["Observed"]) -> "Observed":
        """Return what hama hears in several parts of a clip, in order."""
        scores, token = zip(*((part.scores, part.token) for part in parts), strict=True)
        return cls(np.concatenate(scores), np.concatenate(token))


def table() -> list[list[str]]:
    """Return the rows of data/hama_phonemes.tsv: each phoneme, and hama's tokens for it with their weights."""
    lines = (paths.data() / "hama_phonemes.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


class Phonemes:
    """The columns of the scores: which of hama's tokens stand for which of speakkit's phonemes.

    symbols: speakkit's phonemes, in the order of their columns from FIRST on
    """

    def __init__(self, tokens: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Make the columns of `rows`, see `table`. tokens: hama's, in the order of its output."""
        self.symbols = tuple(row[0] for row in rows)
        self._columns = {symbol: FIRST + i for i, symbol in enumerate(self.symbols)} | {" ": ctc.PAUSE}
        self._unknown = FIRST + len(rows)
        self._weights = np.zeros((len(rows), len(tokens)), np.float32)
        index = {token: i for i, token in enumerate(tokens)}
        for weights, row in zip(self._weights, rows, strict=True):
            for token, weight in (pair.rsplit(":", 1) for pair in row[1].split()):
                weights[index[token]] = float(weight)
        self._silent = [index[BLANK], index[BOUNDARY]]
        self._heard = [self.symbols[weights.argmax()] if weights.any() else "" for weights in self._weights.T]

    def observed(self, logs: npt.NDArray[np.float32]) -> Observed:
        """Return what hama's output means. logs: natural logarithms of its tokens' probabilities, [frames, tokens]."""
        probable = np.exp(logs - logs.max(1, keepdims=True))
        blank, boundary = probable[:, self._silent].T
        other = np.full_like(blank, np.exp(-ctc.OTHER_STAYS))
        unknown = np.zeros_like(blank)
        scores = np.column_stack([blank, blank + boundary, other, probable @ self._weights.T, unknown])
        return Observed(np.log(np.clip(scores, FLOOR, 1.0)), logs.argmax(1).astype(np.int16))

    def columns(self, pronunciation: str) -> ctc.Pronunciation:
        """Return the columns of a pronunciation.

        Phonemes that are not in the table are left out; if all are, the pronunciation is one that nobody can hear.
        """
        found = tuple(self._columns[unit] for unit in split(pronunciation) if unit in self._columns)
        return found if any(column != ctc.PAUSE for column in found) or not pronunciation else (self._unknown,)

    def symbol(self, column: int) -> str:
        """Return the phoneme of a column, "" for one that is not in the table."""
        return "" if column == self._unknown else self.symbols[column - FIRST]

    def heard(self, observed: Observed, frames: slice | npt.NDArray[np.intp]) -> str:
        """Return the phonemes that hama hears in some frames, whatever the text is."""
        tokens = observed.token[frames]
        return "".join(self._heard[token] for token in tokens[np.diff(tokens, prepend=-1) != 0])


def alternatives(pronunciations: Sequence[str]) -> list[tuple[str, int]]:
    """Return the pronunciations with those of AS_SPELLED, and the index of the one that each stands for."""
    found = [(way, number) for number, way in enumerate(pronunciations)]
    spelled = [(AS_SPELLED.get(IGNORED.sub("", way), ""), number) for way, number in found]
    return [*found, *((way, number) for way, number in spelled if way)]


def split(pronunciation: str) -> Iterator[str]:
    """Yield the phonemes of a pronunciation, and " " for white space between them; "ɜ" for "ɜɹ", "ɚ" for "əɹ"."""
    plain = RHOTIC.sub(lambda found: {"ɜ": "ɜ", "ə": "ɚ"}[found.group()[0]], IGNORED.sub("", pronunciation))
    yield from UNIT.findall(" ".join(plain.split()))
