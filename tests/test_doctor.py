"""Tests of `speakkit doctor`: a run on this machine, and each check that can fail, made to fail once."""

import json
import os
import platform
import shutil
import sys
import sysconfig
from contextlib import nullcontext

import numpy as np
import phonemizer.backend
import pytest
import torch

from speakkit import config, doctor, engines, paths
from speakkit.audio import Audio
from speakkit.engines import device, registry
from speakkit.errors import EngineError, NoAudioDevice
from speakkit.outcome import Outcome
from speakkit.playback import media, portaudio
from speakkit.playback.holding import PlayerStatus, Seen

CHECKS = [
    *("system", "python", "command", "config", "keys", "disk", "torch", "espeak", "weights", "voices", "languages"),
    *("speech", "hearing", "sound", "media"),
]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Set a separate home that shares the models of the other tests; returns its folder."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "models").symlink_to(paths.models())
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    return tmp_path


SPOKEN = (doctor.SENTENCE, "en", Audio(np.zeros(16_000, np.float32), 16_000))
"""Silence, in place of the speech that the checks synthesize."""


def finding(name, severity=doctor.CheckState.warning):
    """Run one check and return its finding."""
    check = getattr(doctor, f"_{name}")
    given = [config.load()] if name in ("sound", "media") else []
    return doctor._finding(name, severity, lambda: check(*given))


def test_this_machine_speaks(run, kokoro, whisper):
    """Every check has a line, and speech is recognized."""
    result = run("speakkit", "doctor", "--json")
    report = json.loads(result.out)
    found = {line["check"]: line for line in report["findings"]}
    assert (result.code, report["speaks"]) == (0, True)
    assert list(found) == CHECKS
    assert found["speech"]["state"] == found["espeak"]["state"] == found["weights"]["state"] == "ok"
    assert "works on this machine" in found["hearing"]["found"].lower()
    assert all(bool(line["mend"]) == (line["state"] != "ok") for line in found.values())


def test_lines_for_people(run, kokoro):
    """Each line has state, check and finding; below a line that is not ok stands the command that mends it."""
    result = run("speakkit", "doctor")
    lines = result.out.decode().splitlines()
    assert result.code == 0
    assert [line.split()[1] for line in lines if not line.startswith(" ")] == CHECKS
    assert "speakkit models fetch --official kokoro" in result.out.decode()


def test_machine_without_weights_does_not_speak(run, elsewhere, monkeypatch, tmp_path):
    """Without valid weights the exit code is 4, and the other checks still run."""
    (tmp_path / "models" / "kokoro").mkdir(parents=True)
    (tmp_path / "models" / "kokoro" / "kokoro-v1_0.pth").write_bytes(b"no weights")
    monkeypatch.setenv("SPEAKKIT_MODELS", str(tmp_path / "models"))
    registry.lender.close()
    try:
        result = run("speakkit", "doctor", "--json")
    finally:
        registry.lender.close()
    report = json.loads(result.out)
    found = {line["check"]: line for line in report["findings"]}
    assert (result.code, report["speaks"]) == (4, False)
    assert found["speech"]["state"] == "failed"
    assert "speakkit models verify kokoro" in found["speech"]["mend"]
    assert list(found) == CHECKS


def test_wsl_is_named(monkeypatch):
    """WSL is named; without a sound server, the finding says how to get one."""
    monkeypatch.setattr(platform, "release", lambda: "5.15.153.1-microsoft-standard-WSL2")
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    assert finding("system").state == "warning"
    assert "wsl --update" in finding("system").mend
    monkeypatch.setenv("PULSE_SERVER", "unix:/mnt/wslg/PulseServer")
    assert (finding("system").state, finding("system").found[:3]) == ("ok", "WSL")


def test_python_that_is_too_new(monkeypatch):
    """A Python newer than kokoro supports is a failure, and the finding gives a command that installs an older one."""
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    found = finding("python", doctor.CheckState.failed)
    assert (found.state, found.mend) == ("failed", "uv tool install --python 3.12 speakkit")


def test_another_program_named_speak(monkeypatch, tmp_path):
    """Another program named speak, such as espeak's, is a warning if it comes first on PATH."""
    other = tmp_path / "speak"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    ours = sysconfig.get_path("scripts")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), ours]))
    assert finding("command").state == "warning"
    assert str(other) in finding("command").found
    monkeypatch.setenv("PATH", os.pathsep.join([ours, str(tmp_path)]))
    assert finding("command").state == "ok"
    monkeypatch.setenv("PATH", "/nowhere")
    assert "not on PATH" in finding("command").found


def test_settings_at_fault(elsewhere):
    """A fault in config.toml is named with its line; a file that other users can write to is a warning."""
    file = paths.config()
    file.parent.mkdir(parents=True)
    file.write_text("speed = 1.25\nspeeed = 2\n")
    found = finding("config", doctor.CheckState.failed)
    assert (found.state, "line 2" in found.found, "speed" in found.mend) == ("failed", True, True)
    file.write_text("speed = 1.25\n")
    file.chmod(0o666)
    found = finding("config", doctor.CheckState.failed)
    assert (found.state, found.mend) == ("warning", f"chmod go-w {file}")
    file.chmod(0o600)
    assert (finding("config").state, "set: speed" in finding("config").found) == ("ok", True)


def test_keys_that_others_can_read(elsewhere, monkeypatch):
    """A secrets file that other users can read is a warning; the keys are never shown."""
    monkeypatch.setenv("INWORLD_API_KEY", "of-the-environment")
    paths.secrets().parent.mkdir(parents=True)
    paths.secrets().write_text('gemini = "of-the-file"\n')
    paths.secrets().chmod(0o644)
    found = finding("keys")
    assert (found.state, "chmod 600" in found.mend) == ("warning", True)
    paths.secrets().chmod(0o600)
    found = finding("keys")
    assert found.state == "ok"
    assert "inworld: INWORLD_API_KEY" in found.found
    assert "of-the" not in found.found


def test_full_disk(monkeypatch):
    """Low disk space is a warning, before a download fails because of it."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(10**9, 10**9, 10**8))
    assert (finding("disk").state, finding("disk").found[:6]) == ("warning", "100 MB")
    assert "SPEAKKIT_HOME" in finding("disk").mend


def test_gpu_that_torch_cannot_use(monkeypatch, tmp_path):
    """A CPU build of torch on a machine with an NVIDIA driver is a warning."""
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(device, "NVIDIA", (tmp_path / "nvidiactl",))
    if device.pick("auto").type != "cpu":
        pytest.skip("this machine has a GPU that torch can use")
    assert (finding("torch").state, "NVIDIA" in finding("torch").found) == ("warning", True)


def test_torch_that_was_not_tested(monkeypatch):
    """A torch newer than the newest tested version is a warning."""
    monkeypatch.setattr(torch, "__version__", "3.0.1+cpu")
    assert (finding("torch").state, "torch>=2.8" in finding("torch").mend) == ("warning", True)


def test_espeak_that_does_not_load(monkeypatch):
    """An espeak that does not load is a failure, since words outside the lexicons would be lost."""

    def broken(*_arguments, **_settings):
        raise RuntimeError("no library")

    monkeypatch.setattr(phonemizer.backend, "EspeakBackend", broken)
    found = finding("espeak", doctor.CheckState.failed)
    assert (found.state, "no library" in found.found) == ("failed", True)
    assert "espeakng-loader" in found.found + found.mend


def test_voices_that_are_missing_or_broken(elsewhere, monkeypatch, tmp_path):
    """Missing voices are reported with the command that fetches them; an invalid voice file is described."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path / "bare"))
    assert (finding("voices").state, finding("voices").mend) == ("warning", "speakkit voices fetch")
    monkeypatch.setenv("SPEAKKIT_VOICES", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "legacy.bin").write_bytes(np.zeros(511 * 256, "<f4").tobytes())
    assert "511 rows" in finding("voices").found


def test_languages_that_need_an_extra(monkeypatch):
    """Languages whose packages are missing are listed with the command that installs them; the state stays ok."""
    monkeypatch.setattr(registry, "EXTRAS", {"ja": ("ja", ("no_such_package",))})
    found = finding("languages")
    assert (found.state, "speakkit[ja]" in found.found) == ("ok", True)


def test_ear_that_fails(monkeypatch, whisper):
    """A recognizer that fails, such as CTranslate2 without CUDA libraries, is a warning with the way to mend it."""

    class Deaf:
        device = "cuda"

        def transcribe(self, clips, _language):
            fault = EngineError("whisper-base failed: RuntimeError: Library libcublas.so.12 is not found")
            return (Outcome(clip, error=fault) for clip in clips)

    monkeypatch.setattr(registry, "recognizer", lambda _name: nullcontext(Deaf()))
    found = doctor._finding("hearing", doctor.CheckState.warning, lambda: doctor._hearing([SPOKEN]))
    assert (found.state, found.mend) == ("warning", "pip install 'speakkit[gpu]'")
    assert "libcublas" in found.found


def test_speech_that_is_not_understood(whisper):
    """Speech that Whisper does not recognize, here silence, is a warning."""
    found = doctor._finding("hearing", doctor.CheckState.warning, lambda: doctor._hearing([SPOKEN]))
    assert (found.state, found.mend) == ("warning", "speakkit models verify")


def test_settings_that_no_speak_accepts(monkeypatch):
    """The check of speech uses the configured voice and engine, and fails if either is unusable."""
    for variable, value in (("SPEAKKIT_VOICE", "nosuch"), ("SPEAKKIT_ENGINE", "gemini")):
        monkeypatch.setenv(variable, value)
        found = doctor._finding("speech", doctor.CheckState.failed, lambda: doctor._speech([], config.load()))
        assert (found.state, value in found.found) == ("failed", True)


def test_torch_that_does_not_load(monkeypatch):
    """If torch cannot be imported, only its own check reports it."""
    monkeypatch.setitem(sys.modules, "speakkit.engines.device", None)
    monkeypatch.delattr(engines, "device")
    assert (finding("torch").state, "Error: " in finding("torch").found) == ("warning", True)


def test_no_sound(monkeypatch):
    """Missing sound output is a warning only, since speech to a file still works."""

    def missing():
        raise NoAudioDevice("no sound: there is no device to play on (-1); connect one")

    monkeypatch.setattr(portaudio, "sounddevice", missing)
    monkeypatch.setenv("SPEAKKIT_SINK", "sounddevice")
    assert finding("sound") == doctor.Finding("sound", doctor.CheckState.warning, *str(_raised(missing)).split("; "))


def _raised(function):
    with pytest.raises(NoAudioDevice) as caught:
        function()
    return caught.value


def test_check_that_breaks_does_not_stop_the_others():
    """An unexpected exception in a check becomes its finding and does not stop the other checks."""

    def broken():
        raise ImportError("undefined symbol: cudaGetDevice")

    found = doctor._finding("torch", doctor.CheckState.warning, broken)
    assert (found.state, "undefined symbol" in found.found) == ("warning", True)


def test_default_device_is_the_configured_one(monkeypatch):
    """The check of speech uses the configured device, and fails if it is not there."""
    monkeypatch.setenv("SPEAKKIT_DEVICE", "mps")
    if torch.backends.mps.is_available():
        pytest.skip("this machine has a GPU of that kind")
    found = doctor._finding("speech", doctor.CheckState.failed, lambda: doctor._speech([], config.load()))
    assert (found.state, "mps" in found.found) == ("failed", True)
    assert config.load().device == "mps"


def test_players_are_listed(monkeypatch):
    """Media players are listed with their state."""
    found = [
        Seen("vlc", PlayerStatus.paused, is_ignored=False),
        Seen("kdeconnect", PlayerStatus.playing, is_ignored=True),
    ]
    monkeypatch.setattr(media, "seen", lambda _: [*found, Seen("mute", None, is_ignored=False)])
    assert finding("media").found == "players: vlc (paused), kdeconnect (ignored), mute (does not answer)"
    monkeypatch.setattr(media, "seen", lambda _: [])
    assert finding("media").found == "players: none"


def test_where_no_music_is_paused(elsewhere, monkeypatch):
    """A machine without a D-Bus session, or with the setting media off, is ok."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(elsewhere))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setattr(platform, "release", lambda: "6.1")
    assert finding("media").found == "media players will not be paused: there is no D-Bus session bus"
    monkeypatch.setenv("SPEAKKIT_MEDIA", "0")
    assert "the setting media is off" in finding("media").found
    assert finding("media").state is doctor.CheckState.ok
