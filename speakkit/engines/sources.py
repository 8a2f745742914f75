"""Sources of weights: what each one offers, and the Hugging Face Hub as one of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from speakkit.engines import locations
from speakkit.errors import ModelError
from speakkit.progress import Step
from speakkit.setting import without_login


class Unavailable(ModelError):
    """This source cannot provide the weights now; another one may."""


class Pinned(msgspec.Struct, frozen=True):
    """The only content that a file may have. size: bytes."""

    sha256: str
    size: int


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
    revision: commit hash
    files: path in the repository -> its content
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

        kept.mkdir(exist_ok=True)
        base = f"{_endpoint()}/{self.repository}/resolve/{self.revision}"
        names = {path: Path(path).name for path in self.files}
        for path, pinned in self.files.items():
            yield from download.fetch(f"{base}/{path}", kept / names[path], pinned, self.pace)
        for name in names.values():
            (kept / name).rename(folder / name)


def _endpoint() -> str:
    """Return the address of the Hub, without a slash at its end."""
    return locations.current().hub.rstrip("/")
