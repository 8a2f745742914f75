"""Helpers that all engines share: return an item's failure as data, and hold a model until the engine is closed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Generic, TypeVar

import numpy as np

from speakkit.audio import Audio
from speakkit.engines.budget import processor_time
from speakkit.errors import EngineError, SpeakkitError, is_out_of_memory
from speakkit.outcome import Outcome

Item = TypeVar("Item")
Value = TypeVar("Value")
Model = TypeVar("Model")

SHOWN = 200
"""Maximum number of characters of a library's own message in an error."""


def attempt(item: Item, make: Callable[[Item], Value], engine: str, cpu_s: float | None = None) -> Outcome[Item, Value]:
    """Return the outcome of `make(item)`.

    cpu_s: limit of its processor time, see `budget`; None for no limit
    An exception of a library becomes an EngineError that names the engine.
    """
    try:
        with nullcontext() if cpu_s is None else processor_time(cpu_s):
            return Outcome(item, make(item))
    except SpeakkitError as error:
        return Outcome(item, error=error)
    except Exception as error:  # noqa: BLE001  one item must not end the batch
        failure = EngineError(_told(engine, error))
        failure.__cause__ = error
        return Outcome(item, error=failure)


def each(
    items: Iterable[Item], make: Callable[[Item], Value], engine: str, cpu_s: float | None = None
) -> Iterator[Outcome[Item, Value]]:
    """Return an iterator over the outcome of `make` for each item, in order. cpu_s: limit for each, as in `attempt`."""
    return (attempt(item, make, engine, cpu_s) for item in items)


def _told(engine: str, error: Exception) -> str:
    """Return the message of an EngineError for `error`: the engine, the class and the first line."""
    if is_out_of_memory(error):
        return f"there is not enough memory for {engine}; free some of it"
    lines = str(error).strip().splitlines()
    return f"{engine} failed: {type(error).__name__}{': ' if lines else ''}{lines[0][:SHOWN] if lines else ''}"


def usable(clip: Audio) -> Audio:
    """Return the clip. Raises EngineError if it is empty, or has a sample that is no number."""
    if not len(clip.samples):
        raise EngineError("the clip is empty; there is nothing to recognize")
    if not np.isfinite(clip.samples).all():
        raise EngineError("the clip has samples that are no numbers (NaN or infinite); write the audio file again")
    return clip


class Held(Generic[Model]):
    """A loaded model, held until its engine is closed.

    Calling the object returns the model. Raises EngineError after `close`.
    """

    def __init__(self, engine: str, model: Model) -> None:
        self.engine = engine
        self._model: Model | None = model

    def __call__(self) -> Model:
        if self._model is None:
            raise closed(self.engine)
        return self._model

    def close(self) -> None:
        """Release the model."""
        self._model = None


def closed(engine: str) -> EngineError:
    """Return the error for an item that was not started before its engine was closed."""
    return EngineError(f"{engine} was closed before this was done")
