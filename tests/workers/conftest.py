"""Fixtures shared by the tests of worker processes."""

import time
from pathlib import Path
from threading import Thread

import pytest

from speakkit.workers.worker import Worker

PLACE = "faults:load"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Makes the module `faults` beside this file importable by worker processes."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture
def worker():
    """A started worker with the default limits."""
    with Worker(PLACE, {}) as started:
        yield started


def is_running(pid):
    """Whether a process exists and is not a zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def comes_true(condition):
    """Wait up to 20 seconds until `condition` is true; returns whether it is."""
    until = time.monotonic() + 20
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


@pytest.fixture
def gone():
    """Returns a function that tells whether all given processes end within 20 seconds."""

    def wait(pids):
        return comes_true(lambda: not any(map(is_running, pids)))

    return wait


@pytest.fixture
def number_in():
    """Returns a function that waits for a file and returns the process id in it."""

    def read(path):
        assert comes_true(lambda: path.exists() and path.read_text())
        return int(path.read_text())

    return read


@pytest.fixture
def at_work(tmp_path):
    """at_work(act) returns a file for the order `note`, and runs `act` in a thread when the worker writes that file."""
    threads = []

    def when(act, *arguments):
        note = tmp_path / f"at work {len(threads)}"

        def wait():
            if comes_true(note.exists):
                act(*arguments)

        threads.append(Thread(target=wait))
        threads[-1].start()
        return str(note)

    yield when
    for thread in threads:
        thread.join()
