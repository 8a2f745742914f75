"""Sources of weights: what each one offers, and the Hugging Face Hub as one of them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from speakkit.engines import locations
from speakkit.errors import ModelError
from speakkit.progress import Step
from speakkit.setting import without_login

KINDS = re.compile(r"[A-Za-z0-9][\w.-]*\.(json|jinja|safetensors|txt|model)|model\.bin", re.ASCII)
"""Names of the files of a repository that is not pinned: none in a folder, and none that could contain code. model.bin
is CTranslate2's; torch's, which could, have other names."""

COMMIT = re.compile("[0-9a-f]{40}")
"""A commit hash."""

LARGEST = 16 << 30
"""Maximum bytes of a file that is not pinned."""


class Unavailable(ModelError):
    """This source cannot provide the weights now; another one may."""


class Pinned(msgspec.Struct, frozen=True):
    """The only content that a file may have.

    sha256: "" for any content of that size
    size: bytes
    """

    sha256: str
    size: int


class Stored(msgspec.Struct, frozen=True):
    """A large file, as the Hub stores it. size: bytes."""

    sha256: str
    size: int


class Listed(msgspec.Struct, frozen=True):
    """A file of a repository, as the Hub lists it.

    rfilename: path in the repository
    size: bytes
    lfs: None for a small file, of which the Hub tells no sha256
    """

    rfilename: str
    size: int = 0
    lfs: Stored | None = None

    @property
    def content(self) -> Pinned:
        """The content that the Hub announces."""
        return Pinned(self.lfs.sha256, self.lfs.size) if self.lfs else Pinned("", self.size)


class Listing(msgspec.Struct, frozen=True):
    """The files of a repository at one revision, as the Hub lists them. sha: commit hash of the revision."""

    sha: str
    siblings: tuple[Listed, ...]


class Pace(msgspec.Struct, frozen=True):
    """How slow a server may be.

    reach: seconds to reach it; an unreachable one costs this once per process
    stall: seconds without a received byte, after which a transfer counts as broken
    window: seconds until an answer begins, and over which the rate of a transfer is measured
    slowest: bytes per second below which a transfer is given up; with it, each transfer ends some time
    """

    reach: float = 3.0
    stall: float = 20.0
    window: float = 60.0
    slowest: float = 1000.0


class Source(Protocol):
    """One source of weights.

    label: name of weights from this source in reports and identities
    """

    @property
    def label(self) -> str: ...

    def require(self) -> None:
        """Raises Unavailable if it is clear without a transfer that this source cannot be used."""

    def fetch(self, folder: Path, kept: Path) -> Iterator[Step]:
        """Write the weights into an empty folder, and yield each step.

        kept: folder of files that an earlier run fetched, whole or in part; a source may use them, and may add to them
            (the folder need not exist)
        Raises Unavailable, or OSError if a folder cannot be written.
        """


def is_offline() -> bool:
    """Return whether the setting `offline` forbids network access."""
    return locations.current().offline


def require_network() -> None:
    """Raises Unavailable if the setting `offline` is true."""
    if is_offline():
        raise Unavailable(f"{locations.current().offline_source} forbids the network")


class HubFiles(msgspec.Struct, frozen=True, tag=True):
    """Files of one Hub repository at one revision.

    repository: "owner/name"
    revision: commit hash, or a branch if the files are not pinned
    files: path in the repository -> its content; empty if they are not pinned. Then it has every file of KINDS that the
        Hub lists, with the size and the sha256 that the Hub announces
    label: see `Source`
    """

    repository: str
    revision: str
    files: Mapping[str, Pinned]
    label: str = "official"
    pace: Pace = Pace()

    def require(self) -> None:
        """See `Source`. An unreachable Hub costs at most `Pace.reach` seconds, once per process."""
        from speakkit.engines import download  # noqa: PLC0415  it imports requests, which only a fetch needs

        require_network()
        endpoint = _endpoint()
        if not download.is_reachable(endpoint, self.pace.reach):
            raise Unavailable(f"the Hub at {without_login(endpoint)} is unreachable")

    def fetch(self, folder: Path, kept: Path) -> Iterator[Step]:
        """See `Source`. Files that are complete, or begun, in `kept` are not fetched again from their start."""
        from speakkit.engines import download  # noqa: PLC0415  likewise

        revision, files = (self.revision, self.files) if self.files else self._listed()
        begun = kept if self.files else kept / revision  # what is not pinned may differ at another commit
        begun.mkdir(parents=True, exist_ok=True)
        base = f"{_endpoint()}/{self.repository}/resolve/{revision}"
        names = {path: Path(path).name for path in files}
        for path, pinned in files.items():
            yield from download.fetch(f"{base}/{path}", begun / names[path], pinned, self.pace)
        for name in names.values():
            (begun / name).rename(folder / name)

    def _listed(self) -> tuple[str, Mapping[str, Pinned]]:
        """Return the commit hash of the revision, and its files. Raises Unavailable if the Hub lists no usable ones."""
        from speakkit.engines import download  # noqa: PLC0415  likewise

        url = f"{_endpoint()}/api/models/{self.repository}/revision/{self.revision}?blobs=true"
        try:
            listing = msgspec.json.decode(download.read(url, self.pace), type=Listing)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"the Hub lists the files of {self.repository} in a way that cannot be read") from error
        files = {one.rfilename: one.content for one in listing.siblings if KINDS.fullmatch(one.rfilename)}
        if not COMMIT.fullmatch(listing.sha) or not files:
            raise Unavailable(f"the Hub lists no weights in {self.repository}")
        if any(not 0 < content.size <= LARGEST for content in files.values()):
            raise Unavailable(f"the Hub lists a file of {self.repository} without its size, or with an absurd one")
        return listing.sha, files


def _endpoint() -> str:
    """Return the address of the Hub, without a slash at its end."""
    return locations.current().hub.rstrip("/")
