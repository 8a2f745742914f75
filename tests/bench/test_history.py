"""Tests of the run history: it survives concurrent writes and damaged lines."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from speakkit import paths
from speakkit.bench import history, report
from speakkit.errors import StorageError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty history for each test."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))


def faster(result, factor=2.0):
    rows = tuple(replace(row, throughput=row.throughput * factor, p50=row.p50 / factor) for row in result.rows)
    return replace(result, rows=rows)


def at(result, when, **others):
    return replace(result, header=replace(result.header, when=when, **others))


def test_last_run_with_the_same_options_is_found(result):
    """The last run with the same options and device is found; other voices, texts and processors are skipped."""
    assert history.last_alike(result) is None
    history.append(at(result, "first"))
    history.append(at(result, "second", requests=5, max_seconds=60.0))
    history.append(at(result, "other voice", voice="bf_emma"))
    history.append(at(result, "other text", sha256="01"))
    history.append(at(result, "other CPU", machine=replace(result.header.machine, cpu="Real CPU")))
    assert history.last_alike(result)["when"] == "second"


def test_two_runs_are_compared_row_by_row(result):
    """Throughput and median request time are divided by those of the earlier run; failed rows are skipped."""
    failed = replace(result.rows[0], failures=("gone",))
    history.append(replace(result, rows=(failed, *result.rows[1:])))
    changes = history.changes(faster(result).rows, history.last_alike(result))
    assert [(change.engine, change.instances) for change in changes][:2] == [("upstream", 1), ("kokoro", 2)]
    assert len(changes) == 6
    assert {round(change.ratio, 6) for change in changes} == {2}
    assert {round(change.p50_ratio, 6) for change in changes} == {0.5}


def test_what_differs_is_named(result):
    """The differences between any two runs are listed, one line per option or machine."""
    before = report.as_json(at(result, "then", weights="rebuilt from int8", speed=1.0))
    assert history.differences(result, before) == [
        "speed: 1.0 then, 1.25 now",
        "weights: rebuilt from int8 then, official now",
    ]
    elsewhere = at(result, "then", machine=replace(result.header.machine, memory_gb=64.0))
    assert history.differences(result, report.as_json(elsewhere)) == ["another machine, or another system on it"]


def test_a_torn_line_is_passed_over(result):
    """A truncated line is skipped; earlier and later lines are still read."""
    history.append(at(result, "whole"))
    file = paths.measurements()
    file.write_bytes(file.read_bytes() + report.as_json_line(result).encode()[:100])
    assert history.last_alike(result)["when"] == "whole"
    history.append(at(result, "after"))
    assert history.last_alike(result)["when"] == "after"
    assert len(file.read_text().splitlines()) == 3


def test_a_file_is_read_that_json_was_written_to(result, tmp_path):
    """A file written with --json is read; for any other content, the error names the file."""
    file = tmp_path / "run.json"
    file.write_text(json.dumps(report.as_json(result) | {"comparison": None}, indent=2))
    assert history.changes(result.rows, history.read(file))
    for content in ('{"format": 1}', "[]", "no JSON", '{"format": 1, "rows": 1}', "\udcff"):
        file.write_bytes(content.encode(errors="surrogateescape"))
        with pytest.raises(StorageError, match=r"run\.json holds no run; write one with: speakkit bench --json >"):
            history.read(file)
    with pytest.raises(StorageError, match=r"cannot read .*none\.json: no such file"):
        history.read(tmp_path / "none.json")


def test_two_processes_append_at_once(result, tmp_path):
    """When two processes append at the same time, every line is complete."""
    line = report.as_json_line(result)
    code = (
        "import sys\n"
        "from unittest import mock\n"
        "from speakkit.bench import history\n"
        "with mock.patch.object(history, 'as_json_line', lambda _: sys.argv[1] * 40 + '\\n'):\n"
        "    for _ in range(100):\n"
        "        history.append(None)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, mark * len(line)]) for mark in "ab"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    lines = paths.measurements().read_text().splitlines()
    assert len(lines) == 200
    assert {frozenset(line) for line in lines} == {frozenset("a"), frozenset("b")}


def test_a_history_that_cannot_be_written_is_a_line(result, tmp_path):
    """If the history cannot be written, a StorageError names the file."""
    (tmp_path / "state").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"cannot write .*bench\.jsonl"):
        history.append(result)
