"""Tests of connecting to the daemon or starting it, also with many clients at once and while it ends."""

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
from speakkit.config import SETTINGS
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
    """Start `count` programs at once that each connect to a daemon."""
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
    """Wait for the programs, and return the process id of the daemon that each one found; none may fail."""
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
    """Return (start, end) of each daemon in the log, in seconds of the day; killed: process id -> time of the kill."""
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
    """Return the pairs of daemons that were alive at the same time."""
    return [(one, other) for one, other in pairwise(found) if other[0] < one[1]]


def pid_of(place):
    with suppress(DaemonError, FileNotFoundError, ValueError, IndexError):
        if rundir.is_locked(place.daemon_lock):
            return int(place.daemon_lock.read_text().split()[0])
    return None


def run_race(place, clients, rounds):
    """Start `clients` programs at once, `rounds` times, and check that no two daemons overlap.

    In half of the rounds the daemon is killed meanwhile. Without clients it ends after 150 ms.
    """
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
    """Eight clients at once, four times: none fails, and no two daemons are alive at once."""
    run_race(place, 8, 4)


@pytest.mark.slow
def test_a_great_race(place):
    """Thirty clients at once, twenty times: none fails, and no two daemons are alive at once."""
    run_race(place, 30, 20)


@pytest.mark.parametrize("point", failpoints.POINTS)
def test_a_delay_at_any_step(place, point):
    """A delay at any failpoint, which widens a rare race, makes no client fail and no two daemons overlap."""
    for _ in range(2):
        ended(race(3, SPEAKKIT_IDLE_EXIT="0", SPEAKKIT_TEST_DELAY=f"{point}:250"))
        time.sleep(0.2)  # so that the next clients come while the daemon ends
    assert overlaps(lives({})) == []


def test_one_daemon_for_all(place):
    """Later clients find the same daemon."""
    assert len(set(ended(race(4)))) == 1
    assert set(ended(race(2))) == {pid_of(place)}


def test_a_killed_daemon_is_followed(place):
    """A killed daemon is replaced at once, since no lock of it remains."""
    with client.connect() as connection:
        first = connection.greeting.pid
    os.kill(first, signal.SIGKILL)
    with client.connect() as connection:
        assert connection.greeting.pid != first


def test_it_does_not_hold_what_its_client_held(place):
    """The daemon inherits no descriptor of its client, so that a reader of the client's pipe sees its end."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    subprocess.run([sys.executable, "-c", RACER], pass_fds=[writing], check=True, capture_output=True, timeout=SECONDS)
    os.close(writing)
    os.set_blocking(reading, False)
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_it_outlives_its_client(place):
    """The daemon outlives its client, in a session that Ctrl-C does not reach."""
    (pid,) = ended(race(1))
    assert os.getsid(pid) == pid
    assert pid_of(place) == pid


def test_why_it_does_not_start(place, monkeypatch):
    """The client raises the error that the daemon printed at its start."""
    monkeypatch.setenv("SPEAKKIT_IDLE_EXIT", "soon")
    with pytest.raises(DaemonError, match=r"^SPEAKKIT_IDLE_EXIT must be a number, not 'soon'$"):
        client.connect()


def test_one_that_ends_without_a_word(place, monkeypatch):
    """A daemon that exits without a message raises DaemonError at once."""
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(DaemonError, match="without a message"):
        client.connect()


def test_one_that_cannot_be_run(place, monkeypatch):
    """A daemon that cannot be executed raises DaemonError."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DaemonError, match="cannot be started: No such file"):
        client.connect()


def test_one_that_takes_too_long(place, monkeypatch):
    """A daemon that starts too slowly raises DaemonError after PATIENCE seconds."""
    monkeypatch.setattr(spawn, "PATIENCE", 0.3)
    monkeypatch.setenv("SPEAKKIT_TEST_DELAY", "before_ready:3000")
    with pytest.raises(DaemonError, match=r"did not start within 0\.3 s"):
        client.connect()


def test_a_lock_that_is_never_released(place, monkeypatch):
    """If another client holds the spawn lock for too long, connect() raises DaemonError."""
    monkeypatch.setattr(spawn, "PATIENCE", 0.3)
    with rundir.try_lock(place.spawn_lock), pytest.raises(DaemonError, match="no daemon answers at"):
        client.connect()


def test_what_a_daemon_inherits():
    """The daemon inherits the variables that it needs, but no API key and no voice settings of one client."""
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
        "SPEAKKIT_PASSPHRASE": "k",
        "SPEAKKIT_DB_URL": "k",
        "SPEAKKIT_TEST_VOICE": "k",
        "XDG_ANYTHING": "k",
        "EDITOR": "vi",
        "LS_COLORS": "x",
        "SPEAKKIT_VOICE": "f1",
        "SPEAKKIT_SPEED": "2",
        "SPEAKKIT_SEED": "1",
        "LD_PRELOAD": "x",
    }
    assert spawn.environment(given | refused) == given


def test_a_daemon_inherits_every_setting_but_those_of_each_client():
    """The variable of each setting is inherited, unless clients send the setting with their requests."""
    given = {setting.variable: "x" for setting in SETTINGS}
    sent = {"SPEAKKIT_VOICE", "SPEAKKIT_SPEED", "SPEAKKIT_LANG", "SPEAKKIT_ENGINE", "SPEAKKIT_SEED"}
    assert spawn.environment(given).keys() == given.keys() - sent
