"""What the tests of workers share."""

import time
from pathlib import Path
from threading import Thread

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


def comes_true(condition):
    """Whether `condition` is met within seconds."""
    until = time.monotonic() + 20
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


@pytest.fixture
def gone():
    """Whether all the processes end within seconds."""

    def wait(pids):
        return comes_true(lambda: not any(map(is_running, pids)))

    return wait


@pytest.fixture
def number_in():
    """The number of a process that another one writes to a file."""

    def read(path):
        assert comes_true(lambda: path.exists() and path.read_text())
        return int(path.read_text())

    return read


@pytest.fixture
def at_work(tmp_path):
    """Do something as soon as a worker is at work: it is told to note that in a file. at_work(act) gives the file."""
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
