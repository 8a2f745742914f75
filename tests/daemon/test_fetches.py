"""Tests of voices that are not installed: clients fetch them in front of the daemon, which fetches nothing."""

import json
import os
import subprocess

import pytest

import hubserver
from speakkit.daemon.wire.messages import Finished
from speakkit.engines import catalog, hub
from speakkit.errors import ModelError

SECONDS = 120
"""Timeout in seconds for Kokoro to load on a busy machine."""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Install a program in place of npm. Returns the file that it writes if it is started."""
    program = tmp_path / "programs" / "npm"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "started"


@pytest.fixture
def packs():
    """Kokoro's voice packs, as file name -> content."""
    try:
        folder = hub.ensure("voices").folder
    except ModelError as error:
        pytest.skip(f"the voices cannot be fetched here: {error}")
    return {name: (folder / name).read_bytes() for name in catalog.VOICES}


@pytest.fixture
def slow_hub(packs, monkeypatch):
    """A stand-in of the Hub that has the voices, and sends each of them slowly."""
    official = catalog.MODELS["voices"].sources[0]
    with hubserver.running() as server:
        base = f"/{official.repository}/resolve/{official.revision}/voices"
        server.files = {f"{base}/{name}": raw for name, raw in packs.items()}
        server.faults["af_nova.bin"] = "slow"
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


@pytest.fixture
def kokoro_alone(monkeypatch, weights, packs, place):
    """Install Kokoro, without its voices, for the daemon and its clients."""
    models = place.path.parent / "home" / "cache" / "models"
    models.mkdir(parents=True)
    (models / "kokoro").symlink_to(weights)
    monkeypatch.setenv("SPEAKKIT_SINK", "timed-null")


def test_a_voice_is_fetched_in_front_of_a_warm_daemon(kokoro_alone, packs, npm, slow_hub, caller, command):
    """The daemon's voice worker names the mend for a voice that is missing; `speak` fetches it, and it is spoken.

    The worker starts no npm, and is the same process before and after.
    """
    user = caller()
    assert user.end(user.ask("speak", b"Yes.", voice="f1"), SECONDS).result == "played"
    worker = user.do("status").work["voice"]

    refused = user.event(user.ask("speak", b"Yes.", voice="af_nova"), Finished, SECONDS)
    assert refused.warnings == (
        "the model voices is not installed, or is damaged; fetch it: speakkit models fetch voices",
    )
    assert slow_hub.asked == []

    ended = subprocess.run(
        [*command, "speak", "--json", "--voice", "af_nova", "Yes."],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["voice"] == "af_nova"
    assert slow_hub.asked[0] == "HEAD"
    assert len(slow_hub.asked) == 1 + len(packs)
    assert user.do("status").work["voice"] == worker
    assert not npm.exists()
