"""Makes a virtual environment and installs packages into it, in a worker process that ends with this one.

The programs that it starts end with the worker process too, so that a killed installation leaves none behind.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import msgspec

from speakkit.errors import EngineError, NetworkError, StorageError, storage_error
from speakkit.printable import printable
from speakkit.progress import Report, Step
from speakkit.setting import without_login
from speakkit.workers.worker import Limits, Worker

PLACE = "speakkit.engines.installing:load"
"""Loader that the process runs."""

LIMITS = Limits(silence_s=300.0, cpu_s=7200.0)
"""Limits of the process. pip gives up on a server that is silent; these are for what its timeouts do not cover."""

VENV = "venv"
"""Folder of the virtual environment in the folder of an environment."""

INSTALLED = "installed.txt"
"""File that lists each installed package with its version."""

FOREIGN = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
"""Variables by which another Python would find this one's packages."""

SHOWN = 300
"""Maximum characters of an installer's message in an error."""

KEPT = 40
"""Last lines of an installer's output that are searched for the reason of a failure."""

OF_ERROR = re.compile(r"error: ", re.IGNORECASE)
"""Start of the lines in which pip and uv give the reason of a failure."""

RETRY = "WARNING: Retrying ("
"""Start of a warning of pip about a fault that may have passed."""

LAST_RETRY = re.compile(rf"{re.escape(RETRY)}Retry\(total=0,.*?\)\) after ")
"""The same before its last try. A fault of the network after that is not reported, but that no package was found."""

OF_NETWORK = re.compile(
    r"connection (error|refused|reset|broken|aborted)|max retries exceeded|timed out|dns error|name resolution"
    r"|name or service not known|unreachable|error sending request|request failed after",
    re.IGNORECASE,
)
"""Messages of pip and uv about a server that cannot be reached, or that does not answer."""


class Order(msgspec.Struct, frozen=True):
    """Order to make an environment. The replies are its steps.

    folder: existing folder of the environment
    requirements: file in pip's format
    """

    folder: Path
    requirements: Path


def run(order: Order, report: Report) -> None:
    """Make an environment, and report each step.

    Raises NetworkError if a server cannot be reached, StorageError if the folder cannot be written, and EngineError if
    a package cannot be installed or the process is lost.
    """
    with Worker(PLACE, None, LIMITS) as worker:
        for step in worker.request(order, Step, retries=0):
            report(step.what, step.done, step.total)


def variables(folder: Path) -> dict[str, str]:
    """Return the environment variables of a program that runs in the environment in `folder`."""
    bare = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    venv = folder / VENV
    return bare | {
        "VIRTUAL_ENV": str(venv),
        "PATH": os.pathsep.join(filter(None, [str(venv / "bin"), bare.get("PATH", os.defpath)])),
        "PYTHONNOUSERSITE": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def load(_: None) -> Callable[[Order], Iterator[Step]]:
    """Return the handler of the process."""
    return _install


def _install(order: Order) -> Iterator[Step]:
    """Make an environment, and yield each step."""
    venv = order.folder / VENV
    python = str(venv / "bin" / "python")
    if uv := shutil.which("uv"):
        create = [uv, "venv", "--python", sys.executable, str(venv)]
        install = [uv, "pip", "install", "--python", python]
    elif find_spec("pip"):
        create = [sys.executable, "-m", "venv", "--without-pip", str(venv)]
        install = [sys.executable, "-m", "pip", "--python", python, "--no-input", "install"]
    else:
        raise EngineError("neither uv nor pip is installed; install uv, and try again")
    yield from _steps(create, order.folder)
    yield from _steps([*install, "-r", str(order.requirements)], order.folder)
    try:
        (order.folder / INSTALLED).write_text(_packages(venv))
    except OSError as error:
        raise storage_error(error, f"write {order.folder / INSTALLED}") from error


def _packages(venv: Path) -> str:
    """Return the packages in a virtual environment with their versions, one per line, in order."""
    folders = [str(folder) for folder in (venv / "lib").glob("python*/site-packages")]
    return "".join(sorted(f"{found.name}=={found.version}\n" for found in distributions(path=folders)))


def _steps(command: Sequence[str], folder: Path) -> Iterator[Step]:
    """Run an installer, and yield each line of its output.

    Raises NetworkError, StorageError or EngineError, with the reason that it gave, if it fails.
    """
    last: deque[str] = deque(maxlen=KEPT)
    try:
        process = subprocess.Popen(
            command,
            env=variables(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise EngineError(str(storage_error(error, f"run {command[0]}"))) from error
    with process:
        for number, line in enumerate(process.stdout or ()):
            if said := line.strip():
                last.append(said)
                yield Step(said[:SHOWN], number)
    if process.returncode:
        raise _failure(last, process.returncode)


def _failure(said: Sequence[str], code: int) -> EngineError | NetworkError | StorageError:
    """Return the error for an installer that failed.

    said: the last lines of its output
    """
    lines = [line for line in (LAST_RETRY.sub("", line) for line in said) if not line.startswith(RETRY)]
    first = next((i for i, line in enumerate(lines) if OF_ERROR.match(line) or OF_NETWORK.search(line)), -1)
    reason = printable(without_login(" ".join(lines[first:] or [f"exit code {code}"]))[:SHOWN])
    if any("No space left on device" in line for line in lines):
        return StorageError(f"the disk is full: {reason}")
    if any(OF_NETWORK.search(line) for line in lines):
        return NetworkError(f"a server cannot be reached, or does not answer: {reason}")
    return EngineError(reason)
