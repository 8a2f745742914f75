"""Reads the tables of speakkit/data: words of English that rules look for, and how they are read."""

from importlib.resources import files


def rows(name: str) -> list[tuple[str, ...]]:
    """The rows of data/`name`.tsv, in order, as tuples of its columns; lines that start with "#" say what these are."""
    lines = (files("speakkit") / "data" / f"{name}.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line and not line.startswith("#")]


def column(name: str, kind: str) -> list[str]:
    """The first column of those rows whose last column is `kind`."""
    return [row[0] for row in rows(name) if row[-1] == kind]


def mapping(name: str, kind: str = "") -> dict[str, str]:
    """First column -> second, of all rows, or of those whose last column is `kind`."""
    return {row[0]: row[1] for row in rows(name) if kind in ("", row[-1])}
