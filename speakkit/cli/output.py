"""All that the program prints: results on standard output, everything else on standard error."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from speakkit.cli import interrupt
from speakkit.progress import Report


def say(line: str) -> None:
    """One line for the person at the terminal."""
    print(line, file=sys.stderr, flush=True)


def show(line: str) -> None:
    """One line of the result."""
    print(line)


def show_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """The result for a script."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def show_json_line(value: Mapping[str, Any]) -> None:
    """One of many results for a script, on a line of its own that a reader has at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; NO_COLOR and the width of the terminal are respected."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # a value may hold what looks like markup
    Console(highlight=False).print(table)


def show_finding(name: str, state: str, found: str, mend: str) -> None:
    """One line of a check-up, and under it what to type, where something is to be mended."""
    console = Console(highlight=False, soft_wrap=True)
    style = {"ok": "green", "warning": "yellow", "failed": "bold red"}.get(state, "")
    console.print(Text.assemble((f"{state:8}", style), f" {name:10} {found}"))
    if mend:
        console.print(Text(f"{'':19} -> {mend}"))


def show_notices(program: str) -> None:
    """Print what the rooms below log as warnings, one line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{program}: %(message)s"))
    logger = logging.getLogger("speakkit")
    logger.handlers = [handler]
    logger.setLevel(logging.WARNING)
    logger.propagate = False


@contextmanager
def progress(*, wanted: bool = True) -> Iterator[Report]:
    """A bar on standard error, from the first report on; nothing where that is no terminal, or it is not `wanted`.

    A report raises KeyboardInterrupt where the user has asked to stop.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (wanted and console.is_terminal)) as bar:
        task = bar.add_task("", total=None, visible=False)

        def report(what: str, done: int, total: int | None) -> None:
            interrupt.check()
            bar.update(task, description=what, completed=done, total=total, visible=True)

        yield report
