"""Tests of sweeps with real worker processes that run the stand-in: figures, order of the rows, and failures."""

import math
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speakkit.bench import crew, machine, sweep
from speakkit.bench.figures import BASELINE, ENGINE
from speakkit.bench.messages import Setup
from speakkit.bench.monitor import Reading
from speakkit.bench.sweep import Sweep, SweepPlan, lineup
from speakkit.bench.workload import Workload
from speakkit.errors import EngineError, ModelError, WorkerBug


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    """Makes the workers load the stand-in instead of an instance."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(crew, "PLACE", "stand_in:load")


def plan(**others):
    setup = Setup(ENGINE, "cpu", others.pop("batch", None), others.pop("voice", "af_heart"), "en-us", 1.0)
    return SweepPlan(Workload("Good morning.", "a test"), setup, **({"instances": 2, "requests": 3} | others))


def quiet(what, done, total):
    """A progress callback that does nothing."""


def dies(pid):
    """Wait up to 30 seconds for a process to end; returns whether it ended."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def pids(monkeypatch):
    """The process ids of the workers that ran requests."""
    found = []
    spoke = crew.Member.speak

    def noted(member, work):
        found.append(member.worker.pid)
        spoke(member, work)

    monkeypatch.setattr(crew.Member, "speak", noted)
    return found


def test_ours_and_the_plain_loop_take_turns():
    """The plain loop runs with one instance, after the engine with one, and with all instances at the end."""
    assert lineup(plan(instances=3)) == [(ENGINE, 1), (ENGINE, 2), (ENGINE, 3)]
    assert lineup(plan(instances=3, baseline=True)) == [
        (ENGINE, 1),
        (BASELINE, 1),
        (ENGINE, 2),
        (ENGINE, 3),
        (BASELINE, 3),
    ]
    assert lineup(plan(instances=1, baseline=True)) == [(ENGINE, 1), (BASELINE, 1)]


def test_instances_work_at_the_same_time(pids):
    """Two instances do twice the work in the same time; loading and the first request are not counted."""
    reports = []
    measured = Sweep(plan(), lambda *report: reports.append(report))
    one, two = measured.rows()
    assert (len(one.requests), len(two.requests), one.asked, two.asked) == (3, 6, 3, 6)
    assert 0.3 <= one.clock < two.clock + 0.2
    assert two.throughput > 1.4 * one.throughput
    assert len(two.cold_starts) == len(two.g2p) == 2
    assert min(two.cold_starts) > 0.05
    assert ("kokoro x1: warming up", 0, None) in reports
    assert reports[-1] == ("kokoro x2", 6, 6)
    assert len(pids) == 3
    assert all(map(dies, pids))


def test_memory_and_facts_are_those_of_the_workers():
    """The memory is that of the workers, over 50 MB each on Linux; a note says that no GPU is in use."""
    measured = Sweep(plan(), quiet)
    one, two = measured.rows()
    assert one.busy.memory_mb > 50
    assert two.busy.memory_mb > 1.5 * one.busy.memory_mb
    assert one.idle.memory_mb > 50
    assert measured.facts.torch == "2"
    (note,) = measured.notes
    assert note.startswith("VRAM, utilisation, power")
    assert note.endswith("are not measured: no NVIDIA GPU is in use")


def test_limit_is_60_seconds_on_a_cpu():
    """The default limit is 60 seconds on a CPU and none on a GPU; it is determined when an instance has been loaded."""
    measured = Sweep(plan(instances=1), quiet)
    assert measured.max_seconds is None
    list(measured.rows())
    assert measured.max_seconds == 60
    measured.facts = replace(measured.facts, device="cuda (some GPU)")
    assert measured.max_seconds is None
    assert Sweep(plan(max_seconds=5.0), quiet).max_seconds == 5
    unlimited = Sweep(plan(max_seconds=math.inf), quiet)
    unlimited.facts = replace(measured.facts, device="cpu (2 threads)")
    assert unlimited.max_seconds is None


def test_after_the_limit_no_request_is_begun():
    """No request begins after the time limit; the row has the completed requests and the number planned."""
    (row,) = Sweep(plan(instances=1, requests=1000, max_seconds=0.4), quiet).rows()
    assert 1 <= len(row.requests) < 20
    assert (row.asked, row.failures) == (1000, ())


def test_a_killed_worker_is_named_and_the_rest_goes_on(pids):
    """A killed worker is reported as a failure; the other instance completes its requests.

    The next row is still measured.
    """
    killed: list[None] = []

    def kill(what, done, _):
        if what == "kokoro x2" and done >= 2 and not killed:
            killed.append(os.kill(pids[-1], signal.SIGKILL))

    rows = list(Sweep(plan(instances=3, requests=10), kill).rows())
    assert [len(row.requests) for row in rows][::2] == [10, 30]
    assert 10 <= len(rows[1].requests) < 20
    (failure,) = rows[1].failures
    assert failure.startswith("instance ")
    assert "SIGKILL" in failure
    assert rows[2].failures == ()


def test_ctrl_c_gives_what_was_measured_and_leaves_nothing_running(pids):
    """On Ctrl-C, the current row is yielded with its completed requests, then KeyboardInterrupt is raised.

    No worker process is left running.
    """

    def interrupt(what, done, _):
        if what == "kokoro x2" and done >= 4:
            raise KeyboardInterrupt

    rows: list[Any] = []
    with pytest.raises(KeyboardInterrupt):
        rows.extend(row for row in Sweep(plan(instances=3, requests=50, max_seconds=1), interrupt).rows())
    assert all(map(dies, pids))
    measured = Sweep(plan(instances=3, requests=50, max_seconds=1), interrupt).rows()
    one, two = next(measured), next(measured)
    assert one.failures == ()
    assert 4 <= len(two.requests) < 20
    assert two.failures == ("interrupted",)
    with pytest.raises(KeyboardInterrupt):
        next(measured)


def test_ctrl_c_before_a_request_leaves_no_row():
    """Ctrl-C before the first request yields no row."""

    def interrupt(what, *_):
        raise KeyboardInterrupt

    measured = Sweep(plan(), interrupt).rows()
    with pytest.raises(KeyboardInterrupt):
        next(measured)


def test_what_cannot_be_loaded_at_all_is_raised():
    """If no instance can be loaded, its error is raised; a bug in the worker is raised as WorkerBug."""
    with pytest.raises(ModelError, match="there are no weights"):
        list(Sweep(plan(voice="missing"), quiet).rows())
    with pytest.raises(WorkerBug, match="KeyError"):
        list(Sweep(plan(voice="buggy"), quiet).rows())


def test_a_baseline_that_cannot_be_loaded_does_not_end_ours():
    """If the plain loop cannot be loaded, its row has the reason, and the engine's rows are still measured.

    The plain loop is then not tried with more instances.
    """
    rows = list(Sweep(plan(voice="upstream", baseline=True), quiet).rows())
    assert [(row.engine, row.instances, len(row.requests)) for row in rows] == [
        (ENGINE, 1, 3),
        (BASELINE, 1, 0),
        (ENGINE, 2, 6),
    ]
    assert rows[1].failures == ("instance 1: there are no weights",)


def test_a_batch_is_for_ours_alone():
    """The plain loop does not support batches; it is measured without one."""
    rows = list(Sweep(plan(instances=1, baseline=True, batch=4), quiet).rows())
    assert [len(row.requests) for row in rows] == [3, 3]


def test_more_than_memory_holds_ends_the_sweep(monkeypatch, caplog):
    """The sweep ends when memory does not suffice; the reason is in the last row, and logged after the first row.

    The plain loop is judged by its own memory use.
    """
    monkeypatch.setattr(machine, "free_mb", lambda: 200.0)
    rows = list(Sweep(plan(instances=50, baseline=True), quiet).rows())
    ours = [row for row in rows if row.engine == ENGINE]
    assert 3 <= len(ours) <= 4
    assert all(row.requests for row in ours[:-1])
    (reason,) = ours[-1].failures
    assert "GB of memory, and 0.2 GB are free" in reason
    assert rows[-1].engine == BASELINE
    assert rows[-1].failures
    assert "50 instances need" in caplog.text


def test_gpu_memory_of_others_is_not_counted_as_ours(monkeypatch):
    """VRAM in use before any worker runs is not counted as the workers'.

    NVML may not report VRAM per process.
    """

    class Gpu:
        def __init__(self, uuid):
            assert uuid == "GPU-1"

        def read(self, pids):
            return Reading(vram_mb=4000.0 + 2000 * len(list(pids)))

        def free_mb(self):
            return 5000.0

    measured = Sweep(plan(instances=5), quiet)
    monkeypatch.setattr(sweep, "Gpu", Gpu)
    monkeypatch.setattr(sweep, "REST", 0.0)
    gauge = measured._gauge
    monkeypatch.setattr(measured, "_gauge", lambda facts: gauge(replace(facts, gpu="GPU-1")))
    rows = list(measured.rows())
    assert [row.busy.vram_mb for row in rows] == [6000, 8000, None]
    assert rows[-1].failures == ("3 instances need 6.0 GB of VRAM, and 5.0 GB are free",)
    assert measured.notes == []


def test_absent_nvml_is_said(monkeypatch):
    """If NVML is not available, one note says so, with the reason."""

    def absent(uuid):
        raise EngineError("nvidia-ml-py is not installed")

    measured = Sweep(plan(), quiet)
    monkeypatch.setattr(sweep, "Gpu", absent)
    gauge = measured._gauge
    monkeypatch.setattr(measured, "_gauge", lambda facts: gauge(replace(facts, gpu="GPU-1")))
    assert len(list(measured.rows())) == 2
    (note,) = measured.notes
    assert note.endswith("are not measured: nvidia-ml-py is not installed")
