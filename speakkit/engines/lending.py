"""Engine lending: each engine is loaded once, shared by its borrowers, and closed if memory is short."""

import gc
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Generic, Protocol, TypeVar, cast

from speakkit.engines.base import Engine, Footprint
from speakkit.errors import EngineError, is_out_of_memory

log = logging.getLogger(__name__)

AnyEngine = TypeVar("AnyEngine", bound=Engine)


@dataclass(frozen=True)
class Loading(Generic[AnyEngine]):
    """Instructions for loading one engine.

    key: loadings with equal keys share one engine
    name: display name, such as "whisper-base on cuda"
    footprint: returns the memory that the engine needs
    load: loads the engine
    """

    key: Hashable
    name: str
    footprint: Callable[[], Footprint]
    load: Callable[[], AnyEngine]


class FreeMemory(Protocol):
    """Function that returns the free bytes of memory on a device: "cpu", "cuda" or "mps"."""

    def __call__(self, device: str) -> int: ...


@dataclass(eq=False)
class _Loaded:
    """A loaded engine.

    borrowers: current number of borrowers
    """

    engine: Engine
    name: str
    footprint: Footprint
    borrowers: int = 0


class Lender:
    """Lends engines, each loaded once. Several threads may borrow the same engine at the same time.

    A returned engine stays loaded. If a device has less free memory than a new engine's footprint, idle engines on that
    device are closed first, starting with the least recently used. Engines that are lent out are never closed.
    """

    def __init__(self, free: FreeMemory) -> None:
        """Create a lender. `free` returns the free memory of a device."""
        self._free = free
        self._loaded: OrderedDict[Hashable, _Loaded] = OrderedDict()
        self._lock = RLock()

    @contextmanager
    def lend(self, loading: Loading[AnyEngine]) -> Iterator[AnyEngine]:
        """Return a context manager that lends the engine for the length of the block.

        Raises whatever loading raises, and EngineError, which names the loaded engines, if memory is too small.
        """
        with self._lock:
            loaded = self._loaded.get(loading.key) or self._load(loading)
            self._loaded.move_to_end(loading.key)
            loaded.borrowers += 1
        try:
            yield cast("AnyEngine", loaded.engine)
        finally:
            with self._lock:
                loaded.borrowers -= 1

    @property
    def lent(self) -> tuple[str, ...]:
        """Names of the engines that are lent out, least recently used first."""
        with self._lock:
            return tuple(loaded.name for loaded in self._loaded.values() if loaded.borrowers)

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of all loaded engines, least recently used first."""
        with self._lock:
            return tuple(loaded.name for loaded in self._loaded.values())

    def close(self) -> None:
        """Close every engine that is not lent out."""
        with self._lock:
            for key in self._idle():
                self._close(key)

    def _load(self, loading: Loading[AnyEngine]) -> _Loaded:
        """Load an engine, after closing idle ones if memory is short."""
        footprint = loading.footprint()
        while self._free(footprint.device) < footprint.size and self._close_oldest(footprint.device):
            pass
        try:
            engine = loading.load()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise self._short(loading.name, footprint.device) from error
        loaded = self._loaded[loading.key] = _Loaded(engine, loading.name, footprint)
        log.debug("loaded %s", loading.name)
        return loaded

    def _short(self, name: str, device: str) -> EngineError:
        """Return the error for an engine that does not fit into memory."""
        beside = [loaded.name for loaded in self._loaded.values() if loaded.footprint.device == device]
        others = f" beside {', '.join(beside)}" if beside else ""
        return EngineError(f"there is not enough memory to load {name}{others}; free some of it, or use a smaller one")

    def _close_oldest(self, device: str) -> bool:
        """Close the least recently used idle engine on `device`. Returns False if none is idle."""
        for key in self._idle():
            if self._loaded[key].footprint.device == device:
                self._close(key)
                return True
        return False

    def _idle(self) -> list[Hashable]:
        """Return the keys of the engines that are not lent out, least recently used first."""
        return [key for key, loaded in self._loaded.items() if not loaded.borrowers]

    def _close(self, key: Hashable) -> None:
        loaded = self._loaded.pop(key)
        loaded.engine.close()
        gc.collect()  # models contain reference cycles, which would keep their memory for a while
        log.debug("closed %s", loaded.name)
