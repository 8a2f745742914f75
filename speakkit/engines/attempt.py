"""What every engine does alike: try one item and keep its failure as data, and hold a model until it is closed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from speakkit.errors import EngineError, SpeakkitError, is_out_of_memory
from speakkit.outcome import Outcome

Item = TypeVar("Item")
Value = TypeVar("Value")
Model = TypeVar("Model")

SHOWN = 200
"""Characters of a library's own message that an error shows."""


def attempt(item: Item, make: Callable[[Item], Value], engine: str) -> Outcome[Item, Value]:
    """The outcome of `make(item)`. What a library raises becomes an EngineError that names the engine."""
    try:
        return Outcome(item, make(item))
    except SpeakkitError as error:
        return Outcome(item, error=error)
    except Exception as error:  # noqa: BLE001  one item must not end the batch
        failure = EngineError(_told(engine, error))
        failure.__cause__ = error
        return Outcome(item, error=failure)


def each(items: Iterable[Item], make: Callable[[Item], Value], engine: str) -> Iterator[Outcome[Item, Value]]:
    """The outcome of `make` for each item, in order."""
    return (attempt(item, make, engine) for item in items)


def _told(engine: str, error: Exception) -> str:
    if is_out_of_memory(error):
        return f"there is not enough memory for {engine}; free some of it"
    lines = str(error).strip().splitlines()
    return f"{engine} failed: {type(error).__name__}{': ' if lines else ''}{lines[0][:SHOWN] if lines else ''}"


class Held(Generic[Model]):
    """A loaded model, until its engine is closed. Calling it gives the model, and raises EngineError once closed."""

    def __init__(self, engine: str, model: Model) -> None:
        self.engine = engine
        self._model: Model | None = model

    def __call__(self) -> Model:
        if self._model is None:
            raise closed(self.engine)
        return self._model

    def close(self) -> None:
        """Let go of the model."""
        self._model = None


def closed(engine: str) -> EngineError:
    """The error of an item that an engine had not begun when it was closed."""
    return EngineError(f"{engine} was closed before this was done")
