"""Progress of a long operation: the type of a step, and of the function that takes it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """A step of a long operation. what: what is made; done, total: units; total is None if it is not known."""

    what: str
    done: int
    total: int | None = None


class Report(Protocol):
    """Takes how far something is: what it is, units done, and units in all or None if that is unknown."""

    def __call__(self, what: str, done: int, total: int | None) -> None: ...
