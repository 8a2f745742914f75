"""Model names -> folders with weights that can be trusted: the user's folder, the cache, else fetched into the cache.

The cache holds one folder a model, which appears whole or not at all: it is made beside its place, under a lock, and
moved there. Its manifest.json says where the weights are from, and for each file the hash, the size and the time of
change. As git does for its index, a file whose size and time are as recorded is trusted without being read.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock

from speakkit import config, paths
from speakkit.engines.catalog import KOKORO_REPOSITORY, KOKORO_WEIGHTS, MODELS, Model
from speakkit.engines.sources import Report, Source, Unavailable
from speakkit.errors import BadValue, ModelError, StorageError, storage_error

__all__ = [
    "KOKORO_REPOSITORY",
    "KOKORO_WEIGHTS",
    "MODELS",
    "Installed",
    "ModelState",
    "damaged",
    "ensure",
    "is_given",
    "one_hash",
    "state",
]

MANIFEST = "manifest.json"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Installed:
    """Weights that are there.

    source: what they are called wherever they are named, such as "official" or "rebuilt from int8"
    sha256: of the file, or of the lines that `sha256sum *` prints of several; "" if it was not recorded
    """

    folder: Path
    source: str
    sha256: str = field(default="", compare=False)


@dataclass(frozen=True)
class ModelState:
    """What `speakkit models list` shows of one model."""

    model: Model
    installed: Installed | None
    damaged: tuple[str, ...]


def silent(what: str, done: int, total: int | None) -> None:
    """Report to nobody."""


def ensure(name: str, report: Report = silent, *, official: bool = False) -> Installed:
    """The weights of model `name`, fetched or rebuilt where they are missing or damaged.

    official: take none but the official weights, and put them in the place of others.
    Raises BadValue for an unknown name, ModelError where no source has it, StorageError where the cache cannot take it.
    """
    model = _model(name)
    found = None if official else _in_user_folder(model)
    found = found or _ready(model, official=official)
    if found:
        return found
    sources = tuple(source for source in model.sources if not official or source.label == model.sources[0].label)
    with _locked(model):
        for name_of_file in _damaged(model):
            log.warning("%s of the model %s is damaged; making it again", name_of_file, model.name)
        return _ready(model, official=official) or _make(model, report, sources)


def state(name: str) -> ModelState:
    """What there is of model `name`, without fetching anything."""
    model = _model(name)
    broken = _damaged(model)
    return ModelState(model, _in_user_folder(model) or (None if broken else _in_cache(model)), broken)


def damaged(name: str) -> tuple[str, ...]:
    """The files of model `name` in the cache that are missing or not as they were recorded. Reads all of them."""
    return _damaged(_model(name), read_all=True)


def is_given(name: str) -> bool:
    """Whether the folder that the setting `models` names holds the model `name`. Raises as `state`."""
    return _in_user_folder(_model(name)) is not None


def _model(name: str) -> Model:
    if name not in MODELS:
        raise BadValue(f"there is no model {name!r}; try one of {', '.join(MODELS)}")
    return MODELS[name]


def _in_user_folder(model: Model) -> Installed | None:
    """The weights in the folder that the setting `models` names: taken as they are."""
    given = config.load().models
    if given is None:
        return None
    if not given.is_dir():
        source = config.sourced_values()["models"].source
        raise ModelError(f"{source} names {given}, which is no folder; unset it to use the cache")
    folder = given / model.name
    return Installed(folder, f"in {given}") if folder.is_dir() else None


def _in_cache(model: Model) -> Installed | None:
    manifest = _manifest(model)
    return Installed(_folder(model), str(manifest["source"]), _of_files(manifest)) if manifest else None


def _of_files(manifest: dict[str, Any]) -> str:
    return one_hash({name: str(record["sha256"]) for name, record in manifest["files"].items()})


def one_hash(hashes: Mapping[str, str]) -> str:
    """The sha256 of several files together: of the lines that `sha256sum *` prints. Of a single file, its own.

    hashes: file -> sha256
    """
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    listed = "".join(f"{found}  {name}\n" for name, found in sorted(hashes.items()))
    return hashlib.sha256(listed.encode()).hexdigest()


def _ready(model: Model, *, official: bool = False) -> Installed | None:
    """The cached weights where they are whole, and official where that is asked."""
    installed = None if _damaged(model) else _in_cache(model)
    return installed if installed and (not official or installed.source == model.sources[0].label) else None


def _damaged(model: Model, *, read_all: bool = False) -> tuple[str, ...]:
    manifest = _manifest(model)
    if manifest is None:
        return (MANIFEST,) if os.path.lexists(_folder(model)) else ()
    files: dict[str, dict[str, Any]] = manifest["files"]
    return tuple(
        name for name, record in files.items() if not _is_whole(_folder(model) / name, record, read_all=read_all)
    )


def _is_whole(file: Path, record: dict[str, Any], *, read_all: bool) -> bool:
    try:
        found = file.stat()
        if found.st_size != record["size"]:
            return False
        unchanged = found.st_mtime_ns == record["mtime_ns"] and not read_all
        return unchanged or _sha256(file) == record["sha256"]
    except OSError:
        return False


def _manifest(model: Model) -> dict[str, Any] | None:
    """What was recorded when the model was made; None where there is no model, or no record that can be read."""
    try:
        manifest: dict[str, Any] = json.loads((_folder(model) / MANIFEST).read_text())
        complete = all(record.keys() >= {"sha256", "size", "mtime_ns"} for record in manifest["files"].values())
        complete = complete and bool(manifest["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if complete else None


def _make(model: Model, report: Report, sources: tuple[Source, ...]) -> Installed:
    """Fetch the model into a folder beside its place, and move it there whole."""
    reasons = []
    scratch = paths.models() / f".{model.name}.partial"
    for source in sources:
        try:
            _fetch(model, source, scratch, report)
        except Unavailable as error:
            log.info("%s: %s", model.name, error)
            reasons.append(str(error))
        except OSError as error:
            raise _cannot_store(model, error) from error
        else:
            return _in_cache(model) or Installed(_folder(model), source.label)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    raise ModelError(f"the model {model.name} is not installed and cannot be fetched: {'; '.join(reasons)}")


def _fetch(model: Model, source: Source, scratch: Path, report: Report) -> None:
    _clear(scratch)  # of a run that was killed
    scratch.mkdir()
    source.fetch(scratch, report)
    files = {file.name: _record(file) for file in sorted(scratch.iterdir())}
    (scratch / MANIFEST).write_text(json.dumps({"source": source.label, "files": files}, indent=1))
    _clear(_folder(model))
    scratch.rename(_folder(model))


def _clear(path: Path) -> None:
    """Remove whatever is at `path`."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _record(file: Path) -> dict[str, Any]:
    found = file.stat()
    return {"sha256": _sha256(file), "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _cannot_store(model: Model, error: OSError) -> StorageError:
    reason = storage_error(error, f"store the model {model.name} in {paths.models()}")
    return StorageError(
        f"{reason}; it takes {model.size_mb} MB: free some space, or name another folder with SPEAKKIT_HOME"
    )


@contextmanager
def _locked(model: Model) -> Iterator[None]:
    """Hold the model's lock, so that two processes that want it do the work once."""
    try:
        paths.models().mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(paths.models() / f".{model.name}.lock")
        lock.acquire()
    except OSError as error:
        raise _cannot_store(model, error) from error
    try:
        yield
    finally:
        lock.release()


def _folder(model: Model) -> Path:
    return paths.models() / model.name
