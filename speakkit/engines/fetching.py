"""Runs a source of weights in a process of its own, which ends with this one, as do the programs that it starts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from speakkit import config
from speakkit.engines import locations
from speakkit.engines.packages import AnySource
from speakkit.errors import StorageError
from speakkit.progress import Report, Step
from speakkit.workers.worker import Limits, Worker

PLACE = "speakkit.engines.fetching:load"
"""What the process loads, as `module:function`."""

LIMITS = Limits(silence_s=180.0, cpu_s=3600.0)
"""Limits of the process. Each source has its own timeouts, which are shorter; these are for what they do not cover."""


class Order(msgspec.Struct, frozen=True):
    """Order to fetch weights; see `sources.Source.fetch`. The replies are its steps."""

    source: AnySource
    folder: Path
    kept: Path


def run(order: Order, report: Report) -> None:
    """Fetch weights, and report each step.

    Raises ModelError if the source is unavailable, StorageError if a folder cannot be written, and WorkerDied if the
    process is lost.
    """
    with Worker(PLACE, None, LIMITS) as worker:
        for step in worker.request(order, Step, retries=0):
            report(step.what, step.done, step.total)


def load(_: None) -> Callable[[Order], Iterator[Step]]:
    """The handler of the process."""
    locations.use(config.locations)
    return _fetch


def _fetch(order: Order) -> Iterator[Step]:
    """Fetch weights, and yield each step."""
    try:
        yield from order.source.fetch(order.folder, order.kept)
    except OSError as error:
        raise StorageError(error.strerror or str(error)) from error
