"""Engines that are loaded: lent to any number of borrowers, kept for the next one, closed when memory is short."""

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
    """How to load one engine.

    key: two loadings with one key give the same engine
    name: for people, such as "whisper-base on cuda"
    """

    key: Hashable
    name: str
    footprint: Callable[[], Footprint]
    load: Callable[[], AnyEngine]


class FreeMemory(Protocol):
    """Bytes of memory that are free on a device: "cpu", "cuda" or "mps"."""

    def __call__(self, device: str) -> int: ...


@dataclass(eq=False)
class _Loaded:
    """A loaded engine. borrowers: how many have it now."""

    engine: Engine
    name: str
    footprint: Footprint
    borrowers: int = 0


class Lender:
    """Lends engines, each loaded once. Several threads may borrow one engine at the same time.

    An engine that comes back stays loaded. Before another is loaded on a device whose free memory is short of its
    footprint, engines that nobody has are closed, the least recently used first. Engines that are lent never are.
    """

    def __init__(self, free: FreeMemory) -> None:
        self._free = free
        self._loaded: OrderedDict[Hashable, _Loaded] = OrderedDict()
        self._lock = RLock()

    @contextmanager
    def lend(self, loading: Loading[AnyEngine]) -> Iterator[AnyEngine]:
        """The engine, for the length of a block.

        Raises what its loading raises; EngineError, which names the engines in use, if memory does not hold it.
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
        """Names of the engines that somebody has, the least recently used first."""
        with self._lock:
            return tuple(loaded.name for loaded in self._loaded.values() if loaded.borrowers)

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of all engines that are loaded, the least recently used first."""
        with self._lock:
            return tuple(loaded.name for loaded in self._loaded.values())

    def close(self) -> None:
        """Close every engine that is not lent."""
        with self._lock:
            for key in self._idle():
                self._close(key)

    def _load(self, loading: Loading[AnyEngine]) -> _Loaded:
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
        beside = [loaded.name for loaded in self._loaded.values() if loaded.footprint.device == device]
        others = f" beside {', '.join(beside)}" if beside else ""
        return EngineError(f"there is not enough memory to load {name}{others}; free some of it, or use a smaller one")

    def _close_oldest(self, device: str) -> bool:
        """Close the engine on `device` that was idle for longest. Returns False if none is idle."""
        for key in self._idle():
            if self._loaded[key].footprint.device == device:
                self._close(key)
                return True
        return False

    def _idle(self) -> list[Hashable]:
        return [key for key, loaded in self._loaded.items() if not loaded.borrowers]

    def _close(self, key: Hashable) -> None:
        loaded = self._loaded.pop(key)
        loaded.engine.close()
        gc.collect()  # models have cycles: their memory would come back some time later
        log.debug("closed %s", loaded.name)
