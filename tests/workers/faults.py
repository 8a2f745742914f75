"""Request handlers with every fault that an engine can have. Worker processes import this module by its name.

A request is a dictionary of orders, executed in turn: {"sleep": 1, "echo": "done"}. `load` answers one request with any
number of replies. `each` answers several requests, with an outcome for each.
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
    """Has the name of torch's error."""


class Own(errors.ModelError):
    """An error derived from one in speakkit.errors, which itself is not in that module."""


def load(settings):
    """Execute the orders in `settings` while loading; returns the handler of single requests."""
    list(obey(settings))
    return obey


def each(settings: dict) -> Callable[[list[dict]], Iterator[Outcome]]:
    """Execute the orders in `settings`; returns the handler of several requests.

    An item's outcome is its last reply.
    """
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
    """End the process, unless the file exists already."""
    with suppress(FileExistsError):
        Path(path).touch(exist_ok=False)
        os._exit(9)


def take_turns(path):
    """Write the process id to the file; if another process has done so before, wait for ever."""
    try:
        with open(path, "x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        time.sleep(3600)


def die_if(path):
    """End the process if the file exists."""
    if Path(path).exists():
        os._exit(8)


def fail_if(path):
    """Raise ModelError if the file exists."""
    if Path(path).exists():
        fail("ModelError")


def leave_behind(path):
    """Start a process that inherits all open files, and write its process id to a file."""
    left = subprocess.Popen(["sleep", "600"], close_fds=False)
    Path(path).write_text(str(left.pid))


def burn(seconds):
    """Use the processor for some seconds."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def trickle(seconds):
    """Read a byte every 0.1 seconds, and do nothing in between."""
    until = time.monotonic() + seconds
    with open("/dev/zero", "rb", buffering=0) as file:
        while time.monotonic() < until:
            file.read(1)
            time.sleep(0.1)


def hold(seconds):
    """Sleep in C without releasing the GIL, so that no Python thread can run."""
    ctypes.PyDLL(None).sleep(seconds)


def say(text):
    """Write to standard output from Python and directly to its descriptor, more than any buffer holds."""
    print(text * 20_000, flush=True)
    os.write(1, text.encode() * 20_000)


def warn(text):
    """Write many lines and then a long one to standard error."""
    print((text + "\n") * 20_000 + text * 20_000, file=sys.stderr)


def write_raw(text):
    """Write to every socket of this process, which no library should do."""
    for link in Path("/proc/self/fd").iterdir():
        if link.is_symlink() and link.readlink().name.startswith("socket"):
            os.write(int(link.name), text.encode())


def fail(name):
    kind = globals().get(name) or vars(errors).get(name) or getattr(__import__("builtins"), name)
    raise kind(TOLD)


def fail_for_memory(text):
    """Raise an error whose cause is lack of memory, as an engine does that misinterprets it."""
    raise errors.ModelError("the weights are damaged") from RuntimeError(text)


def note(path):
    """Append a mark to a file, which shows that the handler came this far."""
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
    "take turns": take_turns,
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
