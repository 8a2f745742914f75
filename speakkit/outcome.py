"""What became of each item that was handed to an engine or a worker: its result, or the error that it alone met."""

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from speakkit.errors import SpeakkitError, WorkerBug

Failure = SpeakkitError | WorkerBug
"""Why an item failed: as foreseen, or by a bug that showed itself in another process."""

Item = TypeVar("Item")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """The outcome for one item. Outcomes come in the order of their items.

    item: the very object that was handed in
    value: the result; None if it failed
    error: why it failed; None if it did not
    """

    item: Item
    value: Value | None = None
    error: Failure | None = None

    def result(self) -> Value:
        """The value. Raises the error if the item failed."""
        if self.error:
            raise self.error
        return cast("Value", self.value)
