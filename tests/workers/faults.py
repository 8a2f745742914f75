"""A handler with every fault that an engine may have: workers are told its name, and import it.

A request is orders, obeyed one after the other: {"sleep": 1, "echo": "done"}. `load` answers one request with any
number of replies, `each` answers several, with an outcome for each.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from speakkit import errors
from speakkit.outcome import Outcome

TOLD = "it failed, as told"
grown = []


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


class Own(errors.ModelError):
    """An error of speakkit's that speakkit.errors does not know."""


def load(settings):
    """Obeys what `settings` order of the loading."""
    list(obey(settings))
    return obey


def each(settings: dict) -> Callable[[list[dict]], Iterator[Outcome]]:
    """Likewise; the outcome of an item is its last reply."""
    list(obey(settings))
    return outcomes


def outcomes(items):
    for item in items:
        if "fail alone" in item:
            yield Outcome(item, error=ALONE[item["fail alone"]])
        elif "stay silent" in item:
            return
        else:
            replies = list(obey(item))
            yield Outcome(item, replies[-1] if replies else None)
        if "say more" in item:
            yield Outcome(item, 0)


def obey(orders):
    for order, value in orders.items():
        if order == "echo":
            yield {"echo": value, "pid": os.getpid(), "payload": orders.get("payload", b"")}
        elif order == "reply":
            yield {"number": float(value)}
        elif order == "reply with":
            yield REPLIES[value]
        elif order not in ("payload", "say more"):
            ORDERS[order](value)


def exit_with(code):
    print("these were its last words", file=sys.stderr)
    sys.exit(code)


def die_once(path):
    """End, if nobody ended there before."""
    with suppress(FileExistsError):
        Path(path).touch(exist_ok=False)
        os._exit(9)


def die_if(path):
    """End, if there is such a file."""
    if Path(path).exists():
        os._exit(8)


def fail_if(path):
    """Raise, if there is such a file."""
    if Path(path).exists():
        fail("ModelError")


def leave_behind(path):
    """Start a process that has everything of ours, and write its number."""
    left = subprocess.Popen(["sleep", "600"], close_fds=False)
    Path(path).write_text(str(left.pid))


def burn(seconds):
    """Use processor time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def trickle(seconds):
    """Read a byte now and then, and do nothing in between."""
    until = time.monotonic() + seconds
    with open("/dev/zero", "rb", buffering=0) as file:
        while time.monotonic() < until:
            file.read(1)
            time.sleep(0.1)


def hold(seconds):
    """Sleep in C, and let no thread of Python run."""
    ctypes.PyDLL(None).sleep(seconds)


def say(text):
    """On standard output, by Python and by C, more than any buffer holds."""
    print(text * 20_000, flush=True)
    os.write(1, text.encode() * 20_000)


def warn(text):
    """On standard error, a long line after many."""
    print((text + "\n") * 20_000 + text * 20_000, file=sys.stderr)


def write_raw(text):
    """Onto every socket that this process has, as no library should."""
    for link in Path("/proc/self/fd").iterdir():
        if link.is_symlink() and link.readlink().name.startswith("socket"):
            os.write(int(link.name), text.encode())


def fail(name):
    kind = globals().get(name) or vars(errors).get(name) or getattr(__import__("builtins"), name)
    raise kind(TOLD)


def fail_for_memory(text):
    """As an engine that takes what it was raised from for something else."""
    raise errors.ModelError("the weights are damaged") from RuntimeError(text)


def note(path):
    """That it came so far."""
    with open(path, "a") as file:
        file.write("x")


ALONE: dict[str, Any] = {
    "error": Own(TOLD),
    "bug": errors.WorkerBug("KeyError", TOLD, "line 7"),
    "memory": MemoryError(TOLD),
}
REPLIES = {"prefix": sys.prefix, "nothing that can be sent": object(), "nan": float("nan"), "half": "\ud800"}

ORDERS = {
    "sleep": time.sleep,
    "exit": exit_with,
    "die once": die_once,
    "die if": die_if,
    "fail if": fail_if,
    "leave behind": leave_behind,
    "burn": burn,
    "trickle": trickle,
    "hold": hold,
    "nice": os.nice,
    "signal": lambda name: os.kill(os.getpid(), getattr(signal, name)),
    "segfault": ctypes.string_at,
    "grow": lambda megabytes: grown.append(b"x" * (megabytes * 2**20)),
    "say": say,
    "warn": warn,
    "write raw": write_raw,
    "fail": fail,
    "fail for memory": fail_for_memory,
    "note": note,
}
