"""How fast the daemon answers, speaks and falls silent, and what it costs while it has nothing to do.

    SPEAKKIT_HOME=... python benchmarks/daemon.py [RUNS]      # 10 by default

Heard means: in what PulseAudio's null sink gives back, which a few milliseconds are added to by PulseAudio itself. All
but the last figures are of the voice of the tests, which takes no time; those are of Kokoro, with the models of
SPEAKKIT_HOME. Each run has a runtime directory of its own. Needs the packages pulseaudio and pulseaudio-utils.
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

from speakkit.daemon.process import rundir, terminate
from speakkit.daemon.wire import client
from speakkit.daemon.wire.client import Client
from speakkit.daemon.wire.messages import Event, Started
from speakkit.playback import pcm

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS / "shared"))
from soundserver import Ear, SoundServer  # noqa: E402  it is no package

ASK = """
from speakkit.daemon import client
with client.connect("bench", "bench") as connection:
    connection.place("speak", b"seconds=0.01", voice="f1", detach=True)
"""
LINE = "The quick brown fox jumps over the lazy dog near the old"
WORDS = ["barn", "gate", "lake", "mill", "pond", "road", "shed", "tower", "wall", "yard", "bridge", "field"]
"""Each makes a line of twelve words that was not spoken yet."""

IDLE = 60.0
"""Seconds for which an unused daemon is watched."""


@contextmanager
def daemon(**variables: str) -> Iterator[rundir.RuntimeDir]:
    """A place for a daemon, which the first client starts; it is killed in the end."""
    base, kept = Path(tempfile.mkdtemp(prefix="speakkit-")), dict(os.environ)
    os.environ.update({"SPEAKKIT_RUNTIME_DIR": str(base / "run"), **variables})
    if "SPEAKKIT_TEST_VOICE" in variables:
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
    """The variables of a daemon with the voice of the tests."""
    return {
        "SPEAKKIT_TEST_VOICE": "fake_voice:load",
        "PYTHONPATH": str(TESTS / "daemon"),
        "SPEAKKIT_SINK": sink,
    }


def ear_of(server: SoundServer) -> dict[str, str]:
    """The variables of a daemon that plays to a sound server."""
    return {name: server.environment[name] for name in ("XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH")} | {
        "HOME": str(server.folder)
    }


def timed(events: Iterator[Event]) -> dict[str, float]:
    """When the first event of each kind came."""
    found: dict[str, float] = {}
    for event in events:
        found.setdefault(type(event).__name__, time.monotonic())
    return found


def until(events: Iterator[Event], kind: type[Any]) -> float:
    """When the first event of a kind came."""
    for event in events:
        if isinstance(event, kind):
            return time.monotonic()
    raise RuntimeError(f"there was no {kind.__name__}")


def row(name: str, seconds: list[float], aim: str = "") -> None:
    """Print a line of the table."""
    low, high = 1000 * min(seconds), 1000 * max(seconds)
    print(f"| {name} | {1000 * statistics.median(seconds):.0f} | {low:.0f} to {high:.0f} | {len(seconds)} | {aim} |")


def process_seconds(code: str) -> float:
    """Wall time of a Python that carries out some code."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - begun


def from_nothing(runs: int) -> None:
    """A daemon that nobody needs yet is started."""
    took = []
    for _ in range(runs):
        with daemon(**fake()):
            begun = time.monotonic()
            client.connect("bench").close()
            took.append(time.monotonic() - begun)
    row("connect where no daemon is, without a model", took, "500")


def asking(runs: int) -> None:
    """What a program pays, and how soon what it asks for reaches the sink."""
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
    """What a listener hears."""
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
    """Seconds from asking to the sink, and from being accepted to being heard."""
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
    events.close()  # type: ignore[attr-defined]  # a generator, which cancels it then
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
    """What a daemon costs that has spoken and has nothing to do."""
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
    """The real voice: from nothing, and warm."""
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
