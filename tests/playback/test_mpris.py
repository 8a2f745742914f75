"""Tests of pausing media players on a real session bus, with playerctl as an independent check."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import wave
from contextlib import contextmanager
from pathlib import Path

import pytest

from speakkit.playback import holding, holds, media, mpris
from speakkit.playback.events import BurstBegan, BurstEnded
from speakkit.playback.feed import Feed
from waiting import wait_until

WAIT = 30
"""Timeout in seconds for actions that take a fraction of a second on an idle machine."""

GLUE = 0.1
"""Gap in seconds up to which bursts are one; 0.8 in normal use."""

HOLDER = """
import time, sys
from pathlib import Path
from speakkit.playback import media

interlude = media.Interlude(lambda: media.players(Path(sys.argv[1])))
interlude.recover()
print("ready", flush=True)
interlude.begin()
print("held", flush=True)
time.sleep(60)
"""


def took(deed):
    """The duration of `deed` in seconds."""
    start = time.monotonic()
    deed()
    return time.monotonic() - start


@pytest.fixture
def folder(tmp_path):
    """An empty runtime directory."""
    (tmp_path / "run").mkdir(mode=0o700)
    return tmp_path / "run"


@pytest.fixture
def interludes(folder):
    """Returns a function that makes interludes which share a runtime directory."""
    made = []

    def make(ignore=(), **settings):
        made.append(media.Interlude(lambda: media.players(folder, ignore), **{"glue": GLUE} | settings))
        return made[-1]

    yield make
    for interlude in made:
        interlude.close()


@contextmanager
def burst(interlude, folder):
    """Hold the players during the block; return when all of them are released."""
    interlude.begin()
    yield
    interlude.end()
    wait_until(lambda: not (folder / holds.NAME).exists())


def test_music_pauses_once_and_comes_back(session_bus, interludes, folder):
    """A playing player is paused once and resumed, as playerctl reports.

    While it is paused, a file with mode 0600 names it.
    """
    session_bus.add("spotify", track="/track/7")
    with burst(interludes(), folder):
        assert session_bus.witness("spotify") == "Paused"
        kept = folder / holds.NAME
        assert kept.stat().st_mode & 0o777 == 0o600
        assert all(word in kept.read_text() for word in ("spotify", "/track/7", session_bus.tell("spotify")["owner"]))
    assert session_bus.witness("spotify") == "Playing"
    assert session_bus.calls("spotify") == ["Pause", "Play"]


@pytest.mark.parametrize(
    "player",
    [
        {"status": "Paused"},
        {"status": "Stopped"},
        {"CanPause": False},
        {"CanControl": False},
        {"lie": "Paused"},
        {"lie": "Singing"},
        {"odd": {"PlaybackStatus": ["i", 3]}},
        {"odd": {"CanPause": ["s", "yes"]}},
        {"odd": {"CanControl": ["u", 1]}},
    ],
    ids=str,
)
def test_what_does_not_play_or_cannot_pause_is_left_alone(player, session_bus, interludes, folder):
    """A player that is not playing, cannot be paused, or reports invalid properties is not paused."""
    session_bus.add("other", **player)
    session_bus.add("normal")
    with burst(interludes(), folder):
        pass
    assert session_bus.calls("other") == []
    assert session_bus.calls("normal") == ["Pause", "Play"]


@pytest.mark.parametrize("metadata", [["s", "none"], ["a{sv}", {}], ["as", ["/track/1"]]], ids=str)
def test_player_without_a_track(metadata, session_bus, interludes, folder):
    """A player without a track id is paused and resumed as well."""
    session_bus.add("radio", odd={"Metadata": metadata})
    with burst(interludes(), folder):
        pass
    assert session_bus.calls("radio") == ["Pause", "Play"]


def test_one_that_never_answers_delays_speech_once(session_bus, interludes, folder):
    """A player that never answers delays speech only once, and the other players are paused meanwhile.

    The delay is at most PATIENCE, see `test_figures`.
    """
    session_bus.add("mute", is_mute=True)
    session_bus.add("normal")
    interlude = interludes()
    for _ in range(2):
        interlude.begin()
        assert session_bus.status("normal") == "Paused"
        time.sleep(holding.ANSWER + 0.2)  # By then the query has timed out.
        interlude.end()
        wait_until(lambda: session_bus.status("normal") == "Playing")
    assert session_bus.calls("mute") == []


def test_slow_player(session_bus, interludes, folder):
    """A player that takes 0.6 s per answer delays speech by PATIENCE, and is paused a little later."""
    session_bus.add("slow", delay=0.6)
    interlude = interludes()
    interlude.begin()
    assert session_bus.status("slow") == "Playing"
    wait_until(lambda: session_bus.status("slow") == "Paused")
    interlude.end()
    wait_until(lambda: session_bus.status("slow") == "Playing")
    assert session_bus.calls("slow") == ["Pause", "Play"]


@pytest.mark.parametrize("acts", [["Stop"], ["Play"], ["Play", "Pause"], ["Next"], ["Stop", "Pause"]], ids=str)
def test_what_somebody_touched_stays_as_it_is(acts, session_bus, interludes, folder):
    """A held player that the user changed stays as the user left it, even if it ends up paused."""
    session_bus.add("normal")
    with burst(interludes(), folder):
        for act in acts:
            session_bus.tell("normal", "act", act=act)
        wait_until(lambda: not (folder / holds.NAME).exists())
        before = session_bus.status("normal")
    assert session_bus.status("normal") == before
    assert session_bus.calls("normal") == ["Pause"]


def test_another_volume_is_no_touch(session_bus, interludes, folder):
    """A change of volume during a hold does not count as a change by the user; the player is resumed."""
    session_bus.add("normal", flood=1)
    with burst(interludes(), folder):
        time.sleep(0.1)
    assert session_bus.calls("normal") == ["Pause", "Play"]


def test_what_somebody_plays_meanwhile_plays_on(session_bus, interludes, folder):
    """A player that starts during a burst is not paused, not even by a following burst within the glue time."""
    interlude = interludes(glue=0.5)
    interlude.begin()
    session_bus.add("late")
    interlude.end()
    interlude.begin()
    assert session_bus.calls("late") == []


def test_player_that_vanishes(session_bus, interludes, folder):
    """A player that quits during a hold is dropped, and the others are resumed."""
    for name in ("gone", "normal"):
        session_bus.add(name)
    with burst(interludes(), folder):
        session_bus.tell("gone", "quit")
    assert session_bus.status("normal") == "Playing"


def test_player_that_restarts(session_bus, interludes, folder):
    """A player that restarts during a hold is a different player, and is not resumed."""
    session_bus.add("normal")
    with burst(interludes(), folder):
        session_bus.tell("normal", "restart")
    assert session_bus.calls("normal") == ["Pause"]
    assert session_bus.witness("normal") == "Paused"


def test_player_that_gives_its_name_away(session_bus, interludes, folder):
    """A player that gives up its bus name is not resumed, although it still answers."""
    session_bus.add("normal")
    with burst(interludes(), folder):
        session_bus.tell("normal", "unname")
    assert session_bus.calls("normal") == ["Pause"]


def test_one_that_says_it_plays_whatever_it_does(session_bus, interludes, folder, monkeypatch):
    """A player that still reports "Playing" after Pause is sent no second Pause, and is dropped."""
    monkeypatch.setattr(holding, "LATE", 0.5)
    session_bus.add("liar", lie="Playing")
    session_bus.add("deaf", unheard=["Pause"])
    with burst(interludes(), folder):
        pass
    assert session_bus.calls("liar") == session_bus.calls("deaf") == ["Pause"]


def test_one_that_floods_the_bus(session_bus, interludes, folder, monkeypatch):
    """Signals of a player that floods the bus are ignored after a while; it is resumed after its state was read."""
    told, tell = [], mpris.Desktop._told
    monkeypatch.setattr(mpris.Desktop, "_told", lambda self, *args: (told.append(args), tell(self, *args)))
    session_bus.add("flood", flood=30)
    with burst(interludes(), folder):
        wait_until(lambda: len(told) > mpris.FLOOD)
        time.sleep(0.5)
        before = len(told)
        time.sleep(0.5)
        assert len(told) == before
        assert session_bus.witness("flood") == "Paused"
    assert session_bus.calls("flood") == ["Pause", "Play"]


def test_late_one_plays_again_when_it_pauses_after_the_speech(session_bus, interludes, folder):
    """A player that pauses only after the speech is resumed, because the user could not tell why it paused."""
    session_bus.add("late", pause_delay=1.5)
    with burst(interludes(), folder):
        pass
    assert session_bus.status("late") == "Playing"
    assert session_bus.tell("late")["calls"] == [["Pause", "Playing"], ["Play", "Paused"]]


def test_late_one_stays_paused_for_those_who_speak_next(session_bus, interludes, folder):
    """A player that pauses late stays paused during the next burst, and is not paused twice."""
    session_bus.add("late", pause_delay=1.0)
    interlude = interludes()
    with burst(interlude, folder):
        interlude.end()
        time.sleep(3 * GLUE)
        interlude.begin()
        wait_until(lambda: session_bus.status("late") == "Paused")
        time.sleep(2 * holding.GLANCES[1])
        assert session_bus.calls("late") == ["Pause"]
    assert session_bus.calls("late") == ["Pause", "Play"]


def test_one_that_is_too_late_stays_as_it_is(session_bus, interludes, folder, monkeypatch):
    """A player that pauses later than LATE seconds stays paused, because the user may have paused it."""
    monkeypatch.setattr(holding, "LATE", 0.3)
    session_bus.add("late", pause_delay=1.0)
    with burst(interludes(), folder):
        pass
    wait_until(lambda: session_bus.status("late") == "Paused")
    time.sleep(0.5)
    assert session_bus.calls("late") == ["Pause"]


def test_bursts_that_follow_soon_are_one(session_bus, interludes, folder):
    """Bursts within the glue time are one: players are neither resumed between them nor paused twice."""
    session_bus.add("normal")
    interlude = interludes(glue=0.5)
    with burst(interlude, folder):
        for _ in range(5):
            interlude.end()
            interlude.begin()
        time.sleep(0.6)
        assert session_bus.calls("normal") == ["Pause"]
    assert session_bus.calls("normal") == ["Pause", "Play"]


def test_names_of_one_player(session_bus, interludes, folder):
    """Several bus names of one process are one player, and unusual names work as well."""
    session_bus.add("vlc", also=["vlc.instance42"])
    session_bus.add("A-_.i-1._x._2", track="/org/_/0")
    with burst(interludes(), folder):
        pass
    assert session_bus.calls("vlc") == session_bus.calls("A-_.i-1._x._2") == ["Pause", "Play"]


def test_whom_the_user_ignores(session_bus, interludes, folder):
    """Ignored players match by the whole name or by the part before a dot, in any letter case.

    playerctld, which stands for other players, is always ignored.
    """
    names = ("playerctld", "Chromium.instance1", "kdeconnect", "kdeconnected")
    for name in names:
        session_bus.add(name)
    with burst(interludes(["chromium", "KDEconnect"]), folder):
        pass
    assert [session_bus.calls(name) for name in names] == [[], [], [], ["Pause", "Play"]]


def test_where_nothing_can_be_written_nothing_is_paused(session_bus, interludes, folder):
    """If the file of holds cannot be written, no player is paused, because it might stay paused forever."""
    folder.rmdir()
    session_bus.add("normal")
    interludes().begin()
    assert session_bus.calls("normal") == []


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "unix:path=/nowhere", "tcp:host=127.0.0.1,port=9", "unix:", "unix:path=%00", "hung", "rude"],
)
def test_bus_that_is_none(address, interludes, folder, monkeypatch, tmp_path):
    """Without a working session bus, interludes do nothing, and listing the players raises Unreachable."""
    where = str(tmp_path / "bus")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(where)
        server.listen()
        if address == "rude":
            threading.Thread(target=lambda: server.accept()[0].sendall(b"HTTP/1.1 400\r\n" * 3), daemon=True).start()
        named = f"unix:path={where}" if address in ("hung", "rude") else address
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", named)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        interlude = interludes()
        interlude.recover()
        for _ in range(2):
            interlude.begin()
            interlude.end()
        with pytest.raises(holding.Unreachable, match="D-Bus session bus"):
            media.seen()


def test_bus_of_the_user_where_no_variable_names_one(session_bus, interludes, folder, monkeypatch):
    """If DBUS_SESSION_BUS_ADDRESS is not set, the bus is found in XDG_RUNTIME_DIR, where systemd creates it."""
    session_bus.add("normal")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session_bus.path.parent))
    interludes().begin()
    assert session_bus.status("normal") == "Paused"


def test_bus_that_dies(session_bus, interludes, folder):
    """If the session bus ends, its players are dropped, and the players of a new bus are paused as usual."""
    session_bus.add("normal")
    interlude = interludes()
    with burst(interlude, folder):
        session_bus.kill()
    session_bus.path.unlink(missing_ok=True)
    session_bus.start()
    session_bus.add("normal")
    with burst(interlude, folder):
        assert session_bus.witness("normal") == "Paused"
    assert session_bus.calls("normal") == ["Pause", "Play"]


@contextmanager
def killed(folder, bus, after=None):
    """Start a process that holds players, then kill it with SIGKILL: when all are paused, or after `after` seconds."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    if after is None:
        assert process.stdout.readline() == b"held\n"
        wait_until(lambda: bus.status("normal") == "Paused")
    else:
        time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait(WAIT)
    process.stdout.close()
    yield


def test_next_process_plays_what_a_killed_one_had_paused(session_bus, interludes, folder):
    """The next process resumes the player that a killed process had paused, and no other player."""
    session_bus.add("normal")
    session_bus.add("paused", status="Paused")
    with killed(folder, session_bus):
        assert session_bus.witness("normal") == "Paused"
    interludes().recover()
    wait_until(lambda: session_bus.witness("normal") == "Playing")
    wait_until(lambda: not (folder / holds.NAME).exists())
    assert session_bus.calls("paused") == []


def test_next_process_may_speak_at_once(session_bus, interludes, folder):
    """If the next process speaks immediately, it takes over the hold of the killed process and releases it."""
    session_bus.add("normal")
    with killed(folder, session_bus):
        pass
    interlude = interludes()
    interlude.recover()
    with burst(interlude, folder):
        time.sleep(0.5)
        assert session_bus.calls("normal") == ["Pause"]
    assert session_bus.calls("normal") == ["Pause", "Play"]


@pytest.mark.parametrize("act", ["Next", "Stop", "Play", "restart", "quit"])
def test_what_was_touched_after_a_kill_stays_as_it_is(act, session_bus, interludes, folder, monkeypatch):
    """A player that the user changed after the kill is not resumed; another track is such a change."""
    monkeypatch.setattr(holding, "LATE", 0.5)
    session_bus.add("normal")
    with killed(folder, session_bus):
        session_bus.tell("normal", *([act] if act.islower() else ["act"]), **({} if act.islower() else {"act": act}))
    interludes().recover()
    wait_until(lambda: not (folder / holds.NAME).exists())
    assert session_bus.calls("normal") == ["Pause"]


def test_old_holds_are_forgotten(session_bus, interludes, folder):
    """A hold older than two minutes is dropped, because the user has probably acted by then."""
    session_bus.add("normal")
    with killed(folder, session_bus):
        pass
    then = time.time() - holds.OLDEST - 1
    os.utime(folder / holds.NAME, (then, then))
    interludes().recover()
    time.sleep(0.5)
    assert session_bus.calls("normal") == ["Pause"]


def test_close_releases_at_once(session_bus, interludes, folder):
    """Closing an interlude resumes the players immediately; later calls have no effect."""
    session_bus.add("normal")
    interlude = interludes(glue=WAIT)
    interlude.begin()
    interlude.close()
    assert session_bus.calls("normal") == ["Pause", "Play"]
    for deed in (interlude.begin, interlude.end, interlude.recover, interlude.close):
        deed()
    assert session_bus.calls("normal") == ["Pause", "Play"]


def test_close_waits_for_one_that_is_about_to_pause(session_bus, interludes, folder):
    """Closing waits for a player that is about to pause, because no later process would resume it."""
    session_bus.add("late", pause_delay=0.5)
    interlude = interludes()
    interlude.begin()
    interlude.close()
    assert session_bus.tell("late")["calls"] == [["Pause", "Playing"], ["Play", "Paused"]]


def test_players_are_seen(session_bus):
    """Players are listed with their status, and with whether they are ignored."""
    session_bus.add("vlc", status="Paused")
    session_bus.add("mute", is_mute=True)
    session_bus.add("spotify")
    assert media.seen(["spotify"]) == [
        holding.Seen("mute", None, is_ignored=False),
        holding.Seen("spotify", holding.PlayerStatus.playing, is_ignored=True),
        holding.Seen("vlc", holding.PlayerStatus.paused, is_ignored=False),
    ]


def test_music_is_silent_before_the_device_is_opened(session_bus, interludes, folder, stage):
    """The audio device is opened only after the players are paused, because BurstBegan is handled first."""
    session_bus.add("normal")
    interlude = interludes()
    opened = []

    def tell(event):
        stage.tell(event)
        deeds = {BurstBegan: interlude.begin, BurstEnded: interlude.end}
        deeds.get(type(event), lambda: None)()

    def open_sink(latency):
        opened.append(session_bus.status("normal"))
        return stage.open(latency)

    player = stage.player(open_sink, linger=0.1)
    player._tell = tell
    feed = Feed()
    feed.put(stage.ramp(1, 2400))
    feed.end()
    player.play("a", feed)
    stage.wait(BurstEnded)
    wait_until(lambda: session_bus.status("normal") == "Playing")
    assert opened == ["Paused"]
    assert session_bus.calls("normal") == ["Pause", "Play"]


BURSTS = 50


@pytest.mark.slow
def test_figures(session_bus, interludes, folder):
    """In fifty bursts with seven players, no player is wrongly resumed, left paused, or paused twice.

    Speech is delayed by at most 0.25 s.
    """
    session_bus.add("normal")
    session_bus.add("paused", status="Paused")
    session_bus.add("slow", delay=0.3)
    session_bus.add("mute", is_mute=True)
    session_bus.add("stopped")
    session_bus.add("vanishes")
    session_bus.add("restarts")
    comes_back, stays = ("normal", "slow"), ("paused", "stopped", "restarts")
    wrong = dict.fromkeys(("resumed", "left", "twice", "not paused"), 0)
    waits = []
    interlude = interludes()
    for number in range(BURSTS):
        waits.append(took(interlude.begin))
        wait_until(lambda: session_bus.status("slow") == "Paused")
        wrong["not paused"] += sum(
            session_bus.status(name) == "Playing" for name in (*comes_back, "stopped", "vanishes")
        )
        session_bus.tell("stopped", "act", act="Stop")
        session_bus.tell("vanishes", "quit")
        session_bus.tell("restarts", "restart", status="Paused")
        interlude.end()
        wait_until(lambda: not (folder / holds.NAME).exists())
        wrong["left"] += sum(session_bus.status(name) != "Playing" for name in comes_back)
        wrong["resumed"] += sum(session_bus.status(name) == "Playing" for name in stays)
        for name in (*comes_back, *stays, "vanishes", "mute"):
            calls = session_bus.calls(name)
            wrong["twice"] += calls.count("Pause") > 1
            wrong["resumed"] += calls.count("Play") > (name in comes_back)
            session_bus.tell(name, "forget")
        session_bus.tell("stopped", "set", status="Playing")
        session_bus.tell("restarts", "restart", status="Playing")
        session_bus.add("vanishes", track=f"/track/{number}")
    longest, middle = (f"{seconds * 1000:.0f} ms" for seconds in (max(waits), sorted(waits)[BURSTS // 2]))
    print(f"{BURSTS} bursts: {wrong}; speech waited {longest} at most, {middle} in the middle")
    assert wrong == dict.fromkeys(wrong, 0)
    assert max(waits) <= 0.25


@pytest.mark.slow
@pytest.mark.parametrize("when", ["held", "at any moment"])
def test_figures_of_kills(when, session_bus, interludes, folder):
    """After twenty of twenty kills, during the hold or at any moment, the next process resumes all players."""
    session_bus.add("normal")
    session_bus.add("slow", delay=0.1)
    released = 0
    for number in range(20):
        with killed(folder, session_bus, after=None if when == "held" else number * 0.02):
            pass
        interlude = interludes()
        interlude.recover()
        wait_until(lambda: not (folder / holds.NAME).exists())
        time.sleep(0.5)
        released += all(session_bus.witness(name) == "Playing" for name in ("normal", "slow"))
        interlude.close()
    print(f"killed {when}: {released} of 20 released")
    assert released == 20


@pytest.mark.slow
def test_two_real_players(session_bus, interludes, folder, tmp_path):
    """Two mpv players pause and continue at the same position, and a third one that was paused stays paused."""
    script = Path("/usr/lib/mpv-mpris/mpris.so")
    if not (shutil.which("mpv") and script.exists()):
        pytest.skip("needs the Debian packages mpv and mpv-mpris")
    with wave.open(str(tmp_path / "silence.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * 60))
    command = ["mpv", "--no-config", "--ao=null", "--no-video", f"--script={script}", tmp_path / "silence.wav"]
    players = [
        subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for more in ((), (), ("--pause",))
    ]

    def asked(*words):
        return subprocess.run(["playerctl", *words], capture_output=True, text=True, check=False).stdout

    def status():
        return {name: session_bus.witness(name) for name in asked("-l").split() if name.startswith("mpv")}

    def positions(names):
        return [float(asked("-p", name, "position") or 0) for name in names]

    try:
        wait_until(lambda: sorted(status().values()) == ["Paused", "Playing", "Playing"])
        playing = [name for name, is_playing in status().items() if is_playing == "Playing"]
        wait_until(lambda: min(positions(playing)) > 0.5)
        with burst(interludes(), folder):
            assert set(status().values()) == {"Paused"}
            paused_at = positions(playing)
            time.sleep(2)
            assert positions(playing) == paused_at
        assert sorted(status().values()) == ["Paused", "Playing", "Playing"]
        gone_on = [now - then for now, then in zip(positions(playing), paused_at, strict=True)]
        print(f"two of mpv were paused at {paused_at} s, and were {gone_on} s on a moment after they went on")
        assert all(0 <= moved < 1 for moved in gone_on)
    finally:
        for player in players:
            player.kill()
            player.wait(WAIT)
