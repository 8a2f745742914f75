"""Tests of `speakkit daemon` as the user types it."""

import configparser
import json
import os
import signal
from typing import Any

import pytest

from speakkit import paths
from speakkit.daemon.process import rundir
from speakkit.daemon.wire import client
from waiting import wait_until

SECONDS = 60


@pytest.fixture
def daemon(place, run, fake_voice):
    """Run `speakkit daemon ...`; returns exit code, standard output and standard error."""

    def ended(*words):
        result = run("speakkit", "daemon", *words)
        return result.code, result.out.decode(), result.err

    return ended


def status(daemon):
    return json.loads(daemon("status", "--json")[1])


def test_its_life(daemon, place):
    """Start, status, start again (same process), restart (another process) and stop work."""
    assert daemon("status") == (4, "not running\n", "")
    assert status(daemon) == {"running": False}
    assert daemon("stop") == (0, "not running\n", "")
    code, out, err = daemon("start")
    first = status(daemon)
    assert (code, out, err) == (0, f"running: process {first['pid']}, speakkit {first['version']}\n", "")
    assert daemon("start")[1] == out
    assert daemon("restart")[0] == 0
    assert status(daemon)["pid"] != first["pid"]
    assert daemon("stop") == (0, "stopped\n", "")
    assert not rundir.is_locked(place.daemon_lock)
    assert daemon("status")[0] == 4


def test_a_start_loads_the_voice(daemon):
    """`daemon start` returns at once, and the voice is loaded soon."""
    assert daemon("start")[0] == 0
    wait_until(lambda: status(daemon)["work"]["voice"], 30)


def test_status_for_people(daemon):
    """The table shows the state and the time of the idle exit."""
    daemon("start")
    code, out, _ = daemon("status")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["state", "idle"] in rows
    assert ["idle", "exit", "after", "1800", "s"] in rows


def test_status_for_scripts(daemon):
    """--json shows every field by name."""
    daemon("start")
    found = status(daemon)
    assert found["running"] is True
    assert {"pid", "version", "uptime", "state", "connections", "idle_exit", "work"} <= set(found)


def test_stop_waits_until_it_is_gone(daemon, place):
    """`stop` returns only after the daemon is gone, so that the next command of a script does not meet it."""
    for number in range(3):
        assert daemon("start")[0] == 0
        assert daemon("stop", *(["--now"] if number % 2 else []))[1] == "stopped\n"
        assert not rundir.is_locked(place.daemon_lock)
        assert not place.socket.exists()


def test_one_that_hangs(daemon, place):
    """`stop --now` kills a daemon that hangs."""
    daemon("start")
    with client.reached(place) as connection:
        pid = connection.greeting.pid
    os.kill(pid, signal.SIGSTOP)
    assert daemon("stop", "--now") == (0, "stopped\n", "")


def test_settings_are_read_anew(daemon, place):
    """`restart` reads the settings again; a fault in them is reported while the old daemon keeps running."""
    paths.config().parent.mkdir(parents=True)
    daemon("start")
    paths.config().write_text("idle_exit = 'soon'\n")
    code, _, err = daemon("restart")
    assert code == 1
    assert err == "speakkit: config.toml line 1: idle_exit must be a number, not 'soon'\n"
    paths.config().write_text("idle_exit = -1\n")
    assert daemon("restart")[0] == 0
    assert status(daemon)["idle_exit"] == -1
    assert "never" in daemon("status")[1]


def test_it_ends_by_itself(daemon, place, monkeypatch):
    """The daemon ends after its idle time."""
    monkeypatch.setenv("SPEAKKIT_IDLE_EXIT", "0.2")
    daemon("start")
    wait_until(lambda: not rundir.is_locked(place.daemon_lock))
    assert daemon("status")[0] == 4


def test_a_place_that_is_not_safe(daemon, place):
    """A runtime directory with unsafe permissions gives one line and exit code 1."""
    place.path.chmod(0o755)
    for word in ("start", "status", "stop", "restart"):
        code, out, err = daemon(word)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "chmod 700" in err


def test_logs(daemon, place):
    """`logs` shows the last lines of the log."""
    assert daemon("logs")[1:] == ("", f"there is nothing in {paths.daemon_log()}\n")
    daemon("start")
    daemon("stop")
    code, out, _ = daemon("logs", "-n", "2")
    assert (code, len(out.splitlines())) == (0, 2)
    assert out.endswith("ends\n")
    assert daemon("logs", "-n", "0")[0] == 2


def test_units(daemon):
    """`units` prints both systemd units, or the one that is named."""
    both = daemon("units")[1]
    assert both == daemon("units", "socket")[1] + "\n" + daemon("units", "service")[1]
    units: Any = configparser.ConfigParser(strict=True, interpolation=None)
    units.optionxform = str
    units.read_string(daemon("units", "socket")[1])
    assert dict(units["Socket"]) == {
        "ListenStream": "%t/speakkit/daemon.sock",
        "SocketMode": "0600",
        "DirectoryMode": "0700",
    }
    service = daemon("units", "service")[1]
    assert " -P -m speakkit.daemon\n" in service
    code, _, err = daemon("units", "timer")
    assert code == 2
    assert "try socket or service" in err


def test_a_client_is_not_cut_off(daemon, place):
    """`stop` without --now ends the connection of an idle client."""
    daemon("start")
    with client.connect() as connection:
        assert daemon("stop")[1] == "stopped\n"
        assert connection.wait_for_end(SECONDS)
