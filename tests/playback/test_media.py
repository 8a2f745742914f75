"""Tests of interludes and holds with fake players: threads, the file of holds, and faults."""

import asyncio
import json
import logging
import os
import platform
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from speakkit.playback import gsmtc, holding, holds, media, mpris
from speakkit.playback.applescript import Apps
from speakkit.playback.holds import HeldPlayer, Hold, Holds
from waiting import wait_until

PATIENT = 0.4
"""Maximum delay of `begin` in seconds: PATIENCE, with a margin for a busy machine."""

HOLD = Hold(HeldPlayer("spotify", ":1.5"), "/track/1", 1.5e9)


class Orchestra:
    """Fake players that record their calls and the threads of the calls.

    Each call takes `seconds`, then raises `error`.
    """

    def __init__(self, seconds=0.0, error=None):
        self.asked, self.done, self.threads = [], [], set()
        self.seconds, self.error = seconds, error

    async def _do(self, what):
        self.asked.append(what)
        self.threads.add(threading.current_thread())
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        self.done.append(what)

    def has_released(self, count):
        return self.asked.count("release") == count

    async def hold(self):
        await self._do("hold")

    async def release(self):
        await self._do("release")

    async def recover(self):
        await self._do("recover")

    async def close(self):
        await self._do("close")

    async def seen(self):
        await self._do("seen")


class Player1:
    """A Remote with one player. `notes` has each call, with the text of the file of holds at that moment."""

    glance = 0.05

    def __init__(self, folder):
        self.file = folder / holds.NAME
        self.player, self.status, self.notes = HeldPlayer("one", "1"), holding.PlayerStatus.playing, []

    def note(self, what):
        self.notes.append((what, self.file.read_text() if self.file.exists() else ""))

    async def connect(self):
        pass

    async def players(self):
        return [self.player]

    async def state(self, player):
        return holding.PlayerState(self.status, can_be_paused=True, track="t")

    async def pause(self, player):
        self.note("pause")
        self.status = holding.PlayerStatus.paused

    async def play(self, player):
        self.note("play")
        self.status = holding.PlayerStatus.playing

    async def watch(self, player, heard):
        self.note("watch")

    def unwatch(self, player):
        self.note("unwatch")

    async def close(self):
        self.note("close")


def took(deed):
    """The duration of `deed` in seconds."""
    start = time.monotonic()
    deed()
    return time.monotonic() - start


def test_bursts_are_glued():
    """Bursts with short gaps are held and released once, on a single thread other than the caller's.

    After the release, the next bursts are held again.
    """
    orchestra = Orchestra()
    interlude = media.Interlude(lambda: orchestra, glue=0.3)
    for number in (1, 2):
        for _ in range(3):
            interlude.begin()
            interlude.end()
        wait_until(partial(orchestra.has_released, number))
    interlude.close()
    assert orchestra.asked == ["hold", "release", "hold", "release", "close"]
    assert len(orchestra.threads) == 1
    assert threading.current_thread() not in orchestra.threads


def test_nothing_waits_for_players():
    """All calls return before any player has reacted."""
    orchestra = Orchestra(seconds=60)
    interlude = media.Interlude(lambda: orchestra)
    for deed in (interlude.recover, interlude.begin, interlude.end, interlude.begin, interlude.close):
        deed()
    assert (orchestra.asked, orchestra.done) == (["recover", "hold"], [])


@pytest.mark.slow
def test_only_begin_waits_and_not_for_long():
    """Only `begin` waits for players, for less than PATIENT seconds; the limits are for an idle machine."""
    interlude = media.Interlude(lambda: Orchestra(seconds=60))
    assert took(interlude.recover) < 0.2
    assert 0.2 < took(interlude.begin) < PATIENT
    assert took(interlude.end) < 0.2
    assert 0.2 < took(interlude.begin) < PATIENT
    assert took(interlude.close) < media.CLOSING + 0.5


def test_bug_is_logged_and_speech_goes_on(caplog):
    """An exception in the player code is logged, and is not raised to the caller."""
    interlude = media.Interlude(lambda: Orchestra(error=RuntimeError("secret")))
    with caplog.at_level(logging.ERROR):
        interlude.begin()
        interlude.close()
    assert "RuntimeError" in caplog.text


def test_interlude_that_was_never_used_has_no_thread():
    """An interlude that was never used has no thread and creates no players."""
    media.Interlude(lambda: pytest.fail("nobody asked")).close()


def test_what_is_paused_is_written_down_before(tmp_path):
    """A player is written to the file of holds before it is paused, and stays there as long as it is paused."""
    remote = Player1(tmp_path)
    interlude = media.Interlude(lambda: holding.Holding(remote, tmp_path), glue=0)
    interlude.begin()
    interlude.end()
    interlude.close()
    assert [what for what, _ in remote.notes] == ["watch", "pause", "play", "unwatch", "close"]
    assert [bool(text) for _, text in remote.notes] == [True, True, True, False, False]
    assert remote.status is holding.PlayerStatus.playing


def test_players_that_tell_nothing_are_looked_at(tmp_path):
    """Players without change notifications are polled, so that a player started by the user is noticed."""
    remote = Player1(tmp_path)
    interlude = media.Interlude(lambda: holding.Holding(remote, tmp_path), glue=0)
    interlude.begin()
    remote.status = holding.PlayerStatus.playing
    wait_until(lambda: not remote.file.exists())
    remote.status = holding.PlayerStatus.paused
    interlude.end()
    interlude.close()
    assert "play" not in [what for what, _ in remote.notes]


def test_player_that_answers_when_somebody_speaks_again(tmp_path, monkeypatch):
    """A player that hangs during its release and answers in the next burst is resumed only after that burst."""
    monkeypatch.setattr(holding, "RELEASING", 0.1)
    remote, is_heard = Player1(tmp_path), asyncio.Event()
    answer = remote.state

    async def hung(player):
        await is_heard.wait()
        return await answer(player)

    async def play():
        players = holding.Holding(remote, tmp_path)
        await players.hold()
        remote.state, remote.glance = hung, 60
        await players.release()
        await players.hold()
        is_heard.set()
        await asyncio.sleep(0.1)
        noted = [what for what, _ in remote.notes]
        await players.release()
        return noted, [what for what, _ in remote.notes]

    assert asyncio.run(play()) == (["watch", "pause"], ["watch", "pause", "play", "unwatch"])


def test_file_of_holds_is_read_back(tmp_path):
    """The file of holds is read back with all its holds, and exists only while there are holds."""
    kept, other = Holds(tmp_path), Hold(HeldPlayer('odd "\n\u202e ü', ""), "", 1.5)
    kept.add(HOLD)
    kept.add(other)
    assert Holds(tmp_path).left() == [HOLD, other]
    kept.discard(HOLD.player)
    assert Holds(tmp_path).left() == [other]
    kept.discard(other.player)
    kept.discard(other.player)
    assert list(tmp_path.iterdir()) == []


def test_file_of_holds_that_is_refreshed_stays_fresh(tmp_path):
    """Refreshing keeps the file of holds from expiring, however long speech lasts."""
    kept = Holds(tmp_path)
    kept.add(HOLD)
    then = time.time() - holds.OLDEST - 5
    os.utime(tmp_path / holds.NAME, (then, then))
    assert Holds(tmp_path).left() == []
    kept.refresh()
    assert Holds(tmp_path).left() == [HOLD]


GOOD = json.dumps([{"name": "spotify", "owner": ":1.5", "trackid": "/track/1", "at": 1.5e9}])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "{}",
        "3",
        "[3]",
        '[{"name": 3}]',
        "[" * 60_000,
        "\xff",
        GOOD.replace("1500000000.0", '"now"'),
        " " * 70_000,
    ],
    ids=range(10),
)
def test_file_that_is_none(text, tmp_path):
    """An invalid file of holds is read as empty, and is overwritten."""
    file = tmp_path / holds.NAME
    file.write_bytes(text.encode("latin-1"))
    file.chmod(0o600)
    assert Holds(tmp_path).left() == []
    Holds(tmp_path).add(HOLD)
    assert Holds(tmp_path).left() == [HOLD]


def test_file_that_others_could_have_written(tmp_path):
    """A file of holds that other users could write, a link or a pipe is ignored; a link's target stays unchanged."""
    file, mine = tmp_path / holds.NAME, tmp_path / "mine"
    file.write_text(GOOD)
    file.chmod(0o644)
    assert Holds(tmp_path).left() == []
    file.rename(mine)
    mine.chmod(0o600)
    file.symlink_to(mine)
    assert Holds(tmp_path).left() == []
    Holds(tmp_path).add(HOLD)
    assert not file.is_symlink()
    assert mine.read_text() == GOOD
    file.unlink()
    os.mkfifo(file, 0o600)
    assert Holds(tmp_path).left() == []


@pytest.mark.parametrize(
    ("system", "release", "kind"),
    [
        ("linux", "6.1.0-18-amd64", mpris.Desktop),
        ("linux", "5.15.167.4-microsoft-standard-WSL2", gsmtc.Sessions),
        ("win32", "10", gsmtc.Sessions),
        ("darwin", "24.0.0", Apps),
        ("sunos5", "5.11", type(None)),
    ],
)
def test_each_platform_has_its_players(system, release, kind, monkeypatch):
    """Each platform has its own kind of players; on WSL these are the players of Windows."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "release", lambda: release)
    assert type(media._remote()) is kind


def test_where_nothing_is_known_nothing_happens(tmp_path, monkeypatch):
    """On an unsupported platform, interludes do nothing and no players are listed."""
    monkeypatch.setattr(media, "_remote", lambda: None)
    interlude = media.Interlude(lambda: media.players(tmp_path))
    for deed in (interlude.recover, interlude.begin, interlude.end, interlude.close):
        deed()
    assert media.seen() == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_loaded_before_it_is_needed():
    """Importing the module loads no heavy library and no library that controls players."""
    code = "import sys, speakkit.playback.media; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"jeepney", "numpy", "torch", "sounddevice"} & set(loaded)
