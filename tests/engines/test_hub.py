"""Tests of the sources of weights, and of the cache after faults."""

import hashlib
import http.server
import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time
from typing import Any

import numpy as np
import pytest

from speakkit import paths
from speakkit.engines import catalog, hub, sources, voice_packs
from speakkit.engines.packages import package_folder
from speakkit.engines.sources import HubFiles
from speakkit.errors import ModelError, StorageError
from waiting import wait_until

WEIGHTS = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


class Stub(http.server.BaseHTTPRequestHandler):
    """A stub of the Hub with one file; the server's `reply` selects its fault."""

    server: Any

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        self.server.asked.append(self.path)
        reply = self.server.reply
        if reply in (404, 500):
            self.send_error(reply)
            return
        body = b"other bytes" if reply == "other" else WEIGHTS
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if reply in ("cut", "slow") else body)
        self.wfile.flush()
        if reply == "slow":
            time.sleep(2)
            self.wfile.write(body[len(body) // 2 :])

    def log_message(self, *_):
        pass


@pytest.fixture
def stub(monkeypatch):
    """A stub of the Hub at a port of its own on this machine.

    Another test may have used the port, so the cached reachability is cleared. The timeout is long because a busy
    machine is slow.
    """
    sources._is_reachable.cache_clear()
    monkeypatch.setattr(sources, "REACH", 30.0)
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.asked, server.reply = [], "whole"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    yield server
    server.shutdown()


class Spare:
    """A second source of weights."""

    label = "spare"

    def fetch(self, folder, report):
        (folder / "weights.bin").write_bytes(b"spare weights")
        report("weights.bin", 13, 13)


def model(*places):
    official = HubFiles("org/model", "abc", {"sub/weights.bin": SHA256})
    return catalog.Model("toy", "a toy", 1, (official, *places))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The models' folder of an empty cache; model `toy` is available from the stub only."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    monkeypatch.setattr(hub, "MODELS", {"toy": model()})
    return tmp_path / "cache" / "models"


def visible(folder):
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock"))


def test_official_weights_come_from_the_hub(stub, cache):
    """Weights come from the Hub at the pinned revision, with progress; a second call makes no request."""
    told = []
    installed = hub.ensure("toy", lambda *report: told.append(report))
    assert (installed.folder / "weights.bin").read_bytes() == WEIGHTS
    assert installed.source == "official"
    assert told[-1] == ("weights.bin", len(WEIGHTS), len(WEIGHTS))
    assert hub.ensure("toy") == installed
    assert stub.asked == ["/org/model/resolve/abc/sub/weights.bin"]
    assert visible(cache) == ["toy"]


@pytest.mark.parametrize(("reply", "reason"), [(404, "404"), (500, "500"), ("other", "sha256"), ("cut", "broke off")])
def test_hub_that_fails_leaves_nothing_and_the_next_source_is_asked(stub, cache, monkeypatch, reply, reason):
    """If the Hub fails, the cache stays clean and the next source is used; without one, the error names the reason."""
    stub.reply = reply
    with pytest.raises(ModelError, match=reason):
        hub.ensure("toy")
    assert visible(cache) == []
    monkeypatch.setattr(hub, "MODELS", {"toy": model(Spare())})
    assert hub.ensure("toy").source == "spare"
    assert visible(cache) == ["toy"]
    with pytest.raises(ModelError, match=reason):
        hub.ensure("toy", official=True)
    assert hub.ensure("toy").source == "spare"
    stub.reply = "whole"
    assert hub.ensure("toy", official=True).source == "official"


def test_unreachable_hub_costs_three_seconds_once(cache, monkeypatch):
    """A host that accepts connections but never answers is tried once per process."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        for _ in range(5):
            with pytest.raises(ModelError, match="unreachable"):
                hub.ensure("toy")
        assert time.monotonic() - start < 2 * sources.REACH


def test_offline_opens_no_connection(stub, cache, monkeypatch):
    """With SPEAKKIT_OFFLINE=1, no connection is opened."""
    monkeypatch.setenv("SPEAKKIT_OFFLINE", "1")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("went to the network"))
    with pytest.raises(ModelError, match="SPEAKKIT_OFFLINE"):
        hub.ensure("toy")
    assert stub.asked == []


def test_own_folder_comes_first(stub, cache, monkeypatch, tmp_path):
    """A folder in SPEAKKIT_MODELS is used unchanged; if it does not exist, the error names the variable."""
    (tmp_path / "mine" / "toy").mkdir(parents=True)
    monkeypatch.setenv("SPEAKKIT_MODELS", str(tmp_path / "mine"))
    assert hub.ensure("toy").folder == tmp_path / "mine" / "toy"
    assert stub.asked == []
    monkeypatch.setenv("SPEAKKIT_MODELS", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="SPEAKKIT_MODELS"):
        hub.ensure("toy")


def test_own_folder_by_the_file_of_settings(stub, cache, tmp_path):
    """The setting `models` has the effect of SPEAKKIT_MODELS; if it names no folder, the error names its line."""
    (tmp_path / "mine" / "toy").mkdir(parents=True)
    settings = paths.config()
    settings.parent.mkdir()
    settings.write_text(f"models = '{tmp_path}/mine'")
    assert hub.ensure("toy").folder == tmp_path / "mine" / "toy"
    settings.write_text(f"models = '{tmp_path}/nowhere'")
    with pytest.raises(ModelError, match=r"^config\.toml line 1 names .*/nowhere, which is not a folder"):
        hub.ensure("toy")


def flip(file):
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: flip(folder / "weights.bin"), "weights.bin"),
        (lambda folder: (folder / "weights.bin").write_bytes(b"short"), "weights.bin"),
        (lambda folder: (folder / "weights.bin").unlink(), "weights.bin"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "manifest.json"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json"),
    ],
)
def test_damaged_file_is_named_and_made_again(stub, cache, caplog, damage, named):
    """A changed, truncated or missing file is logged by name and fetched again."""
    folder = hub.ensure("toy").folder
    damage(folder)
    assert hub.damaged("toy") == (named,)
    with caplog.at_level(logging.WARNING, logger="speakkit"):
        logging.getLogger("speakkit").propagate = True
        assert (hub.ensure("toy").folder / "weights.bin").read_bytes() == WEIGHTS
    assert named in caplog.text
    assert hub.damaged("toy") == ()
    assert len(stub.asked) == 2


def test_verify_finds_what_a_glance_does_not(stub, cache):
    """`damaged` finds a changed byte although the file's size and time are unchanged; `state` does not."""
    file = hub.ensure("toy").folder / "weights.bin"
    before = file.stat()
    flip(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hub.state("toy").damaged == ()
    assert hub.damaged("toy") == ("weights.bin",)


def fetch_toy(home, endpoint):
    """Install the model toy in a process of its own."""
    os.environ |= {"SPEAKKIT_HOME": home, "HF_ENDPOINT": endpoint}
    hub.MODELS = {"toy": model()}
    hub.ensure("toy")


def test_two_processes_do_the_work_once(stub, cache, tmp_path):
    """When two processes want the same model, the second waits for the first and uses its files."""
    stub.reply = "slow"
    context = multiprocessing.get_context("fork")
    arguments = (str(tmp_path), os.environ["HF_ENDPOINT"])
    both = [context.Process(target=fetch_toy, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    assert len(stub.asked) == 1
    assert visible(cache) == ["toy"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_killed_half_way_is_as_if_it_had_not_begun(stub, cache, tmp_path, how):
    """A killed run leaves no model, and the next run removes what it left."""
    stub.reply = "slow"
    context = multiprocessing.get_context("fork")
    process = context.Process(target=fetch_toy, args=(str(tmp_path), os.environ["HF_ENDPOINT"]))
    process.start()
    wait_until(lambda: stub.asked)
    time.sleep(0.2)
    os.kill(process.pid, how)
    process.join()
    assert not (cache / "toy").exists()
    stub.reply = "whole"
    assert (hub.ensure("toy").folder / "weights.bin").read_bytes() == WEIGHTS
    assert visible(cache) == ["toy"]


def test_cache_that_cannot_be_made_says_so(stub, monkeypatch, tmp_path):
    """If the cache cannot be created, a StorageError names SPEAKKIT_HOME."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(hub, "MODELS", {"toy": model()})
    with pytest.raises(StorageError, match="SPEAKKIT_HOME"):
        hub.ensure("toy")


def mounted(folder, options):
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        pytest.skip("this machine lets nobody mount")


@pytest.mark.parametrize(("name", "size"), [("toy", "64k"), ("whisper-tiny.en", "20m"), ("kokoro", "150m")])
def test_full_disk_says_so_and_leaves_nothing(stub, cache, monkeypatch, name, size):
    """A full disk raises a StorageError that names SPEAKKIT_HOME, whether the weights are fetched, copied or rebuilt.

    Nothing is left in the cache.
    """
    monkeypatch.setattr(hub, "MODELS", {**catalog.MODELS, "toy": model()})
    stub.reply = "whole" if name == "toy" else 404
    mounted(cache, f"size={size}")
    try:
        with pytest.raises(StorageError, match=r"no space left.*SPEAKKIT_HOME"):
            hub.ensure(name)
        assert visible(cache) == []
    finally:
        subprocess.run(["umount", cache], check=True)


def test_cache_for_reading_only_is_enough(stub, cache):
    """Installed weights are used from a read-only cache, because nothing needs to be written."""
    mounted(cache, "size=10m")
    try:
        hub.ensure("toy")
        subprocess.run(["mount", "-o", "remount,ro", cache], check=True)
        assert (hub.ensure("toy").folder / "weights.bin").read_bytes() == WEIGHTS
    finally:
        subprocess.run(["umount", cache], check=True)


def test_the_hash_of_a_model_is_that_of_its_file_or_of_their_list(stub, cache):
    """The hash of a model is that of its file, or, for several files, that of their `sha256sum` list."""
    assert hub.ensure("toy").sha256 == hub.ensure("toy").sha256 == SHA256
    listed = f"{'0' * 64}  a\n{'1' * 64}  b\n".encode()
    assert hub.one_hash({"b": "1" * 64, "a": "0" * 64}) == hashlib.sha256(listed).hexdigest()


def test_missing_extra_is_named(monkeypatch):
    """If an extra is missing, the error has its name, as in the pip command that installs it."""
    with pytest.raises(sources.Unavailable, match=r"speakkit\[offline\]"):
        package_folder("no_such_package", "offline")


def test_packaged_voices_are_those_of_the_package(home):
    """The packaged voices are those of the npm package, rounded to 16 bits."""
    import shutil

    if not shutil.which("npm"):
        pytest.skip("needs npm")
    hub.ensure("voices")
    full, packaged = voice_packs.pack("af_heart"), np.load(paths.data() / "voices" / "af_heart.npy")
    assert full.shape == (510, 1, 256)
    assert np.array_equal(full.astype(np.float16), packaged)
