"""How a client comes to a daemon: it connects, and starts one where there is none, with all others that do the same."""

import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from speakkit.daemon.process import failpoints, lifecycle, rundir
from speakkit.daemon.process.rundir import RuntimeDir
from speakkit.errors import DaemonError

PATIENCE = 15.0
"""Seconds in which a daemon is found or started."""

READY = "ready"
"""The first word of what a daemon says on standard error when clients may come."""

SHOWN = 300
"""Characters of its last line that an error shows."""

KEPT = re.compile(
    r"HOME|USER|LOGNAME|PATH|SHELL|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|XDG_.*|DBUS_SESSION_BUS_ADDRESS|DISPLAY"
    r"|WAYLAND_DISPLAY|WSL.*|PULSE_.*|PIPEWIRE_.*|ALSA_.*|SPEAKKIT_.*|HF_ENDPOINT|HF_HOME|CUDA_.*|NVIDIA_.*|OMP_.*|MKL_.*|LD_LIBRARY_PATH"
    r"|DYLD_.*|PYTHON.*|VIRTUAL_ENV|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|SSL_CERT_.*|REQUESTS_CA_BUNDLE"
)
"""The variables that a daemon takes over from the client that starts it."""

SECRET = re.compile(r".*(KEY|TOKEN|SECRET|PASSWORD).*", re.IGNORECASE)
"""Those that it never does: a key from one shell must not stay for all others."""

PER_CLIENT = ("SPEAKKIT_VOICE", "SPEAKKIT_SPEED", "SPEAKKIT_LANG", "SPEAKKIT_ENGINE", "SPEAKKIT_SEED")
"""Likewise, since each client says for itself how it wants to sound."""

_children: list[subprocess.Popen[bytes]] = []
"""The daemons that this process started: kept, so that Python asks for those that ended."""


def connected(place: RuntimeDir) -> socket.socket:
    """A connection to the daemon, which is started where there is none. Raises DaemonError, after 15 s at most."""
    until = time.monotonic() + PATIENCE
    for pause in lifecycle.pauses():
        if found := lifecycle.reach(place.socket):
            return found
        failpoints.at("after_refusal")
        lock = rundir.try_lock(place.spawn_lock)
        if lock is not None:
            with lock:
                if found := lifecycle.reach(place.socket):  # somebody else started one, and had the lock until now
                    return found
                failpoints.at("before_spawn")
                start(place, until - time.monotonic())
        if time.monotonic() > until:
            break
        if lock is None:
            time.sleep(pause)
    raise DaemonError(f"no daemon answers at {place.socket}; what it did is told by: speakkit daemon logs")


def start(place: RuntimeDir, seconds: float) -> None:
    """Start a daemon and wait until clients may come. Raises DaemonError with the reason where it does not start."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as pipe:
        try:
            child = subprocess.Popen(
                # -P: a file of the user's in this folder must not pass for one of Python's modules
                [sys.executable, "-P", "-m", "speakkit.daemon"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=writing,
                env={**environment(os.environ), rundir.VARIABLE: str(place.path)},
                start_new_session=True,  # a Ctrl-C or the end of this terminal is none of its business
            )
        except OSError as error:
            raise DaemonError(f"the daemon cannot be started: {error.strerror}") from error
        finally:
            os.close(writing)
        _children.append(child)
        said = _said(pipe.fileno(), seconds).decode(errors="replace").strip().splitlines()
    last = said[-1] if said else ""
    if not last.startswith(READY):
        raise DaemonError(last.removeprefix("speakkitd: ")[:SHOWN] or "the daemon ended without a word as it started")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables for a daemon, of those of the client that starts it."""
    return {
        name: value
        for name, value in given.items()
        if KEPT.fullmatch(name) and not SECRET.fullmatch(name) and name not in PER_CLIENT
    }


def _said(pipe: int, seconds: float) -> bytes:
    """All that comes through a pipe until its end. Raises DaemonError where that takes too long."""
    until = time.monotonic() + seconds
    said = b""
    readable = select.poll()
    readable.register(pipe, select.POLLIN)
    while readable.poll(max(until - time.monotonic(), 0) * 1000):
        more = os.read(pipe, 4096)
        if not more:
            return said
        said += more
    raise DaemonError(f"the daemon did not start within {PATIENCE:g} s; what it did is told by: speakkit daemon logs")
