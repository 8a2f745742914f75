"""Tests of pausing media players on macOS, with a stub of osascript that accepts only the expected scripts."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from speakkit.playback import applescript, holding, media
from waiting import wait_until

WAIT = 30

STUB = """#!{python}
import json, pathlib, re, sys, time
folder = pathlib.Path(__file__).parent
state = folder / "apps.json"
apps = json.loads(state.read_text())
option, script = sys.argv[1:]
assert option == "-e"
lines = script.splitlines()
with (folder / "asked").open("a") as asked:
    asked.write(json.dumps(lines) + "\\n")
if lines[0] == 'set found to ""':
    asked = re.findall('^if application "(.*)" is running then set found to found & "(.*)" & linefeed$', script, re.M)
    assert asked == [("Music", "Music"), ("Spotify", "Spotify")] and lines[-1] == "return found"
    print("\\n".join(app for app, _ in asked if app in apps))
    print()
    sys.exit()
app = re.fullmatch('if application "(.*)" is not running then error "gone"', lines[0])[1]
assert lines[1] == f'tell application "{{app}}"' and lines[-1] == "end tell"
if app not in apps:
    sys.exit(1)
time.sleep(apps[app].get("delay", 0))
deed = "\\n".join(lines[2:-1]).strip()
if deed in ("pause", "play"):
    apps[app]["state"] = dict(pause="paused", play="playing")[deed]
    scratch = state.with_suffix(".new")
    scratch.write_text(json.dumps(apps))
    scratch.replace(state)
else:
    expected = dict(Music="persistent ID of current track", Spotify="id of current track")[app]
    assert f"set theTrack to {{expected}}" in deed
    assert deed.endswith("return (player state as text) & linefeed & theTrack")
    print(apps[app]["state"])
    print(apps[app].get("track", ""))
"""


class Mac:
    """The files through which a test controls the stub of osascript and reads what it did."""

    def __init__(self, folder):
        self.folder = folder
        program = folder / applescript.PROGRAM
        program.write_text(STUB.format(python=sys.executable))
        program.chmod(0o755)
        self.run()

    def run(self, **apps):
        (self.folder / "apps.json").write_text(json.dumps(apps))

    def state(self, app):
        return json.loads((self.folder / "apps.json").read_text())[app]["state"]

    @property
    def asked(self):
        """The pause and play commands sent to programs, in order."""
        lines = [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]
        return [f"{line[1].split()[-1]} {line[2]}" for line in lines if line[2] in ("pause", "play")]

    @property
    def looks(self):
        """The number of scripts that were run."""
        return len((self.folder / "asked").read_text().splitlines())


@pytest.fixture
def mac(tmp_path, monkeypatch):
    """A folder with the stub of osascript, which comes first on PATH."""
    (tmp_path / "mac").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'mac'}{os.pathsep}{os.environ['PATH']}")
    return Mac(tmp_path / "mac")


@pytest.fixture
def interlude(tmp_path):
    """An interlude that controls the stub's players, with the logic shared by all platforms."""
    made = media.Interlude(lambda: holding.Holding(applescript.Apps(), tmp_path), glue=0)
    yield made
    made.close()


def test_pause_and_play(mac, interlude):
    """A playing program is paused, then resumed; a program that is not running is not started."""
    mac.run(Music={"state": "playing", "track": "A1"})
    interlude.begin()
    wait_until(lambda: mac.state("Music") == "paused")
    interlude.end()
    wait_until(lambda: mac.state("Music") == "playing")
    assert mac.asked == ['"Music" pause', '"Music" play']


def test_another_track_is_let_go(mac, interlude):
    """A paused program with another track is not resumed, because the user chose that track."""
    mac.run(Spotify={"state": "playing", "track": "A1"}, Music={"state": "paused"})
    interlude.begin()
    wait_until(lambda: mac.state("Spotify") == "paused")
    seen = mac.looks
    wait_until(lambda: mac.looks > seen + 1)
    mac.run(Spotify={"state": "paused", "track": "A2"}, Music={"state": "paused"})
    interlude.end()
    interlude.close()
    assert mac.asked == ['"Spotify" pause']


def test_one_that_waits_for_leave_delays_speech_by_patience(mac, interlude):
    """A script that waits for the user's permission delays speech only for a limited time, and is not ended."""
    mac.run(Music={"state": "playing", "delay": 3})
    interlude.begin()
    assert mac.state("Music") == "playing"
    interlude.end()


async def seen():
    return await holding.Holding(applescript.Apps(), Path(os.devnull)).seen()


def test_players_are_seen(mac):
    """Players are listed with their status; fast forwarding is None."""
    mac.run(Music={"state": "fast forwarding"}, Spotify={"state": "stopped"})
    assert asyncio.run(seen()) == [
        holding.Seen("Music", None, is_ignored=False),
        holding.Seen("Spotify", holding.PlayerStatus.stopped, is_ignored=False),
    ]


def test_no_osascript(monkeypatch):
    """If osascript is missing, an Unreachable error says so."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(holding.Unreachable, match="osascript does not run"):
        asyncio.run(seen())
