"""Whoever needs a daemon gets the one that there is, or starts it; however many they are, and whenever it goes."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise

import pytest

from speakkit import paths
from speakkit.daemon.process import failpoints, rundir, spawn
from speakkit.daemon.wire import client
from speakkit.errors import DaemonError
from waiting import wait_until

SECONDS = 60

RACER = """
from speakkit.daemon.wire import client
with client.connect() as connection:
    print(connection.greeting.pid)
"""


def race(count, **variables):
    """So many programs that need a daemon at once."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", RACER],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | variables,
            text=True,
        )
        for _ in range(count)
    ]


def ended(racers):
    """What each said; none may fail."""
    said = [racer.communicate(timeout=SECONDS) for racer in racers]
    assert [error for _, error in said if error] == []
    return [int(out) for out, _ in said]


def seconds(line):
    clock = re.match(r"\S+ (\d+):(\d+):(\d+),(\d+)", line).groups()
    return int(clock[0]) * 3600 + int(clock[1]) * 60 + int(clock[2]) + int(clock[3]) / 1000


def now():
    clock = time.time()
    return seconds(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(clock)) + f",{int(clock % 1 * 1000):03}")


def lives(killed):
    """(start, end) of every daemon that there was, by the log; killed: pid -> when."""
    log = paths.daemon_log()
    lines = [line for file in (log.with_name("daemon.log.1"), log) if file.exists() for line in file.open()]
    found: dict[int, list[float]] = {}
    for line in lines:
        pid, what = int(line.split()[2]), line.split()[4]
        if what in ("starts:", "ends"):
            found.setdefault(pid, []).append(seconds(line))
    return sorted(
        (times[0], times[1] if len(times) > 1 else killed.get(pid, float("inf"))) for pid, times in found.items()
    )


def overlaps(found):
    """Pairs of daemons that were alive at once."""
    return [(one, other) for one, other in pairwise(found) if other[0] < one[1]]


def pid_of(place):
    with suppress(DaemonError, FileNotFoundError, ValueError, IndexError):
        if rundir.is_locked(place.daemon_lock):
            return int(place.daemon_lock.read_text().split()[0])
    return None


def run_race(place, clients, rounds):
    """In half of the rounds the daemon is killed while they come; it ends by itself after 150 ms without them."""
    killed = {}
    for number in range(rounds):
        racers = race(clients, SPEAKKIT_IDLE_EXIT="0.15")
        if number % 2:
            pid = wait_until(lambda: pid_of(place))
            time.sleep(0.03 * (number % 7))
            with suppress(ProcessLookupError):
                killed[pid] = now()
                os.kill(pid, signal.SIGKILL)
        ended(racers)
    found = lives(killed)
    print(f"{clients * rounds} clients, {len(found)} daemons, {len(killed)} killed, {len(overlaps(found))} overlaps")
    assert overlaps(found) == []
    assert len(found) >= rounds // 2


def test_a_small_race(place):
    """Eight clients at once, four times: nobody fails, and no two daemons are alive at once."""
    run_race(place, 8, 4)


@pytest.mark.slow
def test_a_great_race(place):
    """Thirty clients at once, twenty times."""
    run_race(place, 30, 20)


@pytest.mark.parametrize("point", failpoints.POINTS)
def test_a_delay_at_any_step(place, point):
    """Opens a gap that a race would hit once in a thousand times; nobody falls into it."""
    for _ in range(2):
        ended(race(3, SPEAKKIT_IDLE_EXIT="0", SPEAKKIT_TEST_DELAY=f"{point}:250"))
        time.sleep(0.2)  # into the moments in which it goes
    assert overlaps(lives({})) == []


def test_one_daemon_for_all(place):
    """Who comes later finds the same."""
    assert len(set(ended(race(4)))) == 1
    assert set(ended(race(2))) == {pid_of(place)}


def test_a_killed_daemon_is_followed(place):
    """By another, at once: no lock is left of it."""
    with client.connect() as connection:
        first = connection.greeting.pid
    os.kill(first, signal.SIGKILL)
    with client.connect() as connection:
        assert connection.greeting.pid != first


def test_it_does_not_hold_what_its_client_held(place):
    """A pipe that a shell gave to the client ends with the client: whoever reads it waits for no daemon."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    subprocess.run([sys.executable, "-c", RACER], pass_fds=[writing], check=True, capture_output=True, timeout=SECONDS)
    os.close(writing)
    os.set_blocking(reading, False)
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_it_outlives_its_client(place):
    """In a session of its own, where no Ctrl-C reaches it."""
    (pid,) = ended(race(1))
    assert os.getsid(pid) == pid
    assert pid_of(place) == pid


def test_why_it_does_not_start(place, monkeypatch):
    """Is what its client says."""
    monkeypatch.setenv("SPEAKKIT_IDLE_EXIT", "soon")
    with pytest.raises(DaemonError, match=r"^SPEAKKIT_IDLE_EXIT must be a number, not 'soon'$"):
        client.connect()


def test_one_that_ends_without_a_word(place, monkeypatch):
    """Is an error, not a wait."""
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(DaemonError, match="without a message"):
        client.connect()


def test_one_that_cannot_be_run(place, monkeypatch):
    """Likewise."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DaemonError, match="cannot be started: No such file"):
        client.connect()


def test_one_that_takes_too_long(place, monkeypatch):
    """Is not waited for longer than it should take."""
    monkeypatch.setattr(spawn, "PATIENCE", 0.3)
    monkeypatch.setenv("SPEAKKIT_TEST_DELAY", "before_ready:3000")
    with pytest.raises(DaemonError, match=r"did not start within 0\.3 s"):
        client.connect()


def test_a_lock_that_is_never_released(place, monkeypatch):
    """Of another client that hangs, say."""
    monkeypatch.setattr(spawn, "PATIENCE", 0.3)
    with rundir.try_lock(place.spawn_lock), pytest.raises(DaemonError, match="no daemon answers at"):
        client.connect()


def test_what_a_daemon_inherits():
    """What it needs to speak and to be found; no key, nor how one client wants to sound."""
    given = {
        "HOME": "/h",
        "PATH": "/bin",
        "LC_ALL": "C",
        "XDG_RUNTIME_DIR": "/r",
        "SPEAKKIT_HOME": "/s",
        "SPEAKKIT_MODELS": "/m",
        "CUDA_VISIBLE_DEVICES": "0",
        "PULSE_SERVER": "p",
        "HTTPS_PROXY": "x",
    }
    refused = {
        "SPEAKKIT_GEMINI_API_KEY": "k",
        "GEMINI_API_KEY": "k",
        "OPENAI_API_KEY": "k",
        "AWS_SECRET_ACCESS_KEY": "k",
        "HF_TOKEN": "k",
        "XDG_SESSION_TOKEN": "k",
        "PYTHONPASSWORD": "k",
        "EDITOR": "vi",
        "LS_COLORS": "x",
        "SPEAKKIT_VOICE": "f1",
        "SPEAKKIT_SPEED": "2",
        "SPEAKKIT_SEED": "1",
        "LD_PRELOAD": "x",
    }
    assert spawn.environment(given | refused) == given
