"""Output of the commands: results go to standard output, everything else to standard error.

Each function makes what it shows `printable`, so that no text, name or message from elsewhere can act on a terminal.
"""

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
from speakkit.printable import UNSAFE, printable
from speakkit.progress import Report


def say(line: str) -> None:
    """Print a line for the user to standard error."""
    print(printable(line), file=sys.stderr, flush=True)


def show(line: str) -> None:
    """Print a line of the result to standard output."""
    print(printable(line), flush=True)


def show_lines(text: str) -> None:
    """Print the result to standard output as it is, but for what could act on the terminal."""
    print("\n".join(map(printable, text.rstrip("\n").split("\n"))), flush=True)


def show_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print the result to standard output as indented JSON."""
    print(_json(value, indent=2), flush=True)


def show_json_line(value: Mapping[str, Any]) -> None:
    """Print one of several results to standard output as a line of JSON."""
    print(_json(value), flush=True)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output. It respects NO_COLOR and the width of the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(_cell(column), overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    Console(highlight=False).print(table)


def show_finding(name: str, state: str, found: str, mend: str) -> None:
    """Print a line for a finding of `speakkit doctor`, and, if `mend` is not empty, a line with the fix."""
    console = Console(highlight=False, soft_wrap=True)
    style = {"ok": "green", "warning": "yellow", "failed": "bold red"}.get(state, "")
    console.print(Text.assemble((f"{state:8}", style), printable(f" {name:10} {found}")))
    if mend:
        console.print(_cell(f"{'':19} -> {mend}"))


def show_notices(program: str) -> None:
    """Print the warnings that speakkit logs to standard error, one line each, prefixed with the program's name."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine(f"{program}: %(message)s"))
    logger = logging.getLogger("speakkit")
    logger.handlers = [handler]
    logger.setLevel(logging.WARNING)
    logger.propagate = False


@contextmanager
def progress(*, wanted: bool = True) -> Iterator[Report]:
    """Show a progress bar on standard error from the first report on.

    Shows nothing if standard error is not a terminal, or if the bar is not `wanted`.
    A report raises KeyboardInterrupt if the user has requested to stop.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (wanted and console.is_terminal)) as bar:
        task = bar.add_task("", total=None, visible=False)

        def report(what: str, done: int, total: int | None) -> None:
            interrupt.check()
            bar.update(task, description=printable(what), completed=done, total=total, visible=True)

        yield report


class _OneLine(logging.Formatter):
    """Formats each record as one printable line."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _cell(text: str) -> Text:
    """`text` for Rich, which would interpret markup in a plain `str`."""
    return Text(printable(text))


def _json(value: Mapping[str, Any] | Sequence[Any], indent: int | None = None) -> str:
    r"""`value` as JSON; characters of UNSAFE, and those that cannot be encoded, are escapes such as \u202e."""
    dumped = json.dumps(value, ensure_ascii=not sys.stdout.encoding.lower().startswith("utf"), indent=indent)
    # Within the dump, line breaks are layout: those of the value are escapes already.
    lines = (UNSAFE.sub(lambda found: json.dumps(found.group())[1:-1], line) for line in dumped.split("\n"))
    return "\n".join(lines)
