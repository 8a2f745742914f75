"""What the tests of workers share."""

import time
from pathlib import Path

import pytest

from speakkit.workers.worker import Worker

PLACE = "faults:load"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Processes find `faults` beside this file."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture
def worker():
    """One that has no limits of its own."""
    with Worker(PLACE, {}) as started:
        yield started


def is_running(pid):
    """Whether a process is more than a name that its parent has not asked for."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def gone():
    """Whether all the processes end within seconds."""

    def wait(pids):
        until = time.monotonic() + 20
        while any(map(is_running, pids)) and time.monotonic() < until:
            time.sleep(0.05)
        return not any(map(is_running, pids))

    return wait
