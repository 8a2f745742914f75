"""`speakkit bench`: measure the speed of speech synthesis with 1, 2 and up to N processes."""

import logging
import math
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from speakkit import config, outputfile
from speakkit.bench import figures, history, plot, report, sweep, workload
from speakkit.bench.figures import ENGINE, Prices, Row
from speakkit.bench.history import Change, Document
from speakkit.bench.messages import Setup
from speakkit.bench.report import BenchResult
from speakkit.bench.sweep import SweepPlan
from speakkit.bench.workload import Workload
from speakkit.cli import complete, output, text_input, weights
from speakkit.engines import registry
from speakkit.errors import BadValue, ExitCode
from speakkit.speech import synthesize
from speakkit.speech_request import BULK
from speakkit.voices import Voice

log = logging.getLogger(__name__)

LAST = "last"
"""Value of --compare that selects the last run."""


class BenchCommand(typer.core.TyperCommand):
    """A command that accepts --compare without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        following = [*args[1:], "-"]
        pairs = zip(args, following, strict=True)
        filled = [f"{arg}={LAST}" if arg == "--compare" and after.startswith("-") else arg for arg, after in pairs]
        return super().parse_args(ctx, filled)


def _more(*names: str, **settings: Any) -> Any:
    """An option in the panel "More options" of --help."""
    return typer.Option(*names, rich_help_panel="More options", **settings)


Instances = Annotated[
    int, typer.Option("--instances", "-n", min=1, metavar="N", help="Measure 1, 2 and so on up to N processes.")
]
Requests = Annotated[
    int, typer.Option("--requests", min=1, metavar="N", help="Requests per process; each one speaks the whole text.")
]
MaxSeconds = Annotated[
    float | None,
    typer.Option(
        "--max-seconds",
        min=0,
        metavar="SECONDS",
        help="Start no request of a row after this time; 0: no limit. Default: 60 on a CPU, no limit on a GPU.",
    ),
]
Text = Annotated[
    Path | None,
    typer.Option("--text", metavar="FILE", help="Text to speak; default: 307 words of Alice in Wonderland."),
]
VoiceName = Annotated[
    str | None,
    typer.Option(
        "--voice", "-v", metavar="VOICE", help="Voice name or blend, as with speak.", autocompletion=complete.voices
    ),
]
Speed = Annotated[float | None, typer.Option("--speed", "-s", metavar="NUMBER", help="0.5 to 2.0.")]
RunsOn = Annotated[config.Device | None, typer.Option("--device", help="Where to compute; default auto.")]
Baseline = Annotated[
    bool, typer.Option("--baseline", help="Also measure the plain kokoro loop in turn, with 1 and with N processes.")
]
Json = Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")]
Batch = Annotated[
    int | None,
    _more("--batch", min=1, metavar="N", help="Chunks per batch; default: chosen for the device."),
]
Threads = Annotated[
    int | None,
    _more(
        "--threads",
        min=0,
        max=config.MOST_THREADS,
        metavar="N",
        help="Processor threads per process; 0 (default): torch's own count, or 1 for a long text.",
    ),
]
Concurrency = Annotated[int, _more("--concurrency", min=1, metavar="N", help="Concurrent requests per process.")]
Csv = Annotated[Path | None, _more("--csv", metavar="FILE", help="Write the rows as CSV.")]
Plot = Annotated[Path | None, _more("--plot", metavar="FILE", help="Plot the rows as PNG.")]
Compare = Annotated[
    str | None,
    _more(
        "--compare",
        metavar="[FILE]",
        help="Compare with the last run of the same options and device, or with FILE, written by --json.",
    ),
]
PriceKwh = Annotated[float, _more("--price-kwh", min=0, metavar="USD", help="Price of a kilowatt-hour.")]
PriceHour = Annotated[
    float | None,
    _more("--price-hour", min=0, metavar="USD", help="Price of an hour of a rented machine, including electricity."),
]
Force = Annotated[bool, _more("--force", help="Overwrite a file that is not CSV or PNG.")]


app = typer.Typer(add_completion=False)


@app.command(cls=BenchCommand)
def bench(
    instances: Instances = 1,
    requests: Requests = 20,
    max_seconds: MaxSeconds = None,
    text: Text = None,
    voice: VoiceName = None,
    speed: Speed = None,
    device: RunsOn = None,
    baseline: Baseline = False,
    as_json: Json = False,
    batch: Batch = None,
    threads: Threads = None,
    concurrency: Concurrency = 1,
    csv: Csv = None,
    plot: Plot = None,
    compare: Compare = None,
    price_kwh: PriceKwh = 0.35,
    price_hour: PriceHour = None,
    force: Force = False,
) -> None:
    """Measure how fast this machine speaks, from text to audio files.

    One process is measured, then two, and so on. Each process is warmed up first. Audio files are written to a
    temporary folder and removed. Each complete run is saved in a file of measurements, for --compare.

    speakkit bench --instances 5

    speakkit bench --instances 2 --baseline --plot bench.png

    speakkit bench --requests 5 --text chapter.txt --voice f2 --compare
    """
    settings = config.load()
    found = synthesize.find_voice(settings.voice if voice is None else voice)
    work = _workload(text, found.language)
    plan = sweep.SweepPlan(
        workload=work,
        setup=_setup(
            found,
            device=device or settings.device,
            batch=batch,
            speed=settings.speed if speed is None else speed,
            threads=settings.threads if threads is None else threads,
            characters=len(work.text),
        ),
        instances=instances,
        requests=requests,
        concurrency=concurrency,
        max_seconds=math.inf if max_seconds == 0 else max_seconds,
        baseline=baseline,
    )
    outputs = Outputs(csv, plot, compare, force, as_json)
    before = _checked(outputs)
    _fetch_weights(found)
    raise typer.Exit(_carry_out(plan, Prices(price_kwh, price_hour), outputs, before))


def _setup(
    voice: Voice, *, device: config.Device, batch: int | None, speed: float, threads: int, characters: int
) -> Setup:
    return Setup(
        engine=ENGINE,
        device=device.value,
        batch=batch,
        voice=voice.name,
        language=voice.language,
        speed=config.checked_speed(speed),
        threads=threads,
        bulk=characters if characters >= BULK else 0,
    )


@dataclass(frozen=True)
class Outputs:
    """Where the result is written, and what it is compared with.

    csv, plot: files to write; None for none
    compare: file with an earlier run, LAST, or None for no comparison
    force: overwrite existing files that are not CSV or PNG
    as_json: print JSON instead of tables
    """

    csv: Path | None
    plot: Path | None
    compare: str | None
    force: bool
    as_json: bool


def _workload(file: Path | None, language: str) -> Workload:
    if file is not None:
        return workload.given(text_input.text([], file), str(file))
    if not language.startswith("en"):
        raise BadValue(f"the text of speakkit bench is English, and this voice reads {language}; give one with --text")
    return workload.default()


def _checked(outputs: Outputs) -> Document | None:
    """Check the output files before the run. Returns the earlier run if --compare names a file, else None.

    Raises BadValue or StorageError if a file could not be written later, or if the earlier run cannot be read.
    """
    if outputs.plot:
        plot.check_target(outputs.plot, force=outputs.force)
    if outputs.csv:
        outputfile.check(outputs.csv, report.CSV, force=outputs.force)
        if outputs.plot and os.path.realpath(outputs.plot) == os.path.realpath(outputs.csv):
            raise BadValue(f"the rows and their picture cannot both be written to {outputs.csv}")
    return history.read(Path(outputs.compare)) if outputs.compare not in (None, LAST) else None


def _fetch_weights(voice: Voice) -> None:
    """Fetch the weights for `voice` once, so that the measured processes do not have to."""
    registry.require_language(voice.language)
    weights.fetch([voice])


def _carry_out(plan: SweepPlan, prices: Prices, outputs: Outputs, before: Document | None) -> ExitCode:
    """Run the measurements, show and write the result, and save it if the run is complete. Returns the exit code."""
    rows: list[Row] = []
    complete = False
    with output.progress() as tell, suppress(KeyboardInterrupt):
        measured = sweep.Sweep(plan, tell)
        for row in measured.rows():
            rows.append(row)
            _tell(row)
        complete = True
    if not rows:
        output.say("interrupted before anything was measured")
        return ExitCode.INTERRUPTED
    result = report.result(plan, measured, figures.of(rows, prices), complete=complete)
    if outputs.compare == LAST:
        before = history.last_alike(result)
    _show(result, outputs, before)
    if not complete:
        return ExitCode.INTERRUPTED
    history.append(result)
    if any(row.failures for row in rows):
        return ExitCode.FAILED
    return ExitCode.LOST_WORDS if result.lost else ExitCode.DONE


def _tell(row: Row) -> None:
    """Log the failures of a measured row, and print its throughput if standard error is a terminal."""
    name = f"{row.engine} x{row.instances}"
    for failure in row.failures:
        log.warning("%s: %s", name, failure)
    if row.throughput and sys.stderr.isatty():
        output.say(f"{name}: {row.throughput:.3g}x, {len(row.requests)} of {row.asked} requests")


def _show(result: BenchResult, outputs: Outputs, before: Document | None) -> None:
    """Print the result, with the comparison if there is one, and write the CSV and plot files."""
    changes = history.changes(result.rows, before) if before else []
    differences = history.differences(result, before) if before else []
    if outputs.as_json:
        compared = {"with": before["when"], "rows": [vars(change) for change in changes]} if before else None
        asked = {"comparison": compared and compared | {"differences": differences}} if outputs.compare else {}
        output.show_json(report.as_json(result) | asked)
    else:
        _show_tables(result)
        if before:
            _show_changes(before["when"], changes, differences)
        elif outputs.compare:
            output.show("")
            output.show("there is no earlier run with these options on this device to compare with")
    if outputs.csv:
        with outputfile.replaced(outputs.csv, report.CSV, force=outputs.force) as out:
            out.write(report.as_csv(result.rows).encode())
    if outputs.plot:
        plot.draw(result.header, result.rows, outputs.plot, force=outputs.force)


def _show_tables(result: BenchResult) -> None:
    for line in report.heading(result.header):
        output.show(line)
    for table in report.tables(result.rows):
        output.show("")
        output.show_table(table.titles, table.rows)
    output.show("")
    for line in report.footing(result):
        output.show(line)


def _show_changes(when: str, changes: list[Change], differences: list[str]) -> None:
    output.show("")
    output.show(f"compared with the run of {when}")
    rows = [
        (
            change.engine,
            str(change.instances),
            f"{change.throughput:.3g}x",
            f"{change.ratio:.2f}",
            f"{change.p50:.2f}",
            f"{change.p50_ratio:.2f}",
        )
        for change in changes
    ]
    output.show_table(("engine", "instances", "throughput", "of then", "p50 s", "of then"), rows)
    for line in differences:
        output.show(line)
