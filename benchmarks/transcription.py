"""Measure how long a transcript of a short clip takes through the daemon and in process, cold and warm.

    SPEAKKIT_HOME=... python benchmarks/transcription.py [CLIP [RUNS [RECOGNIZER]]]

By default: a human voice of 3 s of the tests, 10 runs, whisper-base. Each call through the daemon has a connection of
its own, as a command has. "Cold" is a new process that loads the recognizer: for the daemon, its worker; else a Python
that does nothing else. Calls of daemon and process alternate. "The daemon alone" is a call whose recognizer takes no
time. "Speech" is the time from a request to speak to its first sample in the sink, with the voice of the tests, which
uses 50 ms of processor time for it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from daemon import TESTS, daemon, fake, row, until

from speakkit import audiofile, config
from speakkit.audio import Audio, joined
from speakkit.daemon.process import spawn
from speakkit.daemon.wire import client, recognizer
from speakkit.daemon.wire.messages import Started
from speakkit.engines import locations, registry
from speakkit.engines.base import Recognizer

CLIP = TESTS / "data" / "librivox-0880.wav"

IN_PROCESS = """
import sys
from speakkit import audiofile, config
from speakkit.engines import locations, registry
locations.use(config.locations)
with registry.recognizer(sys.argv[2]) as recognizer:
    (outcome,) = recognizer.transcribe([audiofile.read(sys.argv[1])], "en")
    outcome.result()
"""


def seconds(act: Callable[[], object]) -> float:
    """Seconds that `act` takes."""
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


def heard(engine: Recognizer, clip: Audio) -> None:
    """Have a clip recognized. Raises SpeakkitError."""
    for outcome in engine.transcribe([clip], "en"):
        outcome.result()


def through_daemon(clip: Audio, name: str) -> None:
    """Have a clip recognized by the running daemon. Raises SpeakkitError, and RuntimeError if there is no daemon."""
    found = recognizer.running(name)
    if found is None:
        raise RuntimeError("there is no daemon")
    with found:
        heard(found, clip)


def cold(clip: Path, name: str, runs: int) -> None:
    """Print the times of a first transcript."""
    sound, ours, theirs = audiofile.read(clip), [], []
    for _ in range(runs):
        command = [sys.executable, "-c", IN_PROCESS, str(clip), name]
        ours.append(seconds(lambda: subprocess.run(command, check=True)))  # noqa: B023  it is called at once
        with daemon():
            client.connect("bench").close()
            theirs.append(seconds(lambda: through_daemon(sound, name)))
    row("cold, in a new process", ours)
    row("cold, through the daemon", theirs)


def warm(clip: Audio, name: str, runs: int) -> None:
    """Print the times of later transcripts, and the memory of the daemon's process after them."""
    ours, theirs = [], []
    with daemon(), registry.recognizer(name) as engine:
        client.connect("bench").close()
        heard(engine, clip)
        through_daemon(clip, name)
        for _ in range(runs):
            ours.append(seconds(lambda: heard(engine, clip)))
            theirs.append(seconds(lambda: through_daemon(clip, name)))
        with client.connect("bench") as connection:
            size = connection.status().work["recognizer_bytes"]
    row("warm, in process", ours)
    row("warm, through the daemon", theirs, "1000")
    row("difference of each pair", [b - a for a, b in zip(ours, theirs, strict=True)])
    print(f"\nmemory of the daemon's {name}: {size >> 20} MiB\n", file=sys.stderr)


def alone(clip: Audio, runs: int) -> None:
    """Print the times that the daemon itself adds."""
    with daemon(**fake(), SPEAKKIT_TEST_RECOGNIZER="fake_recognizer:load"):
        client.connect("bench").close()
        through_daemon(clip, "fake")
        row("the daemon alone", [seconds(lambda: through_daemon(clip, "fake")) for _ in range(runs)], "30")


def speech(clip: Audio, name: str, home: str, runs: int) -> None:
    """Print when speech begins, without and with a clip of 30 s that is being recognized all the time."""
    pieces = -(-30 * clip.sample_rate // len(clip.samples))
    long = Audio(joined([clip] * pieces).samples[: 30 * clip.sample_rate], clip.sample_rate)
    variables = fake()
    with daemon(**variables):
        os.environ["SPEAKKIT_HOME"] = home
        with client.connect("bench") as connection:
            list(connection.request("speak", b"seconds=0.01", voice="f1"))
            row("speech, at rest", [_spoken(connection, n) for n in range(runs)])
            is_over = threading.Event()
            other = threading.Thread(target=_recognize_until, args=(is_over, long, name))
            through_daemon(clip, name)
            other.start()
            row("speech, while a long file is recognized", [_spoken(connection, n) for n in range(runs)])
            is_over.set()
            other.join()


def _recognize_until(is_over: threading.Event, clip: Audio, name: str) -> None:
    while not is_over.is_set():
        through_daemon(clip, name)


def _spoken(connection: client.Client, number: int) -> float:
    time.sleep(1.5)  # the device is closed
    text = f"seconds=0.01 busy=0.05 n={number}".encode()
    begun = time.monotonic()
    at = until(events := connection.request("speak", text, voice="f1"), Started)
    list(events)
    return at - begun


def main(clip: Path, runs: int, name: str) -> None:
    """Print the table."""
    locations.use(config.locations)
    spawn.KEPT.add("SPEAKKIT_TEST_RECOGNIZER")
    home, sound = os.environ["SPEAKKIT_HOME"], audiofile.read(clip)
    print(f"{name}, a clip of {sound.duration:.1f} s")
    print("\n| milliseconds | median | range | n | aim |\n|---|---|---|---|---|")
    alone(sound, runs)
    cold(clip, name, runs)
    warm(sound, name, runs)
    speech(sound, name, home, runs)


if __name__ == "__main__":
    given = [*sys.argv[1:], *[str(CLIP), "10", "whisper-base"][len(sys.argv) - 1 :]]
    main(Path(given[0]), int(given[1]), given[2])
