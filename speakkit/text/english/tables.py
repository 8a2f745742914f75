"""Reads the tables of speakkit/data: words of English that rules look for, and how they are read."""

from functools import lru_cache

from speakkit import paths
from speakkit.text.rule import Readings


def rows(name: str) -> list[tuple[str, ...]]:
    """The rows of data/`name`.tsv, in order, as tuples of its columns; lines that start with "#" say what these are."""
    return [tuple(line.split("\t")) for line in _lines(f"{name}.tsv") if line and not line.startswith("#")]


def column(name: str, kind: str) -> list[str]:
    """The first column of those rows whose last column is `kind`."""
    return [row[0] for row in rows(name) if row[-1] == kind]


def mapping(name: str, kind: str = "") -> dict[str, str]:
    """First column -> second, of all rows, or of those whose last column is `kind`."""
    return {row[0]: row[1] for row in rows(name) if kind in ("", row[-1])}


@lru_cache(maxsize=8)
def readings(name: str) -> dict[str, Readings]:
    """First column of data/`name`.tsv -> the others, the usual reading first. Every line counts: "#" has a name too."""
    return {word: tuple(said) for word, *said in (line.split("\t") for line in _lines(f"{name}.tsv"))}


@lru_cache(maxsize=1)
def words(name: str) -> frozenset[str]:
    """Those of data/`name`.txt."""
    return frozenset(_lines(f"{name}.txt"))


def _lines(name: str) -> list[str]:
    return (paths.data() / name).read_text("utf-8").splitlines()
