"""Measure how fast the daemon responds, speaks and falls silent, and its resource use when idle.

    SPEAKKIT_HOME=... python benchmarks/daemon.py [RUNS]      # 10 by default

"Heard" means that audio arrives at the monitor of PulseAudio's null sink; PulseAudio itself adds a few milliseconds.
The rows named Kokoro use the models of SPEAKKIT_HOME; all other figures use the voice of the tests, whose synthesis
takes no time. Each run has its own runtime directory. Requires the packages pulseaudio and pulseaudio-utils.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from speakkit.daemon.process import rundir, spawn, terminate
from speakkit.daemon.wire import client
from speakkit.daemon.wire.client import Client
from speakkit.daemon.wire.messages import Event, Started
from speakkit.playback import pcm

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS / "shared"))
from soundserver import Ear, SoundServer  # noqa: E402  it is not in a package

ASK = """
from speakkit.daemon.wire import client
with client.connect("bench", "bench") as connection:
    connection.place("speak", b"seconds=0.01", voice="f1", detach=True)
"""
LINE = "The quick brown fox jumps over the lazy dog near the old"
WORDS = ["barn", "gate", "lake", "mill", "pond", "road", "shed", "tower", "wall", "yard", "bridge", "field"]
"""Last words: each makes a different line of twelve words, so that none was spoken before."""

IDLE = 60.0
"""Seconds for which the idle daemon is measured."""


@contextmanager
def daemon(**variables: str) -> Iterator[rundir.RuntimeDir]:
    """A new runtime directory. The first client starts a daemon in it, which is killed at the end of the block."""
    base, kept = Path(tempfile.mkdtemp(prefix="speakkit-")), dict(os.environ)
    os.environ.update({"SPEAKKIT_RUNTIME_DIR": str(base / "run"), **variables})
    if "SPEAKKIT_TEST_VOICE" in variables:
        spawn.KEPT.add("SPEAKKIT_TEST_VOICE")
        os.environ["SPEAKKIT_HOME"] = str(base / "home")  # without models
    place = rundir.find()
    try:
        yield place
    finally:
        terminate.kill(place)
        os.environ.clear()
        os.environ.update(kept)
        shutil.rmtree(base)


def fake(sink: str = "timed-null") -> dict[str, str]:
    """Environment variables for a daemon with the voice of the tests."""
    return {
        "SPEAKKIT_TEST_VOICE": "fake_voice:load",
        "PYTHONPATH": f"{TESTS / 'daemon'}:{TESTS / 'daemon' / 'hooks'}:{os.environ.get('PYTHONPATH', '')}",
        "SPEAKKIT_SINK": sink,
    }


def ear_of(server: SoundServer) -> dict[str, str]:
    """Environment variables for a daemon that plays to `server`."""
    return {name: server.environment[name] for name in ("XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH")} | {
        "HOME": str(server.folder)
    }


def timed(events: Iterator[Event]) -> dict[str, float]:
    """Class name of an event -> time of the first such event, in seconds of time.monotonic()."""
    found: dict[str, float] = {}
    for event in events:
        found.setdefault(type(event).__name__, time.monotonic())
    return found


def until(events: Iterator[Event], kind: type[Any]) -> float:
    """Time of the first event of class `kind`, in seconds of time.monotonic(). Raises RuntimeError if none comes."""
    for event in events:
        if isinstance(event, kind):
            return time.monotonic()
    raise RuntimeError(f"there was no {kind.__name__}")


def row(name: str, seconds: list[float], aim: str = "") -> None:
    """Print a row of the table: median, range and count of `seconds`, in milliseconds."""
    low, high = 1000 * min(seconds), 1000 * max(seconds)
    print(f"| {name} | {1000 * statistics.median(seconds):.0f} | {low:.0f} to {high:.0f} | {len(seconds)} | {aim} |")


def process_seconds(code: str) -> float:
    """Wall time in seconds of a Python process that executes `code`."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - begun


def from_nothing(runs: int) -> None:
    """Print the time to start a daemon and connect to it."""
    took = []
    for _ in range(runs):
        with daemon(**fake()):
            begun = time.monotonic()
            client.connect("bench").close()
            took.append(time.monotonic() - begun)
    row("connect where no daemon is, without a model", took, "500")


def asking(runs: int) -> None:
    """Print the cost of a client process, and the time from accepting a request to its first sample in the sink."""
    with daemon(**fake()), client.connect("bench") as connection:
        list(connection.request("speak", b"seconds=0.01", voice="f1"))
        bare = statistics.median(process_seconds("pass") for _ in range(runs))
        row(
            "start of a client to accepted, over `python -c pass`",
            [process_seconds(ASK) - bare for _ in range(runs)],
            "110",
        )
        took = []
        for number in range(runs):
            time.sleep(1.5)  # the device is closed
            at = timed(connection.request("speak", f"seconds=0.01 n={number}".encode(), voice="f1"))
            took.append(at["Started"] - at["Accepted"])
        row("accepted to the first sample in the sink (timed-null)", took, "60")


def heard(runs: int, server: SoundServer, folder: Path) -> None:
    """Print the latencies that a listener hears: start, cancel, and interruption by an urgent message."""
    starts, hears, cancels, cuts = [], [], [], []
    with (
        server.listening(folder) as ear,
        daemon(**fake("sounddevice"), **ear_of(server)),
        client.connect("bench") as connection,
        client.connect("other") as other,
    ):
        list(connection.request("speak", b"seconds=0.01", voice="f1"))
        for number in range(runs):
            time.sleep(1.5)
            started, heard_after = _first(connection, ear, number)
            starts.append(started)
            hears.append(heard_after)
            cancels.append(_cancelled(connection, ear, number))
            cuts.append(_cut(connection, other, ear, number))
    row("asked for to the first sample in the sink (PulseAudio): all but synthesis", starts)
    row("accepted to the first sample heard", hears)
    row("cancel to silence", cancels, "100")
    row("urgent asked for to heard, over a normal one", cuts, "100")


def _places(ear: Ear, bit: int) -> Any:
    return np.flatnonzero(np.rint(ear().astype("f8") * 2**20) == 1 << bit)


def _first(connection: Client, ear: Ear, number: int) -> tuple[float, float]:
    """Seconds from the request to the first sample in the sink, and from accepting it to the first sample heard."""
    bit = number % 6
    before, begun = len(_places(ear, bit)), time.monotonic()
    at = timed(connection.request("speak", f"bit={bit} seconds=0.1 n={number}".encode(), voice="f1"))
    time.sleep(0.3)
    return at["Started"] - begun, ear.born() + float(_places(ear, bit)[before]) / pcm.RATE - at["Accepted"]


def _cancelled(connection: Client, ear: Ear, number: int) -> float:
    name = connection.ask("speak", f"bit=10 seconds=5 n={number}".encode(), voice="f1")
    events = connection.events(name)
    until(events, Started)
    time.sleep(0.4)
    asked = time.monotonic()
    events.close()  # type: ignore[attr-defined]  # a generator; closing it cancels the request
    time.sleep(0.4)
    sounding = np.flatnonzero(ear())
    return ear.born() + float(sounding[-1]) / pcm.RATE - asked


def _cut(connection: Client, other: Client, ear: Ear, number: int) -> float:
    before = len(_places(ear, 12))
    events = connection.request("speak", f"bit=11 seconds=0.3 pieces=4 n={number}".encode(), voice="f1")
    until(events, Started)
    time.sleep(0.4)
    asked = time.monotonic()
    list(other.request("speak", f"bit=12 seconds=0.1 n={number}".encode(), voice="f1", prio="urgent"))
    list(events)
    time.sleep(0.3)
    return ear.born() + float(_places(ear, 12)[before]) / pcm.RATE - asked


def idle(server: SoundServer) -> None:
    """Print the CPU time and memory of an idle daemon that has spoken before."""
    with daemon(**fake("sounddevice"), **ear_of(server)):
        with client.connect("bench") as connection:
            list(connection.request("speak", b"seconds=0.3", voice="f1"))
            pid = connection.status().pid
        time.sleep(3)
        begun = _cpu(pid)
        time.sleep(IDLE)
        spent = _cpu(pid) - begun
        with client.connect("bench") as connection:
            sink = connection.status().work["sink"]
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    print(f"\nidle for {IDLE:g} s: {spent:.2f} s of processor, {mib:.0f} MiB, open stream: {sink or 'none'}")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kokoro(runs: int, server: SoundServer, folder: Path) -> None:
    """Print the latencies of Kokoro: without a running daemon, and warm."""
    cold, totals, sounds = [], [], []
    for _ in range(2):
        with daemon(SPEAKKIT_SINK="sounddevice", **ear_of(server)):
            begun = time.monotonic()
            with client.connect("bench") as connection:
                cold.append(until(connection.request("speak", b"Hello.", voice="f1"), Started) - begun)
    with (
        server.listening(folder) as ear,
        daemon(SPEAKKIT_SINK="sounddevice", **ear_of(server)),
        client.connect("bench") as connection,
    ):
        list(connection.request("speak", b"Hello there.", voice="f1"))
        for word in (WORDS * runs)[:runs]:
            line = f"{LINE} {word}.".encode()
            time.sleep(1.5)
            before, begun = len(ear()), time.monotonic()
            at = timed(connection.request("speak", line, voice="f1"))
            totals.append(at["Started"] - begun)
            time.sleep(0.3)
            sounds.append(ear.born() + (before + float(np.flatnonzero(ear()[before:])[0])) / pcm.RATE - begun)
    row("Kokoro: from no daemon to the first sample in the sink", cold)
    row("Kokoro, warm: a line of 12 words to its first sample in the sink", totals, "900")
    row("the same to its first sample heard", sounds)


def main(runs: int) -> None:
    """Print the table."""
    print("| milliseconds | median | range | n | aim |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as base:
        from_nothing(runs)
        asking(runs)
        server = SoundServer(Path(tempfile.mkdtemp(dir=base)))
        try:
            heard(runs, server, Path(tempfile.mkdtemp(dir=base)))
            kokoro(runs, server, Path(tempfile.mkdtemp(dir=base)))
            idle(server)
        finally:
            server.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
