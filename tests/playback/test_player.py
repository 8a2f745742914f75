"""The player on a real sound server: a PulseAudio null sink, whose monitor hears every sample."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from speakkit.audio import Audio

RATE = 24_000


@pytest.fixture
def sound_server(tmp_path_factory):
    """The environment of a process whose default device is a sink that records."""
    if not (shutil.which("pulseaudio") and shutil.which("parec")):
        pytest.skip("needs the Debian packages pulseaudio, pulseaudio-utils and libasound2-plugins")
    folder = tmp_path_factory.mktemp("pulse")
    folder.chmod(0o700)
    (folder / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    (folder / "sink.pa").write_text(
        f"load-module module-null-sink sink_name=ear rate={RATE} channels=1 format=s16le\n"
        "load-module module-native-protocol-unix\nset-default-sink ear\n"
    )
    environment = os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PULSE_RUNTIME_PATH": str(folder)}
    server = subprocess.Popen(
        [
            *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
            # A real-time thread that a busy machine holds up for 0.2 s is killed by the kernel, and the server with it.
            *("--realtime=no", "--high-priority=no", "--no-cpu-limit", "-F", str(folder / "sink.pa")),
        ],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not (folder / "native").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (folder / "native").exists(), f"no sound server (ended: {server.poll()})"
    yield environment
    server.terminate()
    server.wait(10)


@contextmanager
def listening(environment, tmp_path):
    """Record the sink; yields a function that returns the int16 samples heard so far."""
    capture = tmp_path / "capture.raw"

    def heard():
        raw = capture.read_bytes()
        return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2")

    with capture.open("wb") as out:
        ear = subprocess.Popen(
            ["parec", "--device=ear.monitor", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=20"],
            env=environment,
            stdout=out,
        )
        try:
            deadline = time.monotonic() + 30
            while capture.stat().st_size == 0:
                assert ear.poll() is None, f"parec ended with {ear.poll()}"
                assert time.monotonic() < deadline, "parec hears nothing"
                time.sleep(0.05)
            yield heard
        finally:
            ear.terminate()
            ear.wait(10)


def recorded(environment, command, tmp_path):
    """Run a command that plays; the int16 samples that came out, and how it ended."""
    with listening(environment, tmp_path) as heard:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        time.sleep(0.3)
        return heard(), ended


RAMP = """
import time
import numpy as np
from speakkit.audio import Audio
from speakkit.playback.player import Player

ramp = (np.arange(1, 30_001) / 32767).astype(np.float32)
with Player() as player:
    player.write(Audio(ramp[:10_000], 24_000))
    player.write(Audio(ramp[10_000:10_007], 24_000))
    player.write(Audio(ramp[10_007:20_000], 24_000))
    time.sleep(1.5)
    player.write(Audio(ramp[20_000:], 24_000))
"""


def test_every_sample_is_heard_once_and_in_order(sound_server, tmp_path):
    """From the first to the last, also where a piece came too late and silence stood in for it."""
    heard, ended = recorded(sound_server, [sys.executable, "-c", RAMP], tmp_path)
    assert ended.returncode == 0, ended.stderr
    sounding = heard[heard != 0]
    assert np.array_equal(sounding, np.arange(1, 30_001))
    late = int(np.argmax(heard == 20_001)) - int(np.argmax(heard == 20_000))
    assert late > 0.5 * RATE
    for first, last in ((1, 20_000), (20_001, 30_000)):
        assert np.argmax(heard == last) - np.argmax(heard == first) == last - first


def test_speak_is_heard(sound_server, tmp_path, command, whisper):
    """`speak` without -o plays, returns when all has been heard, and prints one line."""
    heard, ended = recorded(sound_server, [*command, "speak", "The quick brown fox."], tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("\n") == 1
    (transcript,) = whisper.transcribe([Audio((heard / 32768).astype(np.float32), RATE)])
    assert "the quick brown fox" in transcript.text.lower()


def test_play_also_writes(sound_server, tmp_path, command):
    """With --play, -o FILE does both, and both are the same samples."""
    file = tmp_path / "x.pcm"
    heard, ended = recorded(sound_server, [*command, "speak", "-o", file, "--play", "Hello."], tmp_path)
    assert ended.returncode == 0, ended.stderr
    written = np.frombuffer(file.read_bytes(), "<i2")
    start = int(np.argmax(heard != 0)) - int(np.argmax(written != 0))
    assert np.array_equal(heard[start : start + len(written)], written)


def test_without_a_device_there_is_one_line(command, tmp_path):
    """Exit code 6, nothing from ALSA, and the way to a file."""
    nothing = os.environ | {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PULSE_SERVER": "unix:/nonexistent",
    }
    (tmp_path / ".asoundrc").write_text("pcm.!default { type pulse }\n")
    ended = subprocess.run([*command, "speak", "Hello."], env=nothing, capture_output=True, text=True, check=False)
    assert ended.returncode == 6, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "-o FILE" in ended.stderr


def test_ctrl_c_stops_the_sound(sound_server, tmp_path, command):
    """In mid-sentence, with exit code 130 and silence after."""
    text = "This sentence is much too long to be heard to its end. " * 4
    with listening(sound_server, tmp_path) as heard:
        process = subprocess.Popen([*command, "speak", text], env=sound_server, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        while np.count_nonzero(heard()) < RATE and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        stopped_at = np.count_nonzero(heard())
        time.sleep(0.5)
        assert (process.returncode, err) == (130, "")
        assert RATE <= stopped_at < 6 * RATE
        assert np.count_nonzero(heard()) - stopped_at < RATE // 2
