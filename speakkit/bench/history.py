"""The history of bench runs, one line of JSON per completed run, and the comparison of a run with an earlier one."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import filelock

from speakkit import paths
from speakkit.bench.figures import Figures
from speakkit.bench.report import FORMAT, BenchResult, as_json, as_json_line
from speakkit.errors import StorageError, storage_error

Document = Mapping[str, Any]
"""A run as returned by `report.as_json`."""

ALIKE = ("device", "voice", "language", "speed", "batch", "concurrency", "sha256")
"""Fields that must be equal, besides the CPU, for two runs to be comparable."""

NAMED = ("weights", "speakkit", "torch", "threads")
"""Fields that may differ between comparable runs; differences are reported."""

COMPARED = {"engine", "instances", "throughput", "p50", "failures"}
"""Fields of a row that a comparison needs."""


@dataclass(frozen=True)
class Change:
    """The comparison of a row with the same row of an earlier run.

    throughput, p50: of this run
    ratio, p50_ratio: those divided by the values of the earlier run
    """

    engine: str
    instances: int
    throughput: float
    ratio: float
    p50: float
    p50_ratio: float


def append(result: BenchResult) -> None:
    """Append a run to the history, under a file lock. Raises StorageError if it cannot be written."""
    file = paths.measurements()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{file}.lock"), file.open("ab+") as out:
            out.write(f"{_torn(out)}{as_json_line(result)}".encode())
    except OSError as error:
        raise storage_error(error, f"write {file}") from error


def last_alike(result: BenchResult) -> Document | None:
    """The last run with the same options on the same device, or None. Raises StorageError if reading fails."""
    file = paths.measurements()
    try:
        lines = file.read_bytes().splitlines() if file.exists() else []
    except OSError as error:
        raise storage_error(error, f"read {file}") from error
    wanted = _identity(as_json(result))
    runs = filter(None, map(_parsed, reversed(lines)))
    return next((run for run in runs if _identity(run) == wanted), None)


def read(file: Path) -> Document:
    """The run in a file written by `--json`. Raises StorageError if it cannot be read or has no run."""
    try:
        found = _parsed(file.read_bytes())
    except OSError as error:
        raise storage_error(error, f"read {file}") from error
    if found is None:
        raise StorageError(f"{file} holds no run; write one with: speakkit bench --json > {file}")
    return found


def changes(rows: Sequence[Figures], before: Document) -> list[Change]:
    """The comparison of each row that both runs have without failures."""
    earlier = {(row["engine"], row["instances"]): row for row in before["rows"] if not row["failures"]}
    return [
        Change(
            engine=row.engine,
            instances=row.instances,
            throughput=row.throughput,
            ratio=row.throughput / then["throughput"],
            p50=row.p50,
            p50_ratio=row.p50 / then["p50"],
        )
        for row in rows
        if not row.failures and row.throughput and row.p50 and (then := earlier.get((row.engine, row.instances)))
    ]


def differences(result: BenchResult, before: Document) -> list[str]:
    """The conditions that differ between the runs, one line each: they may explain the ratios."""
    now = as_json(result)
    pairs = ((name, before[name], now[name]) for name in (*ALIKE, *NAMED))
    found = [f"{name}: {then} then, {this} now" for name, then, this in pairs if then != this]
    return found + ([] if before["machine"] == now["machine"] else ["another machine, or another system on it"])


def _identity(run: Document) -> tuple[Any, ...]:
    return (run["machine"]["cpu"], *(run[name] for name in ALIKE))


def _parsed(line: bytes) -> Document | None:
    """The run in a line; None for any other text, such as a line cut off when the machine went down."""
    try:
        found: Document = json.loads(line)
        complete = found["format"] == FORMAT and found.keys() >= {*ALIKE, *NAMED, "machine", "when"}
        complete = complete and all(row.keys() >= COMPARED for row in found["rows"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if complete else None


def _torn(out: BinaryIO) -> str:
    """The text to write before the next line: a line break if the last line was cut off, else nothing."""
    if not out.seek(0, os.SEEK_END):
        return ""
    out.seek(-1, os.SEEK_END)
    return "" if out.read(1) == b"\n" else "\n"
