"""Tests of packages that contain weights: what is extracted from them, and what is refused."""

import hashlib
import os
import shutil
import sys
from typing import Any

import pytest

import hubserver
from speakkit.engines import hub, packages
from speakkit.engines.sources import Unavailable

PARTS = {"part1": bytes(range(256)) * 100, "part2": b"and the rest"}

BROKEN_CLIENTS = {
    "it fails": "#!/bin/sh\nexit 1\n",
    "it brings nothing": "#!/bin/sh\nexit 0\n",
    "it cannot be run": "\0no program",
    "its archive is none": "#!/bin/sh\necho hello > pack.tgz\n",
    "its archive is cut short": (
        "#!/bin/sh\nmkdir -p package/voices\nhead -c 100000 /dev/urandom > package/voices/a.bin\n"
        "tar czf whole package\nhead -c 50000 whole > pack.tgz\n"
    ),
    "its archive has no voices": "#!/bin/sh\nmkdir package\ntar czf pack.tgz package\n",
    "its archive has a folder for a voice": "#!/bin/sh\nmkdir -p package/voices/a.bin\ntar czf pack.tgz package\n",
}

RIGHT_CLIENT = """#!/bin/sh
echo "$@" > "$ASKED"
echo 'a line that nobody should see'
echo 'another one' >&2
mkdir -p package/voices
printf 'a voice' > package/voices/a.bin
tar czf pack.tgz package
"""


def fetch(source, target):
    """Fetch a source into the folder `target`."""
    source.require()
    list(source.fetch(target, target.parent / "kept"))


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


@pytest.fixture
def target(tmp_path):
    """The empty folder that a source writes into."""
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@pytest.fixture
def carrier(tmp_path, monkeypatch):
    """The folder of an installed package that contains one file in two parts."""
    folder = tmp_path / "site" / "weights_in_a_package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    for name, raw in PARTS.items():
        (folder / name).write_bytes(raw)
    monkeypatch.syspath_prepend(folder.parent)
    return folder


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Install a program in place of npm: client("#!/bin/sh ...")."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def install(script):
        (folder / "npm").write_text(script)
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


JOINED = packages.PackagedFiles(
    "offline",
    {"model.bin": (("weights_in_a_package", "part1"), ("weights_in_a_package", "part2"))},
    {"model.bin": sha256(PARTS["part1"] + PARTS["part2"])},
    label="of a test",
)
VOICES = packages.NpmVoices("someones-voices@1.0.0", {"a.bin": hubserver.pinned(b"a voice")})


def test_whisper_tiny_en_is_the_official_one(target):
    """The packaged files of whisper-tiny.en equal those pinned for the Hub, byte for byte."""
    official: Any
    official, packaged = hub.MODELS["whisper-tiny.en"].sources
    fetch(packaged, target)
    assert {file.name: hubserver.pinned(file.read_bytes()) for file in target.iterdir()} == official.files
    assert packaged.label == official.label == "official"


def test_parts_are_joined_in_their_order(carrier, target):
    """A file in several parts is joined from all of them, in order."""
    fetch(JOINED, target)
    assert (target / "model.bin").read_bytes() == PARTS["part1"] + PARTS["part2"]


def test_a_part_with_changed_bytes_is_refused_by_name(carrier, target):
    """If one byte of a part has changed, an error names the file and says to reinstall."""
    (carrier / "part2").write_bytes(b"And the rest")
    with pytest.raises(Unavailable, match=r"model\.bin.* is not the file that speakkit expects .*reinstall"):
        fetch(JOINED, target)


def test_a_part_of_kokoro_with_a_changed_byte_is_refused_by_name(tmp_path, target, monkeypatch):
    """The int8 export is checked before Kokoro's checkpoint is rebuilt from it."""
    rebuilt: Any = hub.MODELS["kokoro"].sources[1]
    package = rebuilt.packages[0]
    copy = tmp_path / "site" / package
    shutil.copytree(packages.package_folder(package, rebuilt.extra), copy)
    raw = bytearray((copy / "part.bin").read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / "part.bin").write_bytes(raw)
    monkeypatch.syspath_prepend(copy.parent)
    assert packages.package_folder(package, rebuilt.extra) == copy
    with pytest.raises(Unavailable, match=r"kokoro-v1\.0\.int8\.onnx.* is not the file that speakkit expects"):
        fetch(rebuilt, target)
    assert not (target / rebuilt.checkpoint).exists()


def test_a_part_that_is_gone_makes_the_package_unavailable(carrier, target):
    """A missing part raises Unavailable and says what to reinstall.

    It is not a disk error, so other sources are tried.
    """
    (carrier / "part2").unlink()
    with pytest.raises(Unavailable, match="reinstall"):
        fetch(JOINED, target)


def test_a_package_that_is_not_installed_names_its_extra(target):
    """If the package is not installed, the error has the name of the extra and the pip command."""
    with pytest.raises(Unavailable, match=r"extra offline is not installed \(pip install 'speakkit\[offline\]'\)"):
        fetch(JOINED, target)


def test_kokoro_is_not_rebuilt_without_onnx(target, monkeypatch):
    """A missing onnx package raises Unavailable before the 92 MB of the export are copied."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(Unavailable, match=r"onnx is not installed \(pip install 'speakkit\[offline\]'\)"):
        fetch(hub.MODELS["kokoro"].sources[1], target)
    assert not list(target.iterdir())


def test_voices_are_taken_out_of_the_archive(client, target, tmp_path, monkeypatch, capfd):
    """Only the voice packs are extracted, npm runs no scripts of the package, and its output is hidden."""
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    client(RIGHT_CLIENT)
    fetch(VOICES, target)
    assert {file.name: file.read_bytes() for file in target.iterdir()} == {"a.bin": b"a voice"}
    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "pack"
    assert asked[-1] == "someones-voices@1.0.0"
    assert "--ignore-scripts" in asked
    assert capfd.readouterr() == ("", "")


def test_another_voice_than_the_pinned_one_is_refused_by_name(client, target, tmp_path, monkeypatch):
    """A voice pack with other bytes than the pinned ones is refused by name."""
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    client(RIGHT_CLIENT.replace("'a voice'", "'A voice'"))
    with pytest.raises(Unavailable, match=r"a\.bin of someones-voices@1\.0\.0 is not the file that speakkit expects"):
        fetch(VOICES, target)
    assert not list(target.iterdir())


@pytest.mark.parametrize("script", BROKEN_CLIENTS.values(), ids=BROKEN_CLIENTS)
def test_a_client_that_fails_makes_the_voices_unavailable(script, client, target):
    """Any failure of npm raises a one-line Unavailable, and leaves no partial files."""
    client(script)
    with pytest.raises(Unavailable) as caught:
        fetch(VOICES, target)
    assert len(str(caught.value).splitlines()) == 1
    assert not list(target.iterdir())


def test_a_client_that_hangs_is_given_up(client, target, monkeypatch):
    """npm is stopped after a timeout, and the voices are unavailable."""
    monkeypatch.setattr(packages, "NPM_TIMEOUT", 0.3)
    client("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(Unavailable, match=r"npm could not fetch someones-voices@1\.0\.0"):
        fetch(VOICES, target)
    assert not list(target.iterdir())


def test_a_client_that_fetches_without_end_is_given_up(client, target, monkeypatch):
    """npm is stopped once it has written more than twice the largest package."""
    monkeypatch.setattr(packages, "PACKED", 100_000)
    client("#!/bin/sh\nhead -c 300000 /dev/zero > pack.tgz\nexec sleep 60\n")
    with pytest.raises(Unavailable, match="and was ended"):
        fetch(VOICES, target)
    assert not list(target.iterdir())


def test_a_client_that_writes_nothing_is_given_up(client, target, monkeypatch):
    """npm is stopped if it has written nothing for a while."""
    monkeypatch.setattr(packages, "NPM_STALL", 0.3)
    client("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(Unavailable, match="and was ended"):
        fetch(VOICES, target)


def test_an_archive_that_is_too_large_is_not_read(client, target, monkeypatch):
    """An archive above the limit is refused before it is unpacked."""
    monkeypatch.setattr(packages, "PACKED", 100_000)
    client("#!/bin/sh\nhead -c 150000 /dev/zero > pack.tgz\n")
    with pytest.raises(Unavailable, match="larger than"):
        fetch(VOICES, target)


@pytest.mark.parametrize("bomb", ["package/voices/a.bin", "package/other"])
def test_an_archive_that_unpacks_to_too_much_is_cut_off(bomb, client, target, monkeypatch):
    """Unpacking ends at the limit; a voice of another size than the pinned one is not read at all."""
    monkeypatch.setattr(packages, "UNPACKED", 1_000_000)
    packing = f"mkdir -p package/voices\nhead -c 2000000 /dev/zero > {bomb}\ntar czf pack.tgz package\nrm -r package"
    client(f"#!/bin/sh\n{packing}\n")
    with pytest.raises(Unavailable, match="unpacks to more than"):
        fetch(VOICES, target)
    assert not list(target.iterdir())


def test_a_machine_without_npm_is_told_so(target, tmp_path, monkeypatch):
    """If npm is not installed, the error says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="the npm client is not installed"):
        fetch(VOICES, target)
