"""Tests of models of which no hash is known: what the Hub lists is fetched, recorded and compared from then on."""

import hashlib
import json

import pytest

import hubserver
from speakkit.engines import catalog, hub, sources

WEIGHTS = bytes(range(256)) * 1000
COMMIT, LATER = "1" * 40, "2" * 40
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "tokenizer.json": b"[1]"}
SOURCE = sources.HubFiles("someone/small", "main", {}, label="official, not pinned", pace=sources.Pace(reach=30.0))
OTHERS = {"model.nemo": b"code", "README.md": b"text", "plots/loss.json": b"{}", "modeling.py": b"code", ".json": b"{}"}


def entry(name, raw):
    """The entry of a file in a listing. Only the weights are a large file, of which the Hub tells the hash."""
    listed = {"rfilename": name, "size": len(raw), "blobId": "0" * 40}
    if name == "model.safetensors":
        listed["lfs"] = {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw), "pointerSize": 134}
    return listed


def fetch(folder):
    """Fetch someone/small into a folder, in this process."""
    folder.mkdir(exist_ok=True)
    return list(SOURCE.fetch(folder, folder.parent / "kept"))


def publish(server, files=FILES, commit=COMMIT):
    """Publish files as the branch main of someone/small."""
    listing = {"id": "someone/small", "sha": commit, "siblings": [entry(*one) for one in files.items()]}
    server.files["/api/models/someone/small/revision/main?blobs=true"] = json.dumps(listing).encode()
    server.files |= {f"/someone/small/resolve/{commit}/{name}": raw for name, raw in files.items()}


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """A stub of the Hub with someone/small, and an empty cache; the model `toy` is that repository."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    monkeypatch.setattr(hub, "MODELS", {"toy": catalog.Model("toy", "a toy", 1, (SOURCE,))})
    with hubserver.running() as server:
        publish(server, FILES | OTHERS)
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


def test_what_the_hub_lists_is_fetched(stub, tmp_path):
    """The files of a model are fetched from one commit, without those that may contain code and those in folders."""
    fetch(tmp_path / "target")
    assert {file.name: file.read_bytes() for file in (tmp_path / "target").iterdir()} == FILES


def test_it_is_recorded_and_said_to_be_not_pinned(stub, run):
    """The hashes of the first fetch are recorded and compared; `models list` says that they are not pinned."""
    installed = hub.ensure("toy")
    assert installed.source == "official, not pinned"
    hashes = {name: hashlib.sha256(raw).hexdigest() for name, raw in FILES.items()}
    assert installed.sha256 == hub.ensure("toy").sha256 == hub.one_hash(hashes)
    assert "not pinned" in run("speakkit", "models", "list").out.decode()
    (row,) = json.loads(run("speakkit", "models", "list", "--json").out)
    assert (row["state"], row["weights"]) == ("installed", "official, not pinned")
    assert run("speakkit", "models", "verify", "toy").code == 0
    (installed.folder / "config.json").write_bytes(b"[]")
    assert run("speakkit", "models", "verify").code == 4
    assert hub.damaged("toy") == ("config.json",)


def test_weights_that_differ_from_the_listing(stub, tmp_path):
    """The hash of a large file, which the Hub announces, is checked while it is fetched."""
    stub.faults["model.safetensors"] = "other bytes"
    with pytest.raises(sources.Unavailable, match=r"is not the file that speakkit expects"):
        fetch(tmp_path / "target")


def test_a_transfer_goes_on_at_the_same_commit_only(stub, tmp_path):
    """A transfer that broke off continues where it ended; at a later commit it starts anew."""
    stub.faults["model.safetensors"] = "cut"
    for _ in range(2):
        with pytest.raises(sources.Unavailable, match="broke off"):
            fetch(tmp_path / "target")
    assert f"GET model.safetensors {len(WEIGHTS) // 2}" in stub.asked
    stub.faults.clear()
    publish(stub, FILES | {"config.json": b"[2]"}, LATER)
    stub.asked.clear()
    fetch(tmp_path / "target")
    assert (tmp_path / "target" / "config.json").read_bytes() == b"[2]"
    assert "GET model.safetensors" in stub.asked


LISTINGS = {
    "no JSON": b"<html>",
    "no list": b'{"sha": "' + COMMIT.encode() + b'"}',
    "no commit": json.dumps({"sha": "main", "siblings": [entry("config.json", b"{}")]}).encode(),
    "nothing usable": json.dumps({"sha": COMMIT, "siblings": [entry("../config.json", b"{}")]}).encode(),
    "no size": json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "config.json"}]}).encode(),
    "an absurd size": json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "a.json", "size": 1 << 50}]}).encode(),
    "more than a list": b"[" * (5 << 20),
}


@pytest.mark.parametrize("listing", LISTINGS.values(), ids=LISTINGS)
def test_a_listing_that_cannot_be_used(stub, tmp_path, listing):
    """An odd listing makes the source unavailable, in one line, before any file is asked for."""
    stub.files["/api/models/someone/small/revision/main?blobs=true"] = listing
    with pytest.raises(sources.Unavailable, match=r"^.*(lists|more than).*$"):
        fetch(tmp_path / "target")
    assert not [asked for asked in stub.asked if "config.json" in asked]


def test_the_catalogue_says_what_is_pinned():
    """A model without pinned files says so in its label, and no other model does."""
    for model in catalog.MODELS.values():
        first = model.sources[0]
        assert isinstance(first, sources.HubFiles)
        assert ("not pinned" in first.label) == (not first.files)
