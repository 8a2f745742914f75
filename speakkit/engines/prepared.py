"""Weights in the form in which an engine computes with them, kept beside the cache of models.

A later start maps the file into memory: it computes nothing, and processes that run at the same time share the memory.
"""

import logging
import os
import pickle
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from speakkit import paths

MOST = 3
"""Files that are kept for one engine, such as those of two checkouts of speakkit; older ones are removed."""

log = logging.getLogger(__name__)


def key(checkpoint: Path, code: Iterable[Path]) -> str:
    """Return what the prepared weights depend on, as a name: the checkpoint, the code, torch and the processor.

    code: files with the code that prepares the weights
    Raises OSError if a file cannot be read.
    """
    found = checkpoint.stat()
    parts = [str(checkpoint.resolve()), str(found.st_size), str(found.st_mtime_ns)]
    parts += [torch.__version__, torch.backends.cpu.get_cpu_capability()]
    parts += [sha256(file.read_bytes()).hexdigest() for file in sorted(code)]
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def load(engine: str, name: str) -> dict[str, Tensor] | None:
    """Return the kept weights of `engine` with the key `name`, mapped into memory; None if there are none.

    A damaged file is removed.
    """
    file = _folder(engine) / name
    try:
        state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError:
        return None
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        log.info("%s cannot be used, so it is made again: %s", file, error)
        discard(engine, name)
        return None
    return state


def keep(engine: str, name: str, state: dict[str, Tensor]) -> None:
    """Keep weights for the next start, if there is room for them. A failure is only logged."""
    folder = _folder(engine)
    scratch = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(state, scratch)
        scratch.replace(folder / name)
        for old in sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)[:-MOST]:
            old.unlink()
    except (OSError, RuntimeError) as error:  # torch raises RuntimeError if the disk is full
        log.info("the prepared weights of %s are not kept, so that each start takes longer: %s", engine, error)
        with suppress(OSError):
            scratch.unlink(missing_ok=True)


def discard(engine: str, name: str) -> None:
    """Remove kept weights, if there are any and they can be removed."""
    with suppress(OSError):
        (_folder(engine) / name).unlink(missing_ok=True)


def _folder(engine: str) -> Path:
    return paths.models() / f".{engine}.prepared"
