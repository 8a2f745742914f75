"""How a client connects to the daemon, and starts one if none runs.

If several clients do so at the same time, only one daemon is started.
"""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from speakkit import config
from speakkit.daemon.process import failpoints, lifecycle, rundir
from speakkit.daemon.process.rundir import RuntimeDir
from speakkit.errors import DaemonError
from speakkit.playback.environment import SESSION

PATIENCE = 15.0
"""Seconds within which a daemon must be found or started."""

READY = "ready"
"""First word of the line that the daemon writes to standard error when it accepts connections."""

SHOWN = 300
"""Maximum characters of the daemon's last line that an error message quotes."""

PER_CLIENT = ("voice", "speed", "lang", "engine", "seed")
"""Settings that each client sends with its requests, so that a daemon does not inherit their variables."""

KEPT = {
    *SESSION,
    *(setting.variable for setting in config.SETTINGS if setting.name not in PER_CLIENT),
    *("SPEAKKIT_HOME", rundir.VARIABLE),
    *("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TORCH_HOME", "TRITON_CACHE_DIR", "CC", "CUDA_HOME", "CUDA_PATH"),
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_CACHE_PATH", "NVIDIA_VISIBLE_DEVICES"),
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_PROC_BIND", "OMP_PLACES", "GOMP_SPINCOUNT"),
    *("MKL_NUM_THREADS", "MKL_THREADING_LAYER", "VIRTUAL_ENV"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONUTF8", "PYTHONIOENCODING"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS", "PYTHONFAULTHANDLER", "PYTHONMALLOC"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy", "ALL_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
}
"""Environment variables that a daemon inherits from the client that starts it.

Any other may hold a key or a password of one shell, which must not be used for all clients.
"""

_children: list[subprocess.Popen[bytes]] = []
"""Daemons that this process started; kept so that Python reaps those that have ended."""


def connected(place: RuntimeDir) -> socket.socket:
    """A connection to the daemon, which is started if none runs. Raises DaemonError, after 15 s at most."""
    until = time.monotonic() + PATIENCE
    for pause in lifecycle.pauses():
        if found := lifecycle.reach(place.socket):
            return found
        failpoints.at("after_refusal")
        lock = rundir.try_lock(place.spawn_lock)
        if lock is not None:
            with lock:
                if found := lifecycle.reach(place.socket):  # another client held the lock, and started one
                    return found
                failpoints.at("before_spawn")
                start(place, until - time.monotonic())
        if time.monotonic() > until:
            break
        if lock is None:
            time.sleep(pause)
    raise DaemonError(f"no daemon answers at {place.socket}; see: speakkit daemon logs")


def start(place: RuntimeDir, seconds: float) -> None:
    """Start a daemon, and wait until it accepts connections. Raises DaemonError with the reason if that fails."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as pipe:
        try:
            child = subprocess.Popen(
                # -P: a file in the working directory must not shadow a Python module
                [sys.executable, "-P", "-m", "speakkit.daemon"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=writing,
                env={**environment(os.environ), rundir.VARIABLE: str(place.path)},
                start_new_session=True,  # Ctrl-C and the end of this terminal must not end the daemon
            )
        except OSError as error:
            raise DaemonError(f"the daemon cannot be started: {error.strerror}") from error
        finally:
            os.close(writing)
        _children.append(child)
        said = _said(pipe.fileno(), seconds).decode(errors="replace").strip().splitlines()
    last = said[-1] if said else ""
    if not last.startswith(READY):
        raise DaemonError(last.removeprefix("speakkitd: ")[:SHOWN] or "the daemon ended on startup without a message")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Environment of a daemon: the variables of `given`, those of the client, that it inherits."""
    return {name: value for name, value in given.items() if name in KEPT}


def _said(pipe: int, seconds: float) -> bytes:
    """All bytes from a pipe until its end. Raises DaemonError after `seconds`."""
    until = time.monotonic() + seconds
    said = b""
    readable = select.poll()
    readable.register(pipe, select.POLLIN)
    while readable.poll(max(until - time.monotonic(), 0) * 1000):
        more = os.read(pipe, 4096)
        if not more:
            return said
        said += more
    raise DaemonError(f"the daemon did not start within {PATIENCE:g} s; see: speakkit daemon logs")
