"""Plot a run as PNG: throughput and request times by number of instances."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from speakkit import outputfile
from speakkit.bench.figures import BASELINE, ENGINE, Figures
from speakkit.bench.report import Header
from speakkit.errors import BadValue, EngineError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {ENGINE: "#0072b2", BASELINE: "#d55e00"}
"""Blue and vermilion, which are distinct for the colour-blind (Okabe and Ito)."""

LABELS = {ENGINE: "speakkit", BASELINE: "plain kokoro loop"}
GREY = "#555555"

WIDTH = 0.4
"""Width of a bar, where 1 is the distance between two numbers of instances."""

LABELLED = 12
"""Number of bars above which they get no labels, because the labels would overlap."""

PNG_START = b"\x89PNG"
"""The first bytes of a PNG file."""


def check_target(target: Path, *, force: bool) -> None:
    """Check before the run that the plot can be written.

    Raises BadValue if the name does not end with .png, StorageError as `outputfile.check` does, EngineError if
    matplotlib is not installed.
    """
    if target.suffix.lower() != ".png":
        raise BadValue(f"speakkit draws PNG; end the name {target} with .png")
    if find_spec("matplotlib") is None:
        raise EngineError("to plot speakkit needs matplotlib; install it: pip install 'speakkit[plot]'")
    outputfile.check(target, PNG, force=force)


def draw(header: Header, rows: Sequence[Figures], target: Path, *, force: bool = False) -> None:
    """Write the plot to `target`. Raises StorageError as `outputfile.replaced` does."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  an optional package, used here only
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(10, 4.6), dpi=150, layout="constrained")
    speed, times = figure.subplots(1, 2)
    measured = {engine: [row for row in rows if row.engine == engine and row.throughput] for engine in COLOURS}
    shown = [engine for engine in COLOURS if measured[engine]]
    for i, engine in enumerate(shown):
        _draw_speed(speed, engine, measured[engine], (i - (len(shown) - 1) / 2) * WIDTH)
        _draw_times(times, engine, measured[engine])
    instances = sorted({row.instances for row in rows if row.throughput})
    _finish(speed, "Throughput", "seconds of audio in a second", instances)
    _finish(times, "Time for a request: median to 95th percentile", "seconds", instances)
    figure.suptitle(_title(header), fontsize=9, color=GREY)
    FigureCanvasAgg(figure)
    with outputfile.replaced(target, PNG, force=force) as out:
        figure.savefig(out, format="png")


def _draw_speed(axes: "Axes", engine: str, rows: Sequence[Figures], place: float) -> None:
    bars = axes.bar(
        [row.instances + place for row in rows],
        [row.throughput or 0.0 for row in rows],
        WIDTH * 0.94,
        color=COLOURS[engine],
        label=LABELS[engine],
    )
    if len(rows) <= LABELLED:
        axes.bar_label(bars, [f"{row.throughput:.3g}x" for row in rows], padding=2, fontsize=8, color=GREY)


def _draw_times(axes: "Axes", engine: str, rows: Sequence[Figures]) -> None:
    instances = [row.instances for row in rows]
    medians, highest = [row.p50 or 0.0 for row in rows], [row.p95 or 0.0 for row in rows]
    colour = COLOURS[engine]
    axes.fill_between(instances, medians, highest, color=colour, alpha=0.18, linewidth=0)
    axes.vlines(instances, medians, highest, color=colour, alpha=0.5, linewidth=1)
    axes.plot(instances, medians, "o-", color=colour, label=LABELS[engine], linewidth=1.6, markersize=5)


def _finish(axes: "Axes", title: str, unit: str, instances: Sequence[int]) -> None:
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel("instances")
    axes.set_ylabel(unit)
    axes.set_xticks(instances)
    axes.set_xlim(min(instances) - 0.6, max(instances) + 0.6)
    axes.set_ylim(0, axes.dataLim.y1 * 1.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    axes.legend(frameon=False)


def _title(header: Header) -> str:
    return (
        f"speakkit {header.speakkit} on {header.device}, {header.machine.cpu}, {header.machine.cores} cores\n"
        f"{header.words} words by {header.voice} at speed {header.speed:g}, weights {header.weights}"
    )


def _is_png(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(PNG_START)) == PNG_START


PNG = outputfile.Kind("PNG", _is_png)
"""PNG files, of any program."""
