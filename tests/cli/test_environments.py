"""Tests of `speakkit models env`, with a package that is built here and installed without a network."""

import json
import os
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from speakkit.audio import Audio
from speakkit.engines import registry
from speakkit.errors import EngineError
from waiting import wait_until

TINY = """
import json, sys, wave

for line in sys.stdin:
    request = json.loads(line)
    with wave.open(request["path"]) as sound:
        text = f"{sound.getnframes()} samples"
    print(json.dumps({"id": request["id"], "text": text, "language": request["language"]}), flush=True)
"""

COMMAND = ("--command", "python -m tiny")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder with a wheel of the package tiny, and files of requirements that find it there or nowhere."""
    folder = tmp_path_factory.mktemp("shelf")
    files = {
        "tiny.py": TINY,
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, "tiny-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in (files | {"tiny-1.0.dist-info/RECORD": record}).items():
            wheel.writestr(name, text)
    (folder / "tiny.txt").write_text(f"--no-index\n--find-links {folder}\ntiny==1.0\n")
    (folder / "newer.txt").write_text(f"--no-index\n--find-links {folder}\ntiny==2.0\n")
    (folder / "far.txt").write_text("--index-url http://127.0.0.1:9/simple\ntiny==1.0\n")
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of environments of a home for this test, whose installer gives up at once."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    return tmp_path / "data" / "environments"


@pytest.fixture
def only_pip(monkeypatch, tmp_path):
    """Hide uv."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert shutil.which("uv") is None


def env(run, *arguments):
    return run("speakkit", "models", "env", *arguments)


def rows(run):
    """The rows of `list --json` by name."""
    return {row["name"]: row for row in json.loads(env(run, "list", "--json").out)}


def create(run, shelf, requirements="tiny.txt", name="tiny"):
    return env(run, "create", name, "--requirements", shelf / requirements, *COMMAND)


def test_an_engine_from_its_requirements_to_its_end(run, place, shelf, only_pip):
    """By pip: an environment is created, listed with its version, used, created again at no cost, and removed."""
    made = create(run, shelf)
    assert (made.code, made.err) == (0, "")
    assert made.out.decode() == f"external:tiny: ready, {place / 'tiny'}\n"
    row = rows(run)["tiny"]
    assert (row["state"], row["command"], len(row["version"])) == ("ready", ["python", "-m", "tiny"], 12)
    assert (place / "tiny" / "installed.txt").read_text().split() == ["tiny==1.0"]
    with registry.recognizer("external:tiny") as engine:
        (outcome,) = engine.transcribe([Audio(np.zeros(123, np.float32), 8_000)], "de")
        assert (outcome.value.text, outcome.value.language) == ("123 samples", "de")
        assert engine.identity.version == row["version"]
        engine.close()
    definition = (place / "tiny" / "engine.toml").stat()
    assert create(run, shelf).code == 0
    assert (place / "tiny" / "engine.toml").stat() == definition
    other = create(run, shelf, "newer.txt")
    assert other.code == 1
    assert other.err.startswith("speakkit: there is another environment tiny; to replace it, remove it first: ")
    assert env(run, "remove", "tiny").out == b"tiny: removed\n"
    assert "tiny" not in rows(run)
    assert not (place / "tiny").exists()
    assert env(run, "remove", "tiny").code == 2


SLOW = """#!/bin/sh
echo "$*" >> "{log}"
[ "$1" = venv ] && mkdir -p "$4" && sleep {seconds}
exec "{uv}" "$@"
"""


@pytest.fixture
def slow_uv(tmp_path, monkeypatch):
    """slow_uv(seconds) puts a uv first on PATH that waits before it makes an environment, and returns its log."""

    def install(seconds):
        script, log = tmp_path / "bin" / "uv", tmp_path / "uv.log"
        script.parent.mkdir()
        script.write_text(SLOW.format(log=log, seconds=seconds, uv=shutil.which("uv")))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
        return log

    return install


def creating(command, shelf):
    """A process that creates the environment tiny."""
    words = [*command, "models", "env", "create", "tiny", "--requirements", shelf / "tiny.txt", *COMMAND]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_at_once(command, place, shelf, slow_uv):
    """Two processes that create the same environment make it once, and both succeed."""
    log = slow_uv(seconds=0.6)
    pair = [creating(command, shelf) for _ in range(2)]
    ended = [process.communicate() for process in pair]
    assert [process.returncode for process in pair] == [0, 0], ended
    assert [out for out, _ in ended] == [f"external:tiny: ready, {place / 'tiny'}\n"] * 2
    assert "waiting for process" in "".join(err for _, err in ended)
    assert [line.split()[:2] for line in log.read_text().splitlines()] == [
        ["venv", "--python"],
        ["pip", "install"],
    ]


def test_a_killed_creation_is_not_ready(run, command, place, shelf, slow_uv, monkeypatch):
    """What a killed process leaves is incomplete, is no engine, and is replaced; its installer ends with it."""
    path = os.environ["PATH"]
    slow_uv(seconds=60)
    process = creating(command, shelf)
    wait_until((place / "tiny" / "venv").exists)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    monkeypatch.setenv("PATH", path)
    assert len(family) >= 2
    wait_until(lambda: not any(each.is_running() and each.status() != "zombie" for each in family))
    assert rows(run)["tiny"]["state"] == "incomplete"
    with pytest.raises(EngineError, match="not complete; create it again"), registry.recognizer("external:tiny"):
        pass
    assert create(run, shelf).code == 0
    assert rows(run)["tiny"]["state"] == "ready"
    (place / "tiny" / "engine.toml").unlink()
    assert env(run, "remove", "tiny").code == 0


def test_a_network_that_fails(run, place, shelf):
    """Without a network the exit code is 7, in one line with the reason, and nothing is left."""
    failed = create(run, shelf, "far.txt")
    assert failed.code == 7
    assert failed.err.startswith("speakkit: cannot create the environment tiny: a server cannot be reached")
    assert "refused" in failed.err
    assert "/simple/tiny/" in failed.err
    assert failed.err.count("\n") == 1
    assert not (place / "tiny").exists()
    assert "tiny" not in rows(run)


def test_a_package_that_does_not_exist(run, place, shelf):
    """A package that cannot be installed is one line with the installer's reason, and nothing is left."""
    failed = create(run, shelf, "newer.txt")
    assert failed.code == 1
    assert failed.err.startswith("speakkit: cannot create the environment tiny: ")
    assert "tiny==2.0" in failed.err
    assert not (place / "tiny").exists()


def test_the_setting_offline(run, place, shelf, monkeypatch):
    """If the network is forbidden, nothing is installed."""
    monkeypatch.setenv("SPEAKKIT_OFFLINE", "1")
    failed = create(run, shelf)
    assert (failed.code, failed.err) == (
        1,
        "speakkit: cannot create the environment tiny: SPEAKKIT_OFFLINE forbids the network\n",
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["create", "unknown"], "there is no recipe 'unknown'; try one of parakeet-nemo, utmosv2, or define"),
        (["create", "../up", "--requirements", "x", *COMMAND], "an environment cannot be named '../up'"),
        (["create", ".hidden", "--requirements", "x", *COMMAND], "an environment cannot be named '.hidden'"),
        (["create", "mine", "--requirements", "none.txt", *COMMAND], "there is no file of requirements none.txt"),
        (["create", "mine", "--requirements", "/dev/zero", *COMMAND], "there is no file of requirements /dev/zero"),
        (
            ["create", "mine", "--requirements", "bytes.txt", *COMMAND],
            "bytes.txt is no file of requirements: it is not",
        ),
        (["create", "mine", "--requirements", "bytes.txt", "--command", "'x"], 'the command "\'x" cannot be split'),
        (["create", "mine", "--requirements", "bytes.txt", "--command", " "], "the command is empty"),
        (["remove", "unknown"], "there is no environment 'unknown'"),
        (["remove", "../data"], "an environment cannot be named '../data'"),
    ],
)
def test_invalid_arguments(run, place, tmp_path, monkeypatch, arguments, error):
    """An unknown or invalid name, file or command is a usage error, before anything is made."""
    monkeypatch.chdir(tmp_path)
    Path("bytes.txt").write_bytes(b"\xff")
    failed = env(run, *arguments)
    assert (failed.code, failed.out) == (2, b"")
    assert failed.err.startswith(f"speakkit: {error}")
    assert not place.exists()


def test_recipes_are_listed(run, place):
    """The table shows the recipes, and that they are unverified."""
    assert {name: row["state"] for name, row in rows(run).items()} == {
        "parakeet-nemo": "not created",
        "utmosv2": "not created",
    }
    assert "unverified" in env(run, "list").out.decode()
