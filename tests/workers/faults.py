"""A handler with every fault that an engine may have: workers are told its name, and import it.

A request's fields are orders, obeyed one after the other: {"sleep": 1, "echo": "done"}.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from speakkit import errors
from speakkit.workers.frames import Frame

TOLD = "it failed, as told"
grown = []


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


class Own(errors.ModelError):
    """An error of speakkit's that speakkit.errors does not know."""


def load(settings):
    """Obeys what `settings` order of the loading."""
    list(obey(settings, b""))
    return lambda request: obey(request.fields, request.payload)


def obey(orders, payload):
    for order, value in orders.items():
        if order == "echo":
            yield Frame({"echo": value, "pid": os.getpid()}, payload)
        elif order == "reply":
            yield Frame({"number": float(value)})
        else:
            ORDERS[order](value)


def exit_with(code):
    print("these were its last words", file=sys.stderr)
    sys.exit(code)


def die_once(path):
    """End, if nobody ended there before."""
    with suppress(FileExistsError):
        Path(path).touch(exist_ok=False)
        os._exit(9)


def leave_behind(seconds):
    """Start a process that has everything of ours."""
    subprocess.Popen(["sleep", str(seconds)], close_fds=False)


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


ORDERS = {
    "sleep": time.sleep,
    "exit": exit_with,
    "die once": die_once,
    "leave behind": leave_behind,
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
