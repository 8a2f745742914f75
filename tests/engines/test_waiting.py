"""Tests of how torch's threads wait, on a machine that says that it is busy or idle."""

import json
import os
import subprocess
import sys
import threading

import pytest

from speakkit.engines import waiting
from speakkit.engines.waiting import CHOICES

SCRIPT = """
import json, os, sys, time
from speakkit.engines import waiting

waiting.PRESSURE = sys.executable  # some file that can be read: not every system has the real one

def threads():
    return len(os.listdir("/proc/self/task"))

def settled(is_there):
    end = time.monotonic() + 20
    while time.monotonic() < end and not is_there():
        time.sleep(0.01)
    return threads()

def counts(share, choice):
    waiting._pressure = lambda: (share, share * time.monotonic())
    os.environ.update(choice)
    before = threads()
    with waiting.adapted():
        wanted = before + 2 + len(os.sched_getaffinity(0))
        begun = time.monotonic()
        inside = settled(lambda: threads() >= wanted or (share == 0 and time.monotonic() > begun + 0.5))
    after = settled(lambda: threads() == before)
    for name in choice:
        del os.environ[name]
    return before, inside, after

waiting.torch.set_num_threads(len(os.sched_getaffinity(0)) + 1)  # starts threads of another pool, which stay
print(json.dumps([counts(*case) for case in json.loads(sys.argv[1])]))
"""

BUSY, IDLE, *CHOSEN = CASES = (
    (0.9, {}),
    (0.0, {}),
    (0.0, {"GOMP_SPINCOUNT": "100"}),
    (0.0, {"OMP_WAIT_POLICY": "passive"}),
)
"""Parts of the time in which threads wait for a core, each with the user's choice of how torch's threads wait."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports how long threads wait for a core")


@pytest.fixture(scope="module")
def counts():
    """Count the threads before, in and after the context: case -> three counts, taken in one process of their own."""
    free = {name: value for name, value in os.environ.items() if name not in CHOICES}
    command = [sys.executable, "-c", SCRIPT, json.dumps(CASES)]
    ended = subprocess.run(command, env=free, capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout)
    return lambda case: found[CASES.index(case)]


def test_a_busy_machine_gets_more_threads_than_cores(counts):
    """libgomp spins hardly at all while there are more of its threads than cores. They end with the context."""
    before, inside, after = counts(BUSY)
    assert inside > before + len(os.sched_getaffinity(0))
    assert after == before


def test_an_idle_machine_gets_none(counts):
    """Only the thread that watches the pressure is added."""
    before, inside, after = counts(IDLE)
    assert inside <= before + 1
    assert after == before


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: next(iter(case[1])))
def test_a_choice_of_the_user_is_kept(counts, case):
    """If the user has set how threads wait, nothing is watched or added."""
    before, inside, after = counts(case)
    assert before == inside == after


def test_a_system_that_reports_nothing_is_left_alone(tmp_path, monkeypatch):
    """Without the file, threads wait as libgomp decides."""
    monkeypatch.setattr(waiting, "PRESSURE", tmp_path / "none")
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    count = threading.active_count()
    with waiting.adapted():
        assert threading.active_count() == count
