"""Read the tables of speakkit/data: English words that rules look for, and their readings."""

from functools import lru_cache

from speakkit import paths
from speakkit.text.rule import Readings


def rows(name: str) -> list[tuple[str, ...]]:
    """Return the rows of data/`name`.tsv, in order, as tuples of columns; lines that begin with "#" are comments."""
    return [tuple(line.split("\t")) for line in _lines(f"{name}.tsv") if line and not line.startswith("#")]


def column(name: str, kind: str) -> list[str]:
    """Return the first column of the rows whose last column is `kind`."""
    return [row[0] for row in rows(name) if row[-1] == kind]


def mapping(name: str, kind: str = "") -> dict[str, str]:
    """Map the first column to the second, of all rows or of those whose last column is `kind`."""
    return {row[0]: row[1] for row in rows(name) if kind in ("", row[-1])}


@lru_cache(maxsize=8)
def readings(name: str) -> dict[str, Readings]:
    """Map the first column of data/`name`.tsv to its other columns, the usual reading first.

    It has no comments: every line is an entry, because "#" has a reading too.
    """
    return {word: tuple(said) for word, *said in (line.split("\t") for line in _lines(f"{name}.tsv"))}


@lru_cache(maxsize=1)
def words(name: str) -> frozenset[str]:
    """Return the lines of data/`name`.txt."""
    return frozenset(_lines(f"{name}.txt"))


def _lines(name: str) -> list[str]:
    return (paths.data() / name).read_text("utf-8").splitlines()
