"""Format a run as tables, JSON and CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from speakkit import __version__, outputfile
from speakkit.bench import figures, machine
from speakkit.bench.figures import ENGINE, FEWEST_FOR_P95, Figures
from speakkit.bench.machine import Machine
from speakkit.bench.sweep import Sweep, SweepPlan

FORMAT = 1
"""Version of the JSON format; it changes when older files cannot be read any more."""

CSV_START = b"engine,instances,"


@dataclass(frozen=True)
class Header:
    """The conditions of a run.

    when: UTC time in ISO 8601
    speakkit: version of speakkit
    weights, device, torch, threads, processes: as reported by an instance (`messages.Facts`)
    batch: chunks per pass through the network, or None if the engine chose
    concurrency: requests in progress at a time, per instance
    requests: requests per instance
    max_seconds: time after which no request of a row begins; None for no limit
    text: source of the text
    words, characters, chunks, sha256: counts and checksum of the text
    """

    when: str
    machine: Machine
    speakkit: str
    torch: str
    device: str
    threads: int
    processes: int
    weights: str
    voice: str
    language: str
    speed: float
    batch: int | None
    concurrency: int
    requests: int
    max_seconds: float | None
    text: str
    words: int
    characters: int
    chunks: int
    sha256: str


@dataclass(frozen=True)
class BenchResult:
    """The results of a run, which may be incomplete.

    header: the conditions
    rows: the figures
    lost: words that the voice cannot say, at most `messages.SHOWN` of them
    notes: remarks on the rows
    complete: whether the run was completed
    """

    header: Header
    rows: tuple[Figures, ...]
    lost: tuple[str, ...]
    notes: tuple[str, ...]
    complete: bool


def result(plan: SweepPlan, sweep: Sweep, rows: Sequence[Figures], *, complete: bool) -> BenchResult:
    """The result of a sweep of `plan`. At least one row must have been measured."""
    facts, text, setup = sweep.facts, plan.workload, plan.setup
    assert facts
    header = Header(
        when=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        machine=machine.describe(),
        speakkit=__version__,
        torch=facts.torch,
        device=facts.device,
        threads=facts.threads,
        processes=facts.processes,
        weights=facts.weights,
        voice=setup.voice,
        language=setup.language,
        speed=setup.speed,
        batch=setup.batch,
        concurrency=plan.concurrency,
        requests=plan.requests,
        max_seconds=sweep.max_seconds,
        text=text.source,
        words=text.words,
        characters=len(text.text),
        chunks=facts.chunks,
        sha256=text.sha256,
    )
    few = any(0 < row.requests < FEWEST_FOR_P95 for row in rows)
    notes = [f"p95 is the longest request if there are fewer than {FEWEST_FOR_P95}"] if few else []
    return BenchResult(header, tuple(rows), facts.lost, (*notes, *sweep.notes), complete)


@dataclass(frozen=True)
class Column:
    """A column of a table. A column whose cells are all empty is left out.

    title: its heading
    cell: returns the cell of a row
    """

    title: str
    cell: Callable[[Figures], str]


def _number(name: str, form: str) -> Callable[[Figures], str]:
    def cell(row: Figures) -> str:
        value = getattr(row, name)
        return "" if value is None else format(value, form)

    return cell


def _gigabytes(name: str) -> Callable[[Figures], str]:
    def cell(row: Figures) -> str:
        value = getattr(row, name)
        return "" if value is None else f"{value / 1000:.1f}"

    return cell


def _unit(name: str, form: str, unit: str) -> Callable[[Figures], str]:
    shown = _number(name, form)
    return lambda row: f"{text}{unit}" if (text := shown(row)) else ""


def _marginal(row: Figures) -> str:
    return "baseline" if row.instances == 1 and row.throughput else _unit("marginal_pct", "+.0f", " %")(row)


def _name(row: Figures) -> str:
    return str(row.instances) if row.engine == ENGINE else f"{row.instances} {row.engine}"


WHO = Column("instances", _name)

SPEED = (
    WHO,
    Column("throughput", _unit("throughput", ".3g", "x")),
    Column("mean s", _number("mean", ".2f")),
    Column("p50", _number("p50", ".2f")),
    Column("p95", _number("p95", ".2f")),
    Column("max", _number("max", ".2f")),
    Column("scale", _number("scale", ".2f")),
    Column("marginal", _marginal),
    Column("ratio", _unit("ratio_to_baseline", ".2f", "x")),
)
"""Columns of the first table; `ratio` is the ratio to the plain loop."""

REST = (
    WHO,
    Column("requests", lambda row: f"{row.requests}/{row.asked}"),
    Column("an hour", _number("requests_per_hour", ".0f")),
    Column("first audio s", _number("first_audio", ".2f")),
    Column("G2P s", _number("g2p", ".3f")),
    Column("cold start s", _number("cold_start", ".1f")),
    Column("memory GB", _gigabytes("memory_mb")),
)
STAGES = (
    WHO,
    Column("reading s", _number("reading", ".2f")),
    Column("%", _number("reading_pct", ".0f")),
    Column("speaking s", _number("speaking", ".2f")),
    Column("%", _number("speaking_pct", ".0f")),
    Column("writing s", _number("writing", ".2f")),
    Column("%", _number("writing_pct", ".0f")),
    Column("bottleneck", lambda row: row.bottleneck or ""),
)
"""Columns of the stages. Each has its share of the time of the requests; they overlap."""

GPU = (
    WHO,
    Column("VRAM GB", _gigabytes("vram_mb")),
    Column("idle GB", _gigabytes("vram_idle_mb")),
    Column("SM %", _number("sm_pct", ".0f")),
    Column("power W", _number("power_w", ".0f")),
    Column("idle W", _number("power_idle_w", ".0f")),
    Column("°C", _number("temperature_c", ".0f")),
)
COSTS = (
    WHO,
    Column("Wh/h of audio", _number("energy_wh_per_audio_hour", ".2f")),
    Column("$/h", _number("electricity_usd_per_hour", ".3f")),
    Column("$/M characters", _number("electricity_usd_per_million_characters", ".4f")),
    Column("rent, $/M characters", _number("rent_usd_per_million_characters", ".4f")),
)


@dataclass(frozen=True)
class Table:
    """A table as text: titles of the columns, and cells by row."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(rows: Sequence[Figures]) -> list[Table]:
    """The tables for the terminal: speed, other figures, stages, and GPU and costs if they are known."""
    shown = [_table(columns, rows) for columns in (SPEED, REST, STAGES, GPU, COSTS)]
    return [table for table in shown if len(table.titles) > 1]


def heading(header: Header) -> list[str]:
    """The lines above the tables: the conditions of the run."""
    host = header.machine
    memory = f", {host.memory_gb:g} GB" if host.memory_gb else ""
    chunks = f"{header.chunks} chunk{'s' * (header.chunks != 1)}"
    batch = "chosen by the engine" if header.batch is None else str(header.batch)
    threads = f"{header.threads} thread{'s' * (header.threads != 1)}"
    many = f", in {header.processes} processes, each with {threads}" if header.processes > 1 else ""
    limit = "" if header.max_seconds is None else f", none begun after {header.max_seconds:g} s of a row"
    return [
        f"machine   {host.cpu}, {host.cores} cores{memory}, {host.system}",
        f"device    {header.device}",
        f"versions  speakkit {header.speakkit}, torch {header.torch}, Python {host.python}",
        f"weights   {header.weights}",
        f"text      {header.text}: {header.words} words, {header.characters} characters, {chunks}",
        f"speech    {header.voice} ({header.language}), speed {header.speed:g}, batch {batch}{many}",
        f"requests  {header.requests} an instance, {header.concurrency} at a time{limit}",
    ]


def footing(result: BenchResult) -> list[str]:
    """The lines below the tables: failures, lost words and notes."""
    failed = [f"{row.engine} x{row.instances}: {failure}" for row in result.rows for failure in row.failures]
    lost = [f"words that the voice cannot say: {', '.join(result.lost)}"] if result.lost else []
    return [*failed, *lost, *result.notes]


def as_json(result: BenchResult) -> dict[str, Any]:
    """The JSON document of a run, as printed by `--json` and stored in the history."""
    ratio = figures.headline(result.rows)
    found = asdict(result)
    header = found.pop("header")
    return {"format": FORMAT, **header, "ratio_to_baseline": ratio, **found}


def as_json_line(result: BenchResult) -> str:
    """The JSON document on one line, with a line break."""
    return json.dumps(as_json(result), ensure_ascii=False) + "\n"


def as_csv(rows: Iterable[Figures]) -> str:
    """CSV with the field names of `Figures` as header, and a line per row; failures are separated by semicolons."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in fields(Figures))
    for row in rows:
        *most, failures = astuple(row)
        writer.writerow([*most, "; ".join(failures)])
    return out.getvalue()


def is_csv(file: Path) -> bool:
    """Whether `file` begins like the output of `as_csv`."""
    with file.open("rb") as opened:
        return opened.read(len(CSV_START)) == CSV_START


CSV = outputfile.Kind("CSV", is_csv)
"""Files that `as_csv` wrote."""


def _table(columns: Sequence[Column], rows: Sequence[Figures]) -> Table:
    filled = [column for column in columns if column is WHO or any(map(column.cell, rows))]
    return Table(
        tuple(column.title for column in filled),
        tuple(tuple(column.cell(row) for column in filled) for row in rows),
    )
