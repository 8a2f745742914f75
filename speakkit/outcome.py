"""Outcome of one item that an engine or a worker processed: its value, or the error of this item alone."""

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from speakkit.errors import SpeakkitError, WorkerBug

Failure = SpeakkitError | WorkerBug
"""Error of an item: an expected error, or a bug in a worker process."""

Item = TypeVar("Item")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """The outcome for one item. Outcomes are returned in the order of their items.

    item: the same object that was passed in
    value: the result; None if the item failed
    error: why the item failed; None if it succeeded
    """

    item: Item
    value: Value | None = None
    error: Failure | None = None

    def result(self) -> Value:
        """Return the value. Raises the item's error if the item failed."""
        if self.error:
            raise self.error
        return cast("Value", self.value)
