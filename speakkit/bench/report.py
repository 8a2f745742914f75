"""A run -> what people and programs read of it: tables, JSON, CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from speakkit import __version__
from speakkit.bench import figures, machine
from speakkit.bench.figures import ENGINE, FEWEST_FOR_P95, Figures
from speakkit.bench.machine import Machine
from speakkit.bench.sweep import Sweep, SweepPlan

FORMAT = 1
"""Of the JSON: another number where what was written before cannot be read any more."""

CSV_START = b"engine,instances,"


@dataclass(frozen=True)
class Header:
    """What was measured, where, and with what.

    when: UTC, as in ISO 8601
    weights, device, torch, threads: as an instance told them
    batch: chunks at once, or None where the engine chose; max_seconds: None for no limit
    text: where it is from, with its words, characters, chunks and SHA-256 beside it
    """

    when: str
    machine: Machine
    speakkit: str
    torch: str
    device: str
    threads: int
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
    """A run, as far as it came.

    lost: words that the voice cannot say, some of them where there are many
    notes: what is to be known of the rows
    complete: it came to its end
    """

    header: Header
    rows: tuple[Figures, ...]
    lost: tuple[str, ...]
    notes: tuple[str, ...]
    complete: bool


def result(plan: SweepPlan, sweep: Sweep, rows: Sequence[Figures], *, complete: bool) -> BenchResult:
    """What came of `plan`, of which a row was measured at least."""
    facts, text, setup = sweep.facts, plan.workload, plan.setup
    assert facts
    header = Header(
        when=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        machine=machine.describe(),
        speakkit=__version__,
        torch=facts.torch,
        device=facts.device,
        threads=facts.threads,
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
    notes = [f"p95 is the longest request where there are fewer than {FEWEST_FOR_P95}"] if few else []
    return BenchResult(header, tuple(rows), facts.lost, (*notes, *sweep.notes), complete)


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and what stands in it for a row; a column without anything in it is left out."""

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
"""Of `Figures`; `ratio` is that to the plain loop."""

REST = (
    WHO,
    Column("requests", lambda row: f"{row.requests}/{row.asked}"),
    Column("an hour", _number("requests_per_hour", ".0f")),
    Column("first audio s", _number("first_audio", ".2f")),
    Column("G2P s", _number("g2p", ".3f")),
    Column("cold start s", _number("cold_start", ".1f")),
    Column("memory GB", _gigabytes("memory_mb")),
)
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
    """Titles, and the cells below them."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(rows: Sequence[Figures]) -> list[Table]:
    """What people see: the speed, the rest of it, and the GPU and the costs where they are known."""
    shown = [_table(columns, rows) for columns in (SPEED, REST, GPU, COSTS)]
    return [table for table in shown if len(table.titles) > 1]


def heading(header: Header) -> list[str]:
    """The lines above the tables."""
    host = header.machine
    memory = f", {host.memory_gb:g} GB" if host.memory_gb else ""
    chunks = f"{header.chunks} chunk{'s' * (header.chunks != 1)}"
    batch = "chosen by the engine" if header.batch is None else str(header.batch)
    limit = "" if header.max_seconds is None else f", none begun after {header.max_seconds:g} s of a row"
    return [
        f"machine   {host.cpu}, {host.cores} cores{memory}, {host.system}",
        f"device    {header.device}",
        f"versions  speakkit {header.speakkit}, torch {header.torch}, Python {host.python}",
        f"weights   {header.weights}",
        f"text      {header.text}: {header.words} words, {header.characters} characters, {chunks}",
        f"speech    {header.voice} ({header.language}), speed {header.speed:g}, batch {batch}",
        f"requests  {header.requests} an instance, {header.concurrency} at a time{limit}",
    ]


def footing(result: BenchResult) -> list[str]:
    """The lines below the tables: what failed, then what is to be known."""
    failed = [f"{row.engine} x{row.instances}: {failure}" for row in result.rows for failure in row.failures]
    lost = [f"words that the voice cannot say: {', '.join(result.lost)}"] if result.lost else []
    return [*failed, *lost, *result.notes]


def as_json(result: BenchResult) -> dict[str, Any]:
    """What `--json` prints and the history keeps."""
    ratio = figures.headline(result.rows)
    found = asdict(result)
    header = found.pop("header")
    return {"format": FORMAT, **header, "ratio_to_baseline": ratio, **found}


def as_json_line(result: BenchResult) -> str:
    """The same on one line, with its end."""
    return json.dumps(as_json(result), ensure_ascii=False) + "\n"


def as_csv(rows: Iterable[Figures]) -> str:
    """A line for each row, below the names of `Figures`; failures are separated by semicolons."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in fields(Figures))
    for row in rows:
        *most, failures = astuple(row)
        writer.writerow([*most, "; ".join(failures)])
    return out.getvalue()


def is_csv(file: Path) -> bool:
    """Whether `file` begins as those that `as_csv` is written to."""
    with file.open("rb") as opened:
        return opened.read(len(CSV_START)) == CSV_START


def _table(columns: Sequence[Column], rows: Sequence[Figures]) -> Table:
    filled = [column for column in columns if column is WHO or any(map(column.cell, rows))]
    return Table(
        tuple(column.title for column in filled),
        tuple(tuple(column.cell(row) for column in filled) for row in rows),
    )
