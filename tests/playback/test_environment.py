"""Tests of the environment that the programs of playback inherit."""

import asyncio
import os

import pytest

from speakkit.playback import applescript, gsmtc, piped
from speakkit.playback.holding import Unreachable

KEPT = {
    "HOME": "/h",
    "LC_CTYPE": "de_DE.UTF-8",
    "XDG_RUNTIME_DIR": "/r",
    "PULSE_SERVER": "p",
    "PIPEWIRE_REMOTE": "p",
    "ALSA_CONFIG_PATH": "/a",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/b",
    "WAYLAND_DISPLAY": "w",
    "WSL_INTEROP": "/i",
}
DROPPED = {
    "OPENAI_API_KEY": "k",
    "SPEAKKIT_GEMINI_API_KEY": "k",
    "AWS_SECRET_ACCESS_KEY": "k",
    "GITHUB_TOKEN": "k",
    "DATABASE_URL": "postgres://me:k@host",
    "XDG_SESSION_TOKEN": "k",
    "LD_PRELOAD": "x",
}
SPY = """#!/bin/sh
env > "$0.environment"
"""


def play():
    piped.pacat(0.1).close()


def ask():
    piped.pacat_device()


def play_by_alsa():
    piped.aplay(0.1).close()


def ask_windows():
    with pytest.raises(Unreachable):
        asyncio.run(gsmtc.Sessions().connect())


def ask_mac():
    asyncio.run(applescript.Apps().players())


@pytest.mark.parametrize(
    ("act", "program"),
    [
        (play, "pacat"),
        (ask, "pactl"),
        (play_by_alsa, "aplay"),
        (ask_windows, gsmtc.PROGRAM),
        (ask_mac, applescript.PROGRAM),
    ],
)
def test_programs_get_no_secrets(monkeypatch, tmp_path, act, program):
    """Programs that play sound or control players inherit the variables of the session, and no other ones."""
    for name in {program, "pacat"}:
        (tmp_path / name).write_text(SPY)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    for name, value in {**KEPT, **DROPPED, "PATH": path}.items():
        monkeypatch.setenv(name, value)
    act()
    got = (tmp_path / f"{program}.environment").read_text().splitlines()
    assert {f"{name}={value}" for name, value in {**KEPT, "PATH": path}.items()} <= set(got)
    assert {line.partition("=")[0] for line in got}.isdisjoint(DROPPED)
