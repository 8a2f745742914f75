"""Weights from the network: files of the Hugging Face Hub, checked against pinned hashes."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import requests

from speakkit.engines import locations
from speakkit.errors import ModelError
from speakkit.progress import Report

REACH = 3.0
"""Timeout in seconds to reach the Hub. An unreachable Hub costs this once per process."""

STALL = 20.0
"""Timeout in seconds without a received byte, after which a transfer counts as broken."""

BLOCK = 1 << 20
"""Bytes per block of a download."""


class Unavailable(ModelError):
    """This source cannot provide the weights now; another one may."""


class Source(Protocol):
    """One source of weights.

    label: name of weights from this source in reports and identities
    """

    @property
    def label(self) -> str: ...

    def fetch(self, folder: Path, report: Report) -> None:
        """Write the weights into an empty folder.

        Raises Unavailable, or OSError if the folder cannot be written.
        """


def is_offline() -> bool:
    """Return whether the setting `offline` forbids network access."""
    return locations.current().offline


def require_network() -> None:
    """Raises Unavailable if the setting `offline` is true."""
    if is_offline():
        raise Unavailable(f"{locations.current().offline_source} forbids the network")


@dataclass(frozen=True)
class HubFiles:
    """Files of one Hub repository at one revision.

    repository: "owner/name"
    revision: commit hash
    files: path in the repository -> sha256
    label: see `Source`
    """

    repository: str
    revision: str
    files: Mapping[str, str]
    label: str = "official"

    def fetch(self, folder: Path, report: Report) -> None:
        """See `Source`. An unreachable Hub costs at most REACH seconds, once per process."""
        require_network()
        endpoint = locations.current().hub.rstrip("/")
        if not _is_reachable(endpoint):
            raise Unavailable(f"the Hub at {endpoint} is unreachable")
        for path, sha256 in self.files.items():
            url = f"{endpoint}/{self.repository}/resolve/{self.revision}/{path}"
            _download(url, folder / Path(path).name, sha256, report)


@cache
def _is_reachable(endpoint: str) -> bool:
    """Return whether the endpoint responds.

    The request runs in a thread, because requests has no timeout that covers name resolution.
    """
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(requests.head(endpoint, timeout=REACH, allow_redirects=False).status_code)
        except requests.RequestException:
            return

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(REACH)
    return bool(answers)


def _download(url: str, file: Path, sha256: str, report: Report) -> None:
    """Download `url` into `file`.

    Raises Unavailable if the Hub refuses, the transfer breaks off, or the hash differs.
    """
    digest = hashlib.sha256()
    with file.open("wb") as out:
        for block in _blocks(url, file.name, report):
            out.write(block)
            digest.update(block)
    if digest.hexdigest() != sha256:
        raise Unavailable(
            f"{url} is not the file that speakkit expects (sha256 {digest.hexdigest()[:8]}, not {sha256[:8]})"
        )


def _blocks(url: str, what: str, report: Report) -> Iterator[bytes]:
    """Yield the response body in blocks, reporting progress. Raises Unavailable on an HTTP or transfer error."""
    try:
        with requests.get(url, stream=True, timeout=(REACH, STALL)) as response:
            response.raise_for_status()
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            done = 0
            for block in response.iter_content(BLOCK):
                yield block
                done += len(block)
                report(what, done, total)
    except requests.HTTPError as error:
        raise Unavailable(f"the Hub answered {error.response.status_code} for {url}") from error
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(f"the transfer of {url} broke off ({type(error).__name__})") from error
