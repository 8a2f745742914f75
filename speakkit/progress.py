"""How far a long operation is: the one type of a progress report."""

from typing import Protocol


class Report(Protocol):
    """Takes how far something is: what it is, units done, and units in all or None if that is unknown."""

    def __call__(self, what: str, done: int, total: int | None) -> None: ...
