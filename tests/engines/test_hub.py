"""Tests of the cache of weights on a disk that is full or cannot be written, and of its other edges."""

import hashlib
import os
import subprocess

import pytest

import hubserver
from speakkit import paths
from speakkit.engines import catalog, hub
from speakkit.errors import ModelError, StorageError

WEIGHTS = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def stub(monkeypatch):
    """A stub of the Hub that has weights.bin."""
    with hubserver.running() as server:
        server.offer({"weights.bin": WEIGHTS})
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The models' folder of an empty cache; model `toy` is available from the stub only."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    toy = catalog.Model("toy", "a toy", 1, (hubserver.small({"weights.bin": WEIGHTS}, reach=30.0),))
    monkeypatch.setattr(hub, "MODELS", {**catalog.MODELS, "toy": toy})
    return tmp_path / "cache" / "models"


def visible(folder):
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock"))


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


def test_cache_that_cannot_be_made_says_so(stub, cache, monkeypatch, tmp_path):
    """If the cache cannot be created, a StorageError names SPEAKKIT_HOME."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="SPEAKKIT_HOME"):
        hub.ensure("toy")


def mounted(folder, options):
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        pytest.skip("this machine lets nobody mount")


@pytest.mark.parametrize(("name", "size"), [("toy", "64k"), ("whisper-tiny.en", "20m"), ("kokoro", "150m")])
def test_full_disk_says_so_and_leaves_nothing(stub, cache, name, size):
    """A full disk raises a StorageError that names SPEAKKIT_HOME, whether the weights are fetched, copied or rebuilt.

    Nothing is left in the cache.
    """
    mounted(cache, f"size={size}")
    try:
        with pytest.raises(StorageError, match=r"no space left.*SPEAKKIT_HOME"):
            hub.ensure(name)
        assert visible(cache) == []
    finally:
        subprocess.run(["umount", cache], check=True)


def test_cache_for_reading_only_is_enough(stub, cache):
    """Installed weights are used from a read-only cache; a fetch into it ends with a StorageError."""
    mounted(cache, "size=10m")
    try:
        hub.ensure("toy")
        subprocess.run(["mount", "-o", "remount,ro", cache], check=True)
        assert (hub.ensure("toy").folder / "weights.bin").read_bytes() == WEIGHTS
        with pytest.raises(StorageError, match=r"read-only file system.*SPEAKKIT_HOME"):
            hub.ensure("whisper-tiny.en")
    finally:
        subprocess.run(["umount", cache], check=True)


def test_the_hash_of_a_model_is_that_of_its_file_or_of_their_list(stub, cache):
    """The hash of a model is that of its file, or, for several files, that of their `sha256sum` list."""
    assert hub.ensure("toy").sha256 == hub.ensure("toy").sha256 == SHA256
    listed = f"{'0' * 64}  a\n{'1' * 64}  b\n".encode()
    assert hub.one_hash({"b": "1" * 64, "a": "0" * 64}) == hashlib.sha256(listed).hexdigest()


def test_full_disk_has_no_room_for_the_lock(stub, cache):
    """A disk on which not even the lock can be created raises a StorageError in one line."""
    mounted(cache, "size=64k,nr_inodes=1")
    try:
        with pytest.raises(StorageError, match=r"no space left.*SPEAKKIT_HOME"):
            hub.ensure("toy")
    finally:
        subprocess.run(["umount", cache], check=True)
