"""Tests of pausing media players on Windows, with a stub of PowerShell that uses the protocol of `gsmtc.ps1`."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from speakkit import paths
from speakkit.playback import gsmtc, holding, holds, media
from waiting import wait_until

WAIT = 30

STUB = """#!{python}
import base64, json, pathlib, sys, time
arguments, folder = sys.argv[1:], pathlib.Path(__file__).parent
with (folder / "starts").open("a") as starts:
    starts.write("x")
assert arguments[:-1] == ["-NoProfile", "-NonInteractive", "-EncodedCommand"], arguments
script = base64.b64decode(arguments[-1]).decode("utf-16-le")
assert script == pathlib.Path("{script}").read_text()
mode = (folder / "mode").read_text()
if mode == "slow":
    time.sleep(30)
if mode == "wrong":
    print("Add-Type: cannot", flush=True)
sys.stdout.reconfigure(newline="\\r\\n")
print("\\ufeffready", flush=True)
(folder / "ready").touch()
state = folder / "sessions.json"
for line in sys.stdin:
    assert line.isascii()
    request = json.loads(line)
    with (folder / "asked").open("a") as asked:
        asked.write(" ".join([request["do"], request.get("id", "")]).strip() + "\\n")
    mode = (folder / "mode").read_text()
    if mode == "dies":
        (folder / "died").touch()
        sys.exit(1)
    if mode == "hangs":
        continue
    if mode == "garbage":
        print("[1", flush=True)
        continue
    sessions = json.loads(state.read_text())
    answer = dict(n=request["n"], ok=True)
    if request["do"] == "list":
        answer["sessions"] = sessions
    else:
        found = [session for session in sessions if session["id"] == request["id"]][:1]
        answer["ok"] = bool(found)
        for session in found:
            session["status"] = dict(pause="paused", play="playing")[request["do"]]
        scratch = state.with_suffix(".new")
        scratch.write_text(json.dumps(sessions))
        scratch.replace(state)
    print(json.dumps(answer), flush=True)
"""


class Windows:
    """The files through which a test controls the stub of PowerShell and reads what it did."""

    def __init__(self, folder):
        self.folder = folder
        program = folder / gsmtc.PROGRAM
        program.write_text(STUB.format(python=sys.executable, script=paths.data() / "gsmtc.ps1"))
        program.chmod(0o755)
        self.mode("works")
        self.play()

    def mode(self, mode):
        (self.folder / "mode").write_text(mode)

    def play(self, **statuses):
        sessions = [{"id": name, "status": status, "can_pause": True} for name, status in statuses.items()]
        (self.folder / "sessions.json").write_text(json.dumps(sessions))

    @property
    def sessions(self):
        return {each["id"]: each["status"] for each in json.loads((self.folder / "sessions.json").read_text())}

    @property
    def asked(self):
        """The requests to the stub, except `list`."""
        file = self.folder / "asked"
        return [line for line in file.read_text().splitlines() if line != "list"] if file.exists() else []

    @property
    def starts(self):
        file = self.folder / "starts"
        return len(file.read_text()) if file.exists() else 0


@pytest.fixture
def windows(tmp_path, monkeypatch):
    """A folder with the stub of PowerShell, which comes first on PATH."""
    (tmp_path / "windows").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'windows'}{os.pathsep}{os.environ['PATH']}")
    return Windows(tmp_path / "windows")


@pytest.fixture
def interlude(tmp_path):
    """An interlude that controls the stub's players and ignores chrome, with the logic shared by all platforms."""
    made = media.Interlude(lambda: holding.Holding(gsmtc.Sessions(), tmp_path, ["chrome"]), glue=0)
    yield made
    made.close()


def ready(interlude, windows):
    """Start PowerShell in advance, as the daemon does when it starts."""
    interlude.recover()
    wait_until((windows.folder / "ready").exists)


def test_pause_and_play(windows, interlude):
    """Playing players that are not ignored are paused and resumed by one PowerShell process, whatever their names."""
    odd = "Spötify \u202e'\"$(x)`;.exe"
    windows.play(**{odd: "playing", "Chrome": "playing", "Chrome.exe": "playing", "VLC": "paused", "x": "changing"})
    ready(interlude, windows)
    for number in range(1, 4):
        interlude.begin()
        wait_until(lambda: windows.sessions[odd] == "paused")
        interlude.end()
        asked = [f"pause {odd}", f"play {odd}"] * number
        wait_until(lambda: windows.asked == asked)  # noqa: B023  it is called here
    assert windows.sessions == {odd: "playing", "Chrome": "playing", "Chrome.exe": "playing", "VLC": "paused", "x": "changing"}  # fmt: skip  # noqa: E501
    interlude.close()
    assert windows.starts == 1


def test_what_somebody_plays_meanwhile_is_let_go(windows, interlude, tmp_path):
    """A player that is started while it is held is released, and is not resumed at the end."""
    windows.play(a="playing")
    ready(interlude, windows)
    interlude.begin()
    wait_until(lambda: windows.sessions == {"a": "paused"})
    windows.play(a="playing")
    wait_until(lambda: not (tmp_path / holds.NAME).exists())
    windows.play(a="paused")
    interlude.end()
    interlude.close()
    assert windows.asked == ["pause a"]


@pytest.mark.parametrize("mode", ["slow", "wrong", "hangs", "garbage", "dies"])
def test_powershell_that_does_not_work(mode, windows, interlude, monkeypatch):
    """A PowerShell that does not work does not delay speech and is not restarted repeatedly; the error names it."""
    monkeypatch.setattr(gsmtc, "START", 0.5)
    windows.play(a="playing")
    windows.mode(mode)
    interlude.recover()
    for _ in range(3):
        interlude.begin()
        interlude.end()
        time.sleep(0.3)
    assert windows.starts <= 4
    assert windows.asked == []
    with pytest.raises(holding.Unreachable, match=r"powershell\.exe|no player answers"):
        asyncio.run(seen())


async def seen():
    players = holding.Holding(gsmtc.Sessions(), Path(os.devnull))
    try:
        return await players.seen()
    finally:
        await players.close()


def test_no_powershell(windows, monkeypatch):
    """If PowerShell is missing, an Unreachable error says so."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(holding.Unreachable, match=r"powershell\.exe cannot be started"):
        asyncio.run(seen())


def test_powershell_that_died_is_started_again(windows, interlude):
    """If PowerShell has ended, the next pause starts it again."""
    windows.play(a="playing")
    ready(interlude, windows)
    windows.mode("dies")
    interlude.begin()
    wait_until((windows.folder / "died").exists)
    interlude.end()
    time.sleep(0.2)
    windows.mode("works")
    interlude.begin()
    wait_until(lambda: windows.starts == 2)
    time.sleep(0.5)
    interlude.end()
    time.sleep(0.2)
    interlude.begin()
    wait_until(lambda: windows.sessions == {"a": "paused"})


def test_players_are_seen(windows):
    """Players are listed with their status."""
    windows.play(a="playing", b="opened")
    assert asyncio.run(seen()) == [
        holding.Seen("a", holding.PlayerStatus.playing, is_ignored=False),
        holding.Seen("b", holding.PlayerStatus.stopped, is_ignored=False),
    ]
