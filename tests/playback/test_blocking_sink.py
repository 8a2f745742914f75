"""Tests of the playback of a single command, on a real sound server."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from speakkit import audiofile
from speakkit.audio import Audio
from waiting import wait_until

RATE = 24_000

RAMP = """
import time
import numpy as np
from speakkit.audio import Audio
from speakkit.playback.blocking_sink import BlockingSink

ramp = (np.arange(1, 30_001) / 2**20).astype(np.float32)
with BlockingSink() as sink:
    sink.write(Audio(ramp[:10_000], 24_000))
    sink.write(Audio(ramp[10_000:10_007], 24_000))
    sink.write(Audio(ramp[10_007:20_000], 24_000))
    time.sleep(1.5)
    sink.write(Audio(ramp[20_000:], 24_000))
"""


def test_every_sample_is_heard_once_and_in_order(sound_server, tmp_path):
    """All samples are played once and in order, with silence in between if a write came late."""
    heard, ended = sound_server.recorded([sys.executable, "-c", RAMP], tmp_path)
    assert ended.returncode == 0, ended.stderr
    heard = heard * 2**20
    assert np.array_equal(heard[heard != 0], np.arange(1, 30_001))
    late = int(np.argmax(heard == 20_001)) - int(np.argmax(heard == 20_000))
    assert late > 0.5 * RATE
    for first, last in ((1, 20_000), (20_001, 30_000)):
        assert np.argmax(heard == last) - np.argmax(heard == first) == last - first


def test_speak_is_heard(sound_server, tmp_path, command, whisper):
    """`speak` without -o plays the text, returns when playback has ended, and prints one line."""
    heard, ended = sound_server.recorded([*command, "speak", "The quick brown fox."], tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("\n") == 1
    (transcript,) = whisper.transcribe([Audio(heard, RATE)])
    assert "the quick brown fox" in transcript.text.lower()


def test_play_also_writes(sound_server, tmp_path, command):
    """With --play and -o FILE, the played and the written samples are equal."""
    file = tmp_path / "x.pcm"
    heard, ended = sound_server.recorded([*command, "speak", "-o", file, "--play", "Hello."], tmp_path)
    assert ended.returncode == 0, ended.stderr
    written = np.frombuffer(file.read_bytes(), "<i2")
    heard = np.rint(heard * 32767).astype(np.int16)
    start = int(np.argmax(heard != 0)) - int(np.argmax(written != 0))
    assert np.array_equal(heard[start : start + len(written)], written)


def test_speak_into_a_file_sink(tmp_path, run, monkeypatch):
    """With the setting `sink`, audio is written to a file, so that tests need no sound device."""
    file, sink = tmp_path / "x.pcm", tmp_path / "sink.wav"
    monkeypatch.setenv("SPEAKKIT_SINK", f"file:{sink}")
    assert run("speak", "-o", file, "--play", "Hello.").code == 0
    played = np.rint(audiofile.read(sink).samples * 32767).astype(np.int16)
    written = np.frombuffer(file.read_bytes(), "<i2")
    assert np.array_equal(np.trim_zeros(played), np.trim_zeros(written))


def test_without_a_device_there_is_one_line(command, tmp_path):
    """Without a sound device, the exit code is 6, and one line without ALSA output suggests -o FILE."""
    nothing = os.environ | {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PULSE_SERVER": "unix:/nonexistent",
    }
    (tmp_path / ".asoundrc").write_text("pcm.!default { type pulse }\n")
    ended = subprocess.run(
        [*command, "speak", "Hello."], env=nothing, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 6, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "-o FILE" in ended.stderr


def test_ctrl_c_stops_the_sound(sound_server, tmp_path, command):
    """Ctrl-C stops playback in mid-sentence with exit code 130."""
    text = "This sentence is much too long to be heard to its end. " * 2
    with sound_server.listening(tmp_path) as heard:
        process = subprocess.Popen(
            [*command, "speak", text], env=sound_server.environment, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: np.count_nonzero(heard()) >= RATE, 120)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        stopped_at = np.count_nonzero(heard())
        assert (process.returncode, err) == (130, "")
        assert RATE <= stopped_at < 6 * RATE
        assert np.count_nonzero(heard.settled()) - stopped_at < RATE // 2


@pytest.mark.slow
def test_a_sound_server_that_dies_ends_the_command(sound_server, tmp_path, command):
    """If the sound server is killed, the command ends with exit code 6 after some retries."""
    text = "This sentence is much too long to be heard to its end. " * 4
    with sound_server.listening(tmp_path) as heard:
        process = subprocess.Popen(
            [*command, "speak", text], env=sound_server.environment, stderr=subprocess.PIPE, text=True
        )
        wait_until(lambda: np.count_nonzero(heard()) >= RATE, 120)
        sound_server.kill()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6, err
    # PortAudio prints lines of its own.
    assert "-o FILE" in err.splitlines()[-1]
