"""Download of a file over HTTP: bounded in size and time, resumed after a break, and checked against its hash."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from functools import cache
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from speakkit.engines.sources import Pace, Pinned, Unavailable
from speakkit.progress import Step
from speakkit.setting import without_login

BLOCK = 256 << 10
"""Maximum bytes that are written at once."""

SMALL = 4 << 20
"""Maximum bytes of a file that is read into memory."""

PAUSE = 0.1
"""Minimum seconds between two steps that are reported of one transfer."""

REDIRECTS = 5
"""Maximum redirects in a row."""

HOSTS: Mapping[str, tuple[str, ...]] = {"huggingface.co": ("huggingface.co", "hf.co")}
"""Host of a Hub -> domains that it serves files from. Any other Hub serves them from its own host and its subdomains.

See https://huggingface.co/.well-known/meta.json
"""

TAG = re.compile(r'"[!#-~]*"')
"""A strong entity tag (RFC 9110), which is equal for equal bytes only."""

PART = re.compile(r"bytes (\d{1,15})-\d{1,15}/(?:\d{1,15}|\*)")
"""Content-Range of a part; its first group is the offset of the part in the file."""

Answer = TypeVar("Answer")


@cache
def is_reachable(endpoint: str, seconds: float) -> bool:
    """Return whether the server at `endpoint` responds within `seconds`."""
    try:
        _within(seconds, lambda: requests.head(endpoint, timeout=seconds, allow_redirects=False))
    except (OSError, ValueError):  # requests raises subclasses of these
        return False
    return True


def fetch(url: str, file: Path, pinned: Pinned, pace: Pace) -> Iterator[Step]:
    """Complete `file`, which may have the first bytes of an earlier transfer, and yield each step.

    Raises Unavailable if the server refuses, is too slow, breaks off, or sends other content. The bytes received are
    kept for the next call, unless they are wrong. Raises OSError if the file cannot be written.
    """
    begun = _size(file, pinned)
    if begun < pinned.size:
        yield from _transfer(url, file, pinned, pace)
    with file.open("rb") as whole:
        sha256 = hashlib.file_digest(whole, "sha256").hexdigest()
    if sha256 == pinned.sha256 or not pinned.sha256:
        return
    file.unlink()
    if not begun:
        raise _other(url, f"sha256 {sha256[:8]}, not {pinned.sha256[:8]}")
    yield from fetch(url, file, pinned, pace)  # the earlier bytes may be the wrong ones


def read(url: str, pace: Pace) -> bytes:
    """Return the content of a small file, of at most SMALL bytes. Raises Unavailable as `fetch` does."""
    content = b""
    with _answer(url, {}, pace) as response:
        for block in _blocks(response, pace, url):
            content += block
            if len(content) > SMALL:
                raise _other(url, f"more than {SMALL} bytes")
    return content


def _size(file: Path, pinned: Pinned) -> int:
    """Return how many bytes there are already. Removes a file that has too many."""
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        return 0
    if size <= pinned.size:
        return size
    file.unlink()
    return 0


def _transfer(url: str, file: Path, pinned: Pinned, pace: Pace) -> Iterator[Step]:
    """Receive the rest of `file`. Raises as `fetch` does."""
    tag = file.with_name(f"{file.name}.etag")
    told = 0.0
    with _answer(url, _range(_size(file, pinned), tag), pace) as response:
        if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            file.unlink(missing_ok=True)
            raise _broken(url, "the server has less of it than was received before; try again")
        done = _offset(response, _size(file, pinned), pinned, url)
        if not done:
            _keep_tag(response, tag)
        with file.open("ab" if done else "wb") as out:
            for block in _blocks(response, pace, url):
                done += len(block)
                if done > pinned.size:
                    file.unlink()
                    raise _other(url, f"more than {pinned.size} bytes")
                out.write(block)
                if done == pinned.size or time.monotonic() - told >= PAUSE:
                    told = time.monotonic()
                    yield Step(file.name, done, pinned.size)
    if done < pinned.size:
        raise _broken(url, "it ended early")


def _range(begun: int, tag: Path) -> Mapping[str, str]:
    """Return the header fields of a request for the bytes from `begun` on."""
    if not begun:
        return {}
    try:
        known = tag.read_text(errors="replace")
    except OSError:
        known = ""
    return {"Range": f"bytes={begun}-", **({"If-Range": known} if TAG.fullmatch(known) else {})}


def _keep_tag(response: requests.Response, tag: Path) -> None:
    """Keep the entity tag of the content, so that a later request for its rest is answered for equal content only."""
    found = response.headers.get("ETag", "")
    if TAG.fullmatch(found):
        tag.write_text(found)
    else:
        tag.unlink(missing_ok=True)


def _offset(response: requests.Response, begun: int, pinned: Pinned, url: str) -> int:
    """Return the offset of the body in the file: `begun`, or 0 if the server sends the whole file.

    Raises Unavailable if it sends another part, or announces another size.
    """
    offset = 0
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        part = PART.fullmatch(response.headers.get("Content-Range", ""))
        offset = int(part[1]) if part else -1
        if offset != begun:
            raise _broken(url, "the server sent another part of it")
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and offset + int(length) != pinned.size:
        raise _other(url, f"{offset + int(length)} bytes, not {pinned.size}")
    return offset


def _answer(url: str, fields: Mapping[str, str], pace: Pace) -> requests.Response:
    """Request `url`, follow its redirects, and return the response before its body is read.

    Raises Unavailable if the server refuses, does not answer in time, or redirects to a server that it may not name. An
    answer that the server has no such part is returned.
    """
    place = url
    headers = {**fields, "Accept-Encoding": "identity"}  # so that no size is that of packed bytes
    for _ in range(1 + REDIRECTS):
        try:
            response = _within(pace.window, lambda: _get(place, headers, pace))  # noqa: B023  called before the next turn
            if not response.is_redirect:
                if response.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    response.raise_for_status()
                return response
            response.close()
            target = urljoin(place, response.headers["Location"])
            _require_trusted(target, place, url)
        except requests.HTTPError as error:
            raise Unavailable(f"the Hub answered {error.response.status_code} for {without_login(url)}") from error
        except (OSError, ValueError) as error:
            raise _broken(url, type(error).__name__) from error
        place = target
    raise _broken(url, f"more than {REDIRECTS} redirects")


def _get(url: str, headers: Mapping[str, str], pace: Pace) -> requests.Response:
    """Request `url`."""
    return requests.get(url, headers=headers, stream=True, timeout=pace.stall, allow_redirects=False)


def _require_trusted(target: str, place: str, url: str) -> None:
    """Raises Unavailable unless `place` may redirect to `target`: to a host of the Hub of `url`, and not out of TLS.

    Raises ValueError if an address is malformed.
    """
    hub, there = urlsplit(url).hostname or "", urlsplit(target)
    host = there.hostname or ""
    is_secure = there.scheme == "https" or (there.scheme == "http" and urlsplit(place).scheme == "http")
    if is_secure and any(host == domain or host.endswith(f".{domain}") for domain in HOSTS.get(hub, (hub,))):
        return
    raise Unavailable(f"the Hub redirects {without_login(url)} to {there.scheme}://{host}, which is not a server of it")


def _blocks(response: requests.Response, pace: Pace, url: str) -> Iterator[bytes]:
    """Yield the body as it arrives, as the server sent it. Raises Unavailable if it breaks off or is too slow."""
    since, received = time.monotonic(), 0
    try:
        while block := response.raw.read1(BLOCK, decode_content=False):
            yield block
            received += len(block)
            if time.monotonic() - since >= pace.window:
                if received < pace.window * pace.slowest:
                    raise _broken(url, f"only {received} bytes came in {pace.window:g} s")
                since, received = time.monotonic(), 0
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise _broken(url, type(error).__name__) from error


def _within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Return what `call` returns. Raises what it raises if that is an OSError or ValueError, and TimeoutError if late.

    It runs in a thread, because requests limits neither a name lookup nor the time of an answer as a whole.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except (OSError, ValueError) as error:
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    return answer.result(seconds)


def _broken(url: str, reason: str) -> Unavailable:
    """Return the error for a transfer that ended before the file was complete."""
    return Unavailable(f"the transfer of {without_login(url)} broke off ({reason})")


def _other(url: str, difference: str) -> Unavailable:
    """Return the error for content that is not the pinned one."""
    return Unavailable(f"{without_login(url)} is not the file that speakkit expects ({difference})")
