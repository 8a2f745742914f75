"""Tests of `speakkit bench`: real processes with Kokoro, and a stand-in for the error cases."""

import csv
import io
import json
import os
import re
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pexpect
import pytest

from speakkit import paths
from speakkit.bench import crew, figures, sweep
from speakkit.cli import output

TEXT = "Good morning."

KOKORO = "from speakkit.__main__ import main; main()"
"""The program `speakkit`."""

STAND_IN = f"from speakkit.bench import crew; crew.PLACE = 'stand_in:load'; {KOKORO}"
"""Program that runs `speakkit` with workers that synthesize nothing."""


@pytest.fixture
def text(tmp_path):
    """A file with a short text."""
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    return file


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.slow)], ids="x{}".format)
def real(request, command, weights, tmp_path_factory):
    """One real run of Kokoro and of the baseline, with 1 or 2 instances.

    Returns its folder, the finished process and the number of instances.
    """
    folder = tmp_path_factory.mktemp("bench")
    (folder / "text.txt").write_text(TEXT)
    options = "--requests 2 --baseline --json --text text.txt --csv rows.csv --plot bench.png --compare"
    ended = subprocess.run(
        [*command, "bench", "--device", "cpu", "--instances", str(request.param), *options.split()],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return folder, ended, request.param


@pytest.fixture
def stand_in(monkeypatch, tmp_path, home):
    """Set workers that synthesize nothing, and a separate history file; the models are shared with all tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent / "bench"))
    monkeypatch.setattr(crew, "PLACE", "stand_in:load")
    monkeypatch.setattr(paths, "measurements", lambda: tmp_path / "state" / "bench.jsonl")


@pytest.fixture
def reported(monkeypatch):
    """Return a function that registers a callback of the test for each progress report."""
    told: list[Any] = []

    @contextmanager
    def progress(*, wanted=True):
        yield lambda *report: [function(*report) for function in told]

    monkeypatch.setattr(output, "progress", progress)
    return told.append


def workers(parent):
    """Return the ids of the worker processes that are children of `parent`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_below = f"PPid:\t{parent}\n" in (folder / "status").read_text()
            found += [int(folder.name)] if is_below and b"workers.child" in (folder / "cmdline").read_bytes() else []
    return found


def test_real_instances_are_measured(real):
    """A real run reports throughput, requests, first audio, cold start, G2P time, memory and the conditions."""
    found = json.loads(real[1].stdout)
    assert [(row["engine"], row["instances"], row["requests"]) for row in found["rows"]] == [
        ("kokoro", 1, 2),
        ("upstream", 1, 2),
        ("kokoro", 2, 4),
        ("upstream", 2, 4),
    ][: 2 * real[2]]
    for row in found["rows"]:
        assert row["throughput"] == pytest.approx(row["audio"] / row["clock"])
        assert 0 < row["g2p"] < row["first_audio"] <= row["p50"] <= row["max"] < row["cold_start"]
        assert row["p50"] <= row["p95"] == row["max"]
        assert 0.5 < row["audio"] / row["requests"] < 3
        assert row["memory_mb"] > 300 * row["instances"]
        assert row["failures"] == []
    ratio = found["rows"][0]["throughput"] / found["rows"][1]["throughput"]
    assert found["ratio_to_baseline"] == found["rows"][0]["ratio_to_baseline"] == pytest.approx(ratio)
    assert found["device"].startswith("cpu (")
    assert found["weights"] in ("official", "rebuilt from int8")
    assert (found["words"], found["characters"], found["chunks"]) == (2, 13, 1)
    assert found["max_seconds"] == sweep.CPU_SECONDS
    assert found["complete"] is True
    assert any("no NVIDIA GPU is in use" in note for note in found["notes"])


def test_rows_are_written_and_drawn_and_kept(real):
    """The rows are written as CSV and as PNG, and appended to the history."""
    folder, ended, _ = real
    found = json.loads(ended.stdout)
    rows = list(csv.DictReader(io.StringIO((folder / "rows.csv").read_text())))
    assert [float(row["throughput"]) for row in rows] == [row["throughput"] for row in found["rows"]]
    assert (folder / "bench.png").read_bytes().startswith(b"\x89PNG")
    kept = [json.loads(line) for line in paths.measurements().read_text().splitlines()]
    assert [run["rows"] for run in kept if run["when"] == found["when"]] == [found["rows"]]
    assert "comparison" in found


@pytest.mark.parametrize("program", [STAND_IN, pytest.param(KOKORO, marks=pytest.mark.slow)])
def test_ctrl_c_shows_what_was_measured(command, text, weights, stand_in, program):
    """Ctrl-C in a terminal shows a table of the finished requests, exits with 130 and leaves no worker."""
    arguments = ["-c", program, "bench", "--device", "cpu", "--requests", "100", "--text", str(text)]
    terminal = pexpect.spawn(command[0], arguments, timeout=300, encoding="utf-8", dimensions=(40, 100))
    terminal.expect("kokoro x1: warming up")
    terminal.expect(r"kokoro x1 .* [1-9]\d*%")
    below = workers(terminal.pid)
    assert len(below) == 1
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert re.search(r"1 +[\d.]+x +[\d.]+ ", terminal.before)
    assert re.search(r"\b[1-9]\d*/100\b", terminal.before)
    assert "kokoro x1: interrupted" in terminal.before
    assert not Path(f"/proc/{below[0]}").exists()


def test_table_is_for_people(run, stand_in, text):
    """The table has a header, rows, notes, the figures and the CPU's default time limit, in 80 columns."""
    ended = run("speakkit", "bench", "--instances", 2, "--requests", 3, "--text", text, "--price-hour", "0.5")
    assert (ended.code, ended.err) == (0, "")
    shown = ended.out.decode()
    for part in ("none begun after 60 s of a row", "2 words, 13 characters, 1 chunk\n", "weights   none", "baseline"):
        assert part in shown
    for part in ("3/3", "6/6", "rent, $/M characters", "p95 is the longest request if there are fewer than 20"):
        assert part in shown
    assert max(map(len, shown.splitlines()[8:-3])) <= 80


def test_a_killed_worker_is_named(run, stand_in, reported, text):
    """A killed worker is reported in the table and on standard error, and the exit code is 1.

    The other instances go on.
    """
    killed: list[int] = []

    def kill(what, done, _):
        if what == "kokoro x2" and done >= 2 and not killed:
            killed.append(workers(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)

    reported(kill)
    ended = run("speakkit", "bench", "--instances", 3, "--requests", 6, "--text", text)
    assert ended.code == 1
    assert re.search(r"speakkit: kokoro x2: instance \d: .*SIGKILL", ended.err)
    shown = ended.out.decode()
    assert re.search(r"^kokoro x2: instance \d: .*SIGKILL", shown, re.MULTILINE)
    assert re.search(r"\b([6-9]|1[01])/12\b", shown)
    assert "18/18" in shown


def test_an_interrupted_run_is_not_kept(run, stand_in, reported, text):
    """An interrupted run shows and writes its rows and exits with 130, but is not added to the history.

    If it is interrupted before the first request, it prints only one line.
    """

    def interrupt(what, done, _):
        if what == "kokoro x2" and done >= 2:
            raise KeyboardInterrupt

    reported(interrupt)
    rows = text.with_name("rows.csv")
    ended = run("speakkit", "bench", "--instances", 3, "--requests", 6, "--text", text, "--csv", rows, "--json")
    assert ended.code == 130
    found = json.loads(ended.out)
    assert found["complete"] is False
    assert [row["failures"] for row in found["rows"]] == [[], ["interrupted"]]
    assert len(rows.read_text().splitlines()) == 3
    assert not paths.measurements().exists()

    def at_once(what, *_):
        if what.endswith("warming up"):
            raise KeyboardInterrupt

    reported(at_once)
    ended = run("speakkit", "bench", "--text", text)
    assert (ended.code, ended.out, ended.err) == (130, b"", "interrupted before anything was measured\n")


def test_rows_are_not_written_over_a_file_that_is_made_meanwhile(run, stand_in, reported, text):
    """A file that appears during the run and is no CSV file is kept; the rows are saved beside it, in one line."""
    rows = text.with_name("rows.csv")
    reported(lambda *_: rows.write_text("my notes"))
    ended = run("speakkit", "bench", "--requests", 1, "--text", text, "--csv", rows)
    assert ended.code == 1
    assert "rows.csv exists and is no CSV file" in ended.err
    assert ended.err.count("\n") == 1
    assert rows.read_text() == "my notes"
    assert text.with_name("rows.1.csv").read_text().startswith("engine,instances,")


def test_a_run_is_compared_with_the_last_one_alike(run, stand_in, text, tmp_path):
    """--compare uses the last run with the same options, or a given file; a run with another voice does not match."""
    bench = ("speakkit", "bench", "--requests", 2, "--text", text)
    ended = run(*bench, "--compare")
    assert "there is no earlier run with these options on this device" in ended.out.decode()
    kept = tmp_path / "run.json"
    kept.write_bytes(run(*bench, "--voice", "m1", "--json").out)
    ended = run(*bench, "--json", "--compare")
    (change,) = json.loads(ended.out)["comparison"]["rows"]
    assert change["ratio"] > 0
    ended = run(*bench, "--compare", kept)
    assert "compared with the run of " in ended.out.decode()
    assert "voice: am_fenrir then, af_heart now" in ended.out.decode()
    assert len(paths.measurements().read_text().splitlines()) == 4
    assert run("speakkit", "bench", "--compare", kept, "--compare", "--text", text, "--requests", 1).code == 0


def test_lost_words_are_named(run, stand_in, text):
    """Words that the voice cannot say are named, and the exit code is 5, as for `speak`."""
    text.write_text(f"{TEXT} 日本")
    ended = run("speakkit", "bench", "--requests", 1, "--text", text)
    assert ended.code == 5
    assert "words that the voice cannot say: 日本" in ended.out.decode()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--instances", "0"], 2, "--instances"),
        (["--requests", "0"], 2, "--requests"),
        (["--concurrency", "0"], 2, "--concurrency"),
        (["--batch", "0"], 2, "--batch"),
        (["--speed", "9"], 2, "the speed 9 is not between"),
        (["--voice", "f9"], 2, "f9"),
        (["--voice", "s1"], 2, "this voice reads es; give one with --text"),
        (["--device", "abacus"], 2, "abacus"),
        (["--text", "none.txt"], 1, "cannot read none.txt: no such file"),
        (["--text", "empty.txt"], 1, "there is nothing to speak: empty.txt is empty"),
        (["--text", "dots.txt"], 1, "there is nothing to speak: dots.txt has no words"),
        (["--csv", "none/rows.csv"], 1, "cannot write none/rows.csv: there is no folder"),
        (["--csv", "dots.txt"], 1, "dots.txt exists and is no CSV file; to overwrite it, add --force"),
        (["--csv", "a.png", "--plot", "a.png"], 2, "cannot both be written to a.png"),
        (["--plot", "none/bench.png"], 1, "cannot write none/bench.png: there is no folder"),
        (["--plot", "bench.pdf"], 2, "end the name bench.pdf with .png"),
        (["--compare", "dots.txt"], 1, "dots.txt holds no run"),
        (["--compare", "deep.json"], 1, "deep.json holds no run"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(run, stand_in, tmp_path, monkeypatch, arguments, code, said):
    """Invalid input is refused in one line, before any measurement starts."""
    monkeypatch.setattr(sweep, "Sweep", None)
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").touch()
    Path("dots.txt").write_text("...")
    Path("deep.json").write_text("[" * 100_000)
    ended = run("speakkit", "bench", *arguments)
    assert (ended.code, ended.out) == (code, b"")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_device_that_is_not_there_is_one_line(run, text):
    """A missing device is reported in one line, and no table is shown."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    ended = run("speakkit", "bench", "--device", "cuda", "--text", text)
    assert (ended.code, ended.out) == (1, b"")
    assert "torch sees no cuda device" in ended.err


def test_default_text_is_that_of_the_package(run, stand_in):
    """The default text is the packaged passage of 307 words."""
    ended = run("speakkit", "bench", "--requests", 1, "--max-seconds", 0)
    assert "a passage of Alice in Wonderland: 307 words" in ended.out.decode()
    assert "none begun after" not in ended.out.decode()
    assert figures.ENGINE in sweep.lineup(sweep.SweepPlan(None, None, 1, 1))[0]
