"""Rows and results of imaginary measurements, for tests that do not measure the machine."""

import pytest

from speakkit.bench import figures
from speakkit.bench.figures import BASELINE, ENGINE, Prices, Row
from speakkit.bench.machine import Machine
from speakkit.bench.messages import Spoken
from speakkit.bench.monitor import Reading
from speakkit.bench.report import BenchResult, Header

HEADER = Header(
    when="2026-01-02T03:04:05Z",
    machine=Machine("Imaginary CPU", 8, 32.0, "Linux-6", "3.11.2"),
    speakkit="0.1.0",
    torch="2.13.0",
    device="cuda (Imaginary GPU)",
    threads=8,
    processes=1,
    weights="official",
    voice="af_heart",
    language="en-us",
    speed=1.25,
    batch=None,
    concurrency=1,
    requests=20,
    max_seconds=None,
    text="307 words",
    words=307,
    characters=1638,
    chunks=12,
    sha256="00",
)


def row(engine, instances, throughput, **others):
    """A row with 20 requests per instance, each for 127 seconds of audio; its wall time gives `throughput`."""
    count = 20 * instances
    clock = count * 127 / throughput
    took = [clock / 20 * (0.9 + 0.01 * i % 0.2) for i in range(count)]
    spoken = tuple(Spoken(each, 0.2, 127.0, 0.15 * each, 0.75 * each, 0.25 * each) for each in took)
    watched = {
        "cold_starts": tuple(4.0 + i for i in range(instances)),
        "g2p": (0.04,) * instances,
        "idle": Reading(500.0 * instances, 6300.0, 900.0 * instances, 0.0, 55.0, 40.0),
        "busy": Reading(900.0 * instances, 6300.0, 1100.0 * instances, 80.0, 200.0, 61.0),
    }
    return Row(engine, instances, count, 1638, spoken, clock, **(watched | others))


@pytest.fixture
def make_row():
    """Returns `row`, which makes a row."""
    return row


@pytest.fixture
def brief():
    """Rows of the engine with 1 to 5 instances and of the plain loop with 1 and 5, as the first user measured them."""
    ours = [row(ENGINE, n, throughput) for n, throughput in enumerate((56, 91, 114, 132, 139), 1)]
    return [ours[0], row(BASELINE, 1, 28), *ours[1:], row(BASELINE, 5, 50)]


@pytest.fixture
def result(brief):
    """A complete result, with the rows of `brief` and one note."""
    return BenchResult(HEADER, tuple(figures.of(brief, Prices(0.35))), (), ("a note",), complete=True)
