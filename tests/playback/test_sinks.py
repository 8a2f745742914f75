"""Tests of the sinks: all are driven by the player, and the real ones play on a real sound server."""

import json
import platform
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from speakkit import audiofile
from speakkit.errors import BadValue, NoAudioDevice
from speakkit.playback import pcm, piped, player, sinks, virtual
from speakkit.playback.events import BurstEnded, Lost
from speakkit.playback.feed import Feed

RATE = pcm.RATE
FULL = 2**20
WAIT = 30
NAMES = ("sounddevice", "pacat", "aplay")
REAL = (NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:]))

LATENCY = 0.1
"""Latency in seconds for tests in which every sample must be heard, even on a busy machine.

Together with the pipe, it is below GAP.
"""

SCENE = """
import array, json, sys, threading, time
from speakkit.playback import sinks
from speakkit.playback.events import *
from speakkit.playback.feed import Feed
from speakkit.playback.player import Player

events, news = [], threading.Condition()

def tell(event):
    with news:
        events.append(event)
        news.notify_all()

def ramp(first, last):
    return array.array("f", [n / 2**20 for n in range(first, last + 1)]).tobytes()

def fed(*sounds):
    feed = Feed()
    for sound in sounds:
        feed.put(sound)
    feed.end()
    return feed

def wait(kind, key, seconds=0.0):
    def found():
        return [e for e in events if isinstance(e, kind) and e.key == key and getattr(e, "seconds", 9e9) >= seconds]
    with news:
        assert news.wait_for(found, 60), f"no {kind} in {events}"
        return found()[0]

def say(**what):
    print(json.dumps(what), flush=True)

player = Player(tell, sinks.opener(sys.argv[1]), latency=%s)
%s
player.close()
assert player.wait_closed(30)
"""


@pytest.fixture(params=REAL)
def real(request):
    """The name of a sink that plays on the sound server; skipped if its program is not installed."""
    packages = {"sounddevice": "libportaudio2", "pacat": "pulseaudio-utils", "aplay": "alsa-utils"}
    if request.param != "sounddevice" and not shutil.which(request.param):
        pytest.skip(f"needs the Debian package {packages[request.param]}")
    return request.param


def scene(script, latency=LATENCY):
    """A command that runs `script` with a `player` and some functions defined."""
    return [sys.executable, "-c", SCENE % (latency, script)]


def acted(sound_server, tmp_path, script, sink):
    """The recorded sample numbers of a scene, and the JSON lines that it printed."""
    heard, ended = sound_server.recorded([*scene(script), sink], tmp_path)
    assert ended.returncode == 0, ended.stderr
    return heard * FULL, [json.loads(line) for line in ended.stdout.splitlines()]


def gap(heard, before, after):
    """The number of samples between two sample numbers."""
    return int(np.flatnonzero(heard == after)[0] - np.flatnonzero(heard == before)[0]) - 1


def test_every_bit_is_heard_once(sound_server, tmp_path, real):
    """Three utterances of a burst are recorded bit for bit, in order, with gaps of exactly 150 ms."""
    script = """
for n in range(3):
    player.play(str(n), fed(ramp(1 + 6000 * n, 6000 * (n + 1))))
wait(PlaybackFinished, "2")
say(underruns=player.status.underruns, latency=player.status.latency)
"""
    heard, said = acted(sound_server, tmp_path, script, real)
    print(real, said)
    assert np.array_equal(heard[heard != 0], np.arange(1, 18_001))
    assert [gap(heard, 6000 * n, 6000 * n + 1) for n in (1, 2)] == [3600, 3600]


def test_stopped_sound_is_silent_soon(sound_server, tmp_path, real):
    """After a stop, the sound ends long before its own end, on an idle machine in a tenth of a second.

    A fade is heard if the latency is short enough.
    """
    script = """
for fade in (True, False):
    player.play(str(fade), fed(ramp(1, 24000 * 30)))
    wait(Progress, str(fade), 0.5)
    asked = time.monotonic()
    say(asked=asked)
    player.stop(str(fade), fade=fade)
    stopped = wait(Stopped, str(fade))
    say(event=time.monotonic() - asked, seconds=stopped.seconds)
    time.sleep(1.2)
"""
    with sound_server.listening(tmp_path) as heard:
        process = subprocess.Popen(
            [*scene(script, player.LATENCY), real], env=sound_server.environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        silent_after: list[float] = []
        for line in process.stdout:
            said = json.loads(line)
            if "asked" in said:
                # The length of the recording at the stop gives the time of the stop, up to what parec buffers.
                silent_after.append(len(heard()))
            else:
                last = int(np.flatnonzero(heard.settled())[-1])
                silent_after[-1] = (last - silent_after[-1]) / RATE
                print(f"{real}: silent {1000 * silent_after[-1]:.0f} ms after the stop, told in {said['event']:.3f} s")
                assert silent_after[-1] < 10
                assert 0.5 <= said["seconds"] < 10
        assert process.wait(WAIT) == 0
        tape = heard() * FULL
        edges = np.flatnonzero(np.diff((tape != 0).astype(int)) == -1)
        is_falling = bool(np.all(np.diff(tape[: edges[0] + 1][-192:]) < 0))
        assert is_falling == (real == "sounddevice")


def test_a_pause_loses_nothing(sound_server, tmp_path, real):
    """Every sample is played despite a pause, and the pause is silent."""
    script = """
player.play("a", fed(ramp(1, 48000)))
wait(Progress, "a", 0.5)
player.pause()
time.sleep(1.3)
player.resume()
wait(PlaybackFinished, "a")
"""
    heard, _ = acted(sound_server, tmp_path, script, real)
    assert np.isin(np.arange(1, 48_001), heard).all()
    sounding = np.flatnonzero(heard)
    assert np.diff(sounding).max() > RATE


def test_sound_server_that_dies_and_comes_back(sound_server, tmp_path, real):
    """If the sound server is restarted, the current chunk is played again from its start, and all the rest follows."""
    script = """
player.play("a", fed(ramp(1, 24000), ramp(24001, 96000)))
wait(Progress, "a", 1.5)
say(now="kill")
wait(PlaybackFinished, "a")
player.play("b", fed(ramp(100001, 101000)))
wait(PlaybackFinished, "b")
say(now="done")
"""
    environment = sound_server.environment
    process = subprocess.Popen([*scene(script), real], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert json.loads(process.stdout.readline()) == {"now": "kill"}
    sound_server.kill()
    time.sleep(0.3)
    sound_server.start()
    with sound_server.listening(tmp_path) as heard:
        assert json.loads(process.stdout.readline()) == {"now": "done"}
        tape = heard.settled() * FULL
    assert process.wait(WAIT) == 0
    sounding = tape[tape != 0]
    # parec may start recording after the first word; from there on every sample must be present once.
    assert sounding[0] >= 24_001
    assert np.array_equal(sounding, [*np.arange(sounding[0], 96_001), *np.arange(100_001, 101_001)])


def test_sound_server_that_comes_late(sound_server, tmp_path):
    """If the sound server starts after PortAudio, PortAudio is initialised again for the next utterance."""
    sound_server.kill()
    script = """
player.play("a", fed(ramp(1, 1000)))
say(end=type(wait(Lost | PlaybackFinished, "a")).__name__)
sys.stdin.readline()
player.play("b", fed(ramp(1, 1000)))
say(end=type(wait(Lost | PlaybackFinished, "b")).__name__)
"""
    process = subprocess.Popen(
        [*scene(script), "sounddevice"],
        env=sound_server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert json.loads(process.stdout.readline()) == {"end": "Lost"}
    sound_server.start()
    said, _ = process.communicate("\n", timeout=WAIT)
    assert (json.loads(said), process.returncode) == ({"end": "PlaybackFinished"}, 0)


@pytest.mark.parametrize("real", REAL[:2])
def test_sound_server_that_hangs(sound_server, tmp_path, real):
    """A sound server that hangs is given up after some seconds; when it answers again, the utterance is completed."""
    script = """
player.play("a", fed(ramp(1, 48000)))
wait(Progress, "a", 0.5)
say(now="stop")
wait(PlaybackFinished, "a")
"""
    process = subprocess.Popen([*scene(script), real], env=sound_server.environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    sound_server.process.send_signal(signal.SIGSTOP)
    time.sleep(4)
    sound_server.process.send_signal(signal.SIGCONT)
    process.communicate(timeout=WAIT)
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("real", ["sounddevice"])
def test_sound_server_that_hangs_for_good(sound_server, tmp_path, real):
    """If the sound server hangs forever, the utterance is lost, and the process can end."""
    script = """
player.play("a", fed(ramp(1, 24000 * 20)))
wait(Progress, "a", 0.5)
say(now="stop")
say(lost=wait(Lost, "a").reason)
"""
    process = subprocess.Popen([*scene(script), real], env=sound_server.environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    began = time.monotonic()
    sound_server.process.send_signal(signal.SIGSTOP)
    said, _ = process.communicate(timeout=60)
    print(f"{real}: given up after {time.monotonic() - began:.1f} s")
    assert (json.loads(said), process.returncode) == ({"lost": "audio_unavailable"}, 0)


def test_clients_that_do_not_know_of_each_other_overlap(sound_server, tmp_path):
    """Two separate players overlap in the recording; this shows that the next test could detect an overlap.

    Each player plays one bit, so that an overlap has two bits in one sample.
    """
    script = """
player.play("a", fed(array.array("f", [float(sys.argv[2])] * 24000).tobytes()))
wait(PlaybackFinished, "a")
"""
    with sound_server.listening(tmp_path) as heard:
        players = [
            subprocess.Popen([*scene(script), "sounddevice", str(2.0**-bit)], env=sound_server.environment)
            for bit in (1, 2)
        ]
        assert [player.wait(WAIT) for player in players] == [0, 0]
        assert set(np.unique(heard.settled())) >= {0.75}


@pytest.mark.slow
def test_twenty_clients_of_one_player_do_not_overlap(sound_server, tmp_path):
    """Twenty utterances of one player, one bit of a float32 sample each, never overlap."""
    script = """
for client in range(20):
    player.play(str(client), fed(array.array("f", [2.0 ** -(client + 1)] * 4800).tobytes()))
for client in range(20):
    wait(PlaybackFinished, str(client))
"""
    heard, _ = acted(sound_server, tmp_path, script, "sounddevice")
    levels, counts = np.unique(heard[heard != 0] / FULL, return_counts=True)
    assert levels.tolist() == [2.0**-bit for bit in range(20, 0, -1)]
    assert counts.tolist() == [4800] * 20


def test_wav_file(stage, tmp_path):
    """A file sink writes the audio of every burst as a device would get it, as WAV or as raw float32."""
    for name in ("x.wav", "x.f32"):
        path = tmp_path / name
        player = stage.player(sinks.opener(f"file:{path}"), linger=0.1)
        for n in range(2):
            feed = Feed()
            feed.put(stage.ramp(1 + 1000 * n, 1000 * (n + 1)))
            feed.end()
            player.play(f"{name} {n}", feed)
            stage.wait(BurstEnded, count=len(stage.players) * 2 - 1 + n)
        player.close()
        assert player.wait_closed(WAIT)
    wav, bare = audiofile.read(tmp_path / "x.wav"), np.fromfile(tmp_path / "x.f32", "<f4")
    assert wav.sample_rate == RATE
    for samples in (wav.samples, bare):
        assert np.array_equal(stage.numbers(samples), np.arange(1, 2001))


@pytest.mark.parametrize("name", ["notes.wav", "missing/x.wav"])
def test_file_that_cannot_be_played_into(tmp_path, name):
    """A file that is no audio, or a file in a missing folder, raises NoAudioDevice and is left unchanged."""
    (tmp_path / "notes.wav").write_text("These are notes, and no sound at all, and they are longer than a header.")
    with pytest.raises(NoAudioDevice, match="cannot play into"):
        sinks.opener(f"file:{tmp_path / name}")(0.1)
    assert "notes" in (tmp_path / "notes.wav").read_text()


def test_clock_takes_as_long_as_the_sound():
    """The clock sink takes as long as the audio lasts, except for its buffer."""
    clock = virtual.Clock(0.08)
    began = time.monotonic()
    for _ in range(25):
        clock.write(pcm.silence(0.02))
    assert time.monotonic() - began >= 0.41


def test_names():
    """Every sink name can be opened, and an unknown one raises BadValue."""
    for name in sinks.KINDS:
        assert callable(sinks.opener(name))
    assert sinks.device("timed-null") == "nothing, in real time"
    assert sinks.device("file:/x.wav") == "/x.wav"
    with pytest.raises(BadValue, match="there is no sink 'loud'"):
        sinks.opener("loud")


def missing(name):
    """A kind of sink without a device."""

    def fail():
        raise NoAudioDevice(f"no {name}")

    return sinks.Kind(lambda _: fail(), fail)


def there(name):
    """A kind of sink with a device."""
    opened: Any = lambda latency: (name, latency)  # noqa: E731
    return sinks.Kind(opened, lambda: f"{name}'s device")


@pytest.mark.parametrize(
    ("release", "present", "chosen"),
    [
        ("6.1.0-amd64", {"sounddevice", "pacat", "aplay"}, "sounddevice"),
        ("5.15.167.4-microsoft-standard-WSL2", {"sounddevice", "pacat", "aplay"}, "pacat"),
        ("5.15.167.4-microsoft-standard-WSL2", {"sounddevice", "aplay"}, "sounddevice"),
        ("6.1.0-amd64", {"pacat", "aplay"}, "pacat"),
        ("6.1.0-amd64", {"aplay"}, "aplay"),
        ("6.1.0-amd64", set(), None),
    ],
)
def test_automatic_choice(monkeypatch, release, present, chosen):
    """The default sink is chosen by what is available; without any, the error describes the preferred one."""
    monkeypatch.setattr(platform, "release", lambda: release)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in present else None)
    kinds = {name: there(name) if name in present else missing(name) for name in NAMES}
    monkeypatch.setattr(sinks, "KINDS", kinds)
    if chosen:
        assert (sinks.device(), sinks.opener()(0.1)) == (f"{chosen}'s device", (chosen, 0.1))
    else:
        with pytest.raises(NoAudioDevice, match="no sounddevice"):
            sinks.opener()(0.1)


def test_without_portaudio(monkeypatch):
    """If PortAudio is not installed, a one-line error says what to install."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    code = """
import ctypes.util
ctypes.util.find_library = lambda name: None
import sys
from speakkit.errors import NoAudioDevice
from speakkit.playback import sinks
sinks.shutil.which = lambda name: None
try:
    sinks.opener()(0.1)
except NoAudioDevice as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "apt install libportaudio2" in ended.stdout
    assert ended.stdout.count("\n") == 1


def test_without_portaudio_pacat_plays(sound_server, tmp_path):
    """If PortAudio is not installed but pacat is, pacat is used."""
    script = """
import ctypes.util
ctypes.util.find_library = lambda name: None
player.play("a", fed(ramp(1, 1000)))
wait(PlaybackStarted, "a")
say(sink=player.status.sink)
wait(PlaybackFinished, "a")
"""
    heard, said = acted(sound_server, tmp_path, script, "auto")
    assert said == [{"sink": "pacat"}]
    assert np.array_equal(heard[heard != 0], np.arange(1, 1001))


@pytest.mark.parametrize("program", ["pacat", "aplay"])
def test_program_without_a_server(monkeypatch, tmp_path, program, stage):
    """If pacat or aplay finds no sound server, the utterance is lost with the program's own message."""
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    (tmp_path / ".asoundrc").write_text("pcm.!default { type pulse }\n")
    with pytest.raises(NoAudioDevice, match="finds no device"):
        sinks.device(program)
    player = stage.player(sinks.opener(program))
    feed = Feed()
    feed.put(stage.ramp(1, RATE))
    feed.end()
    player.play("a", feed)
    lost = stage.end("a")
    assert type(lost) is Lost
    assert "refused" in lost.about
    assert "-o FILE" in lost.about


def test_program_that_takes_nothing(monkeypatch):
    """A program that does not read its input is killed after a timeout."""
    monkeypatch.setattr(piped, "STALLED", 0.2)
    program = piped.Program(["sleep", "100"], 0.1)
    with pytest.raises(NoAudioDevice, match="does not accept audio any more"):
        program.write(pcm.silence(10))
    program.abort()
    assert program._process.returncode == -signal.SIGKILL


def test_program_that_is_missing(monkeypatch):
    """If the program of a sink is missing, the error names the package to install."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoAudioDevice, match="apt install pulseaudio-utils"):
        sinks.opener("pacat")(0.1)
    with pytest.raises(NoAudioDevice, match="cannot be started"):
        piped.Program(["nowhere"], 0.1)
