"""Tests of the report of a run: tables, JSON and CSV."""

import csv
import io
import json
from dataclasses import fields, replace

from speakkit.bench import report
from speakkit.bench.figures import Figures


def cells(table, title):
    return [row[table.titles.index(title)] for row in table.rows]


def test_table_is_that_of_the_brief(result):
    """The tables have throughput, request times, scale, marginal and costs for each number of instances."""
    speed, rest, stages, gpu, costs = report.tables(result.rows)
    assert cells(speed, "instances") == ["1", "1 upstream", "2", "3", "4", "5", "5 upstream"]
    ours = [0, 2, 3, 4, 5]
    assert [cells(speed, "throughput")[i] for i in ours] == ["56x", "91x", "114x", "132x", "139x"]
    assert [cells(speed, "marginal")[i] for i in ours] == ["baseline", "+62 %", "+41 %", "+32 %", "+12 %"]
    assert cells(speed, "ratio") == ["2.00x", "", "", "", "", "2.78x", ""]
    assert cells(rest, "requests")[:3] == ["20/20", "20/20", "40/40"]
    assert cells(rest, "cold start s")[-1] == "8.0"
    assert stages.rows[0][2::2] == ("15", "75", "25")
    assert set(cells(stages, "bottleneck")) == {"speaking"}
    assert (cells(gpu, "idle W")[0], cells(gpu, "power W")[0]) == ("55", "200")
    assert cells(costs, "$/h")[0] == "0.070"


def test_tables_fit_a_terminal(result):
    """Each table fits a terminal of 80 columns."""
    rows = [replace(row, rent_usd_per_million_characters=0.1234) for row in result.rows]
    for table in report.tables(rows):
        columns = zip(table.titles, *table.rows, strict=True)
        assert sum(max(map(len, column)) + 2 for column in columns) <= 80


def test_columns_without_a_figure_are_left_out(result):
    """Columns without a figure are omitted, as are the GPU and cost tables if they have none."""
    names = ("vram_mb", "vram_idle_mb", "sm_pct", "power_w", "power_idle_w", "temperature_c", "ratio_to_baseline")
    costs = [field.name for field in fields(Figures) if field.name.startswith(("electricity", "energy", "rent"))]
    rows = [replace(row, **dict.fromkeys((*names, *costs))) for row in result.rows]
    speed, _, _ = report.tables(rows)
    assert "ratio" not in speed.titles


def test_a_failure_is_named_below_the_tables(result):
    """Failures are listed with their row, then the words without phonemes, then the notes."""
    failed = replace(result.rows[2], failures=("instance 2: gone",))
    lines = report.footing(replace(result, rows=(failed,), lost=("日本",)))
    assert lines == ["kokoro x2: instance 2: gone", "words that the voice cannot say: 日本", "a note"]


def test_heading_names_machine_versions_weights_and_text(result):
    """The heading names the machine, the versions, the weights, the voice and the text, which the figures depend on."""
    said = "\n".join(report.heading(result.header))
    for part in (
        "Imaginary CPU, 8 cores, 32 GB",
        "Imaginary GPU",
        "torch 2.13.0",
        "Python 3.11.2",
        "weights   official",
    ):
        assert part in said
    for part in (
        "307 words, 1638 characters, 12 chunks",
        "af_heart (en-us), speed 1.25",
        "20 an instance, 1 at a time",
    ):
        assert part in said
    in_processes = replace(result.header, threads=1, processes=8)
    assert "in 8 processes, each with 1 thread" in report.heading(in_processes)[-2]
    assert "none begun after 60 s" in report.heading(replace(result.header, max_seconds=60.0))[-1]


def test_json_has_header_ratio_and_rows(result):
    """The JSON has the header, the ratio and all rows, on a single line for the history."""
    line = report.as_json_line(result)
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    found = json.loads(line)
    assert found == json.loads(json.dumps(report.as_json(result)))
    assert round(found["ratio_to_baseline"], 6) == 2
    assert found["machine"]["cpu"] == "Imaginary CPU"
    assert found["rows"][0].keys() == {field.name for field in fields(Figures)}
    assert found["complete"] is True


def test_csv_has_a_line_for_each_row(result, tmp_path):
    """The CSV has one line per row; unknown figures are empty."""
    rows = [replace(result.rows[0], failures=("one, two", "three")), *result.rows[1:]]
    written = report.as_csv(rows)
    found = list(csv.DictReader(io.StringIO(written)))
    assert len(found) == 7
    assert round(float(found[0]["throughput"]), 6) == 56
    assert (found[0]["failures"], found[0]["marginal_pct"]) == ("one, two; three", "")
    file = tmp_path / "rows.csv"
    file.write_text(written)
    assert report.is_csv(file)
    file.write_text("dear diary")
    assert not report.is_csv(file)
