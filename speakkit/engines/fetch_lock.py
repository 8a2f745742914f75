"""Lock of a model's fetch: one process has it at a time, and the others are told what they wait for."""

import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from speakkit.progress import Report, Step

TURN = 0.25
"""Seconds between two looks at a lock that another process has."""

log = logging.getLogger(__name__)


class Holder(msgspec.Struct, frozen=True):
    """What the process that has the lock does. It is written to a file beside the lock."""

    pid: int
    step: Step


class FetchLock:
    """The lock of one model."""

    def __init__(self, folder: Path, name: str) -> None:
        """Create the lock without acquiring it. folder: of its files; name: of the model."""
        import filelock  # noqa: PLC0415  only a fetch needs it

        self._name = name
        self._note = folder / f".{name}.progress"
        self._lock = filelock.FileLock(folder / f".{name}.lock")

    def acquire(self, report: Report) -> None:
        """Acquire the lock. Meanwhile, report which process has it and how far that is, and log that once.

        Raises OSError if the lock cannot be created.
        """
        is_logged = False
        while not self._acquired():
            holder = self._holder()
            process = f"process {holder.pid}" if holder else "another process"
            waiting = f"waiting for {process}, which is fetching {self._name}"
            if not is_logged:
                log.warning("%s", waiting)
                is_logged = True
            report(waiting, holder.step.done if holder else 0, holder.step.total if holder else None)
        self._write(Step(self._name, 0))

    def release(self) -> None:
        """Release the lock."""
        with suppress(OSError):
            self._note.unlink(missing_ok=True)
        self._lock.release()

    def shared(self, report: Report) -> Report:
        """Return a `report` that also tells the processes that wait."""

        def both(what: str, done: int, total: int | None) -> None:
            self._write(Step(what, done, total))
            report(what, done, total)

        return both

    def _acquired(self) -> bool:
        """Try to acquire the lock for TURN seconds, and return whether that succeeded."""
        import filelock  # noqa: PLC0415  likewise

        try:
            self._lock.acquire(timeout=TURN)
        except filelock.Timeout:
            return False
        return True

    def _write(self, step: Step) -> None:
        """Write what this process does. It is lost if the disk is full, which the fetch itself will report."""
        with suppress(OSError):
            self._note.write_bytes(msgspec.json.encode(Holder(os.getpid(), step)))

    def _holder(self) -> Holder | None:
        """Return what the other process does; None if that cannot be read, for example while it is written."""
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=Holder)
        except (OSError, msgspec.MsgspecError):
            return None
