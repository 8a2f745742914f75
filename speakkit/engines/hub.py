"""Model weights: find them by model name in the user's folder or in the cache, or fetch them into the cache.

The cache has one folder per model. It is created atomically: built in a scratch folder under a lock, then renamed. Its
manifest.json records the source of the weights, and the hash, size and modification time of each file. As in git's
index, a file whose size and modification time match the record is trusted without reading it.

What a transfer that broke off has received is kept in a folder beside it, from which the next one continues.
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

from speakkit import paths
from speakkit.engines import locations
from speakkit.engines.catalog import KOKORO_REPOSITORY, KOKORO_WEIGHTS, MODELS, Model
from speakkit.engines.fetch_lock import FetchLock
from speakkit.engines.packages import AnySource
from speakkit.engines.whisper_sizes import ALIASES
from speakkit.errors import BadValue, ModelError, StorageError, WorkerDied, storage_error
from speakkit.progress import Report

__all__ = [
    "KOKORO_REPOSITORY",
    "KOKORO_WEIGHTS",
    "MODELS",
    "Installed",
    "ModelState",
    "damaged",
    "ensure",
    "is_given",
    "is_there",
    "one_hash",
    "state",
]

MANIFEST = "manifest.json"
"""Name of the file in a model's folder that records its source and its files."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Installed:
    """Weights that are installed.

    folder: the folder with the weight files
    source: label of their source, such as "official" or "rebuilt from int8"
    sha256: hash of the file, or, if there are several files, of the lines that `sha256sum *` prints; "" if it was not
        recorded
    """

    folder: Path
    source: str
    sha256: str = field(default="", compare=False)


@dataclass(frozen=True)
class ModelState:
    """The state of one model, as `speakkit models list` shows it.

    installed: the weights; None if there are none that can be used
    damaged: names of the damaged files in the cache
    """

    model: Model
    installed: Installed | None
    damaged: tuple[str, ...]


def silent(what: str, done: int, total: int | None) -> None:
    """Report no progress."""


def ensure(name: str, report: Report = silent, *, official: bool = False) -> Installed:
    """Return the weights of model `name`; fetch or rebuild them if they are missing or damaged.

    official: accept only the official weights, and replace others with them
    Raises BadValue for an unknown name; ModelError if no source can provide the model, or if it is missing and this
    process may not fetch; StorageError if it cannot be stored in the cache.
    """
    model = _model(name)
    found = None if official else _in_user_folder(model)
    found = found or _ready(model, official=official)
    if found:
        return found
    if not locations.may_fetch():
        raise ModelError(f"the model {name} is not installed, or is damaged; fetch it: speakkit models fetch {name}")
    sources = tuple(source for source in model.sources if not official or source.label == model.sources[0].label)
    with _locked(model, report) as shared:
        for name_of_file in _damaged(model):
            log.warning("%s of the model %s is damaged; making it again", name_of_file, model.name)
        return _ready(model, official=official) or _make(model, shared, sources)


def state(name: str) -> ModelState:
    """Return the state of model `name`, without fetching anything.

    Raises BadValue for an unknown name, ModelError if the setting `models` names no folder.
    """
    model = _model(name)
    broken = _damaged(model)
    return ModelState(model, _in_user_folder(model) or (None if broken else _in_cache(model)), broken)


def damaged(name: str) -> tuple[str, ...]:
    """Return the files of model `name` in the cache that are missing or differ from the manifest.

    Reads all files in full.
    """
    return _damaged(_model(name), read_all=True)


def is_there(name: str) -> bool:
    """Whether there is a folder of model `name`, which may be damaged. Raises as `state` does."""
    return is_given(name) or _folder(_model(name)).is_dir()


def is_given(name: str) -> bool:
    """Whether the folder of the setting `models` contains the model `name`. Raises as `state` does."""
    return _in_user_folder(_model(name)) is not None


def _model(name: str) -> Model:
    """Return the model. Raises BadValue for an unknown name."""
    known = ALIASES.get(name, name)
    if known not in MODELS:
        raise BadValue(f"there is no model {name!r}; try one of {', '.join(MODELS)}")
    return MODELS[known]


def _in_user_folder(model: Model) -> Installed | None:
    """Return the weights in the folder of the setting `models`, unchecked; None if it does not have them.

    Raises ModelError if the setting does not name a folder.
    """
    found = locations.current()
    given = found.models
    if given is None:
        return None
    if not os.path.isdir(given):  # noqa: PTH112  Path.is_dir raises OSError for a name that is too long
        raise ModelError(f"{found.models_source} names {given}, which is not a folder; unset it to use the cache")
    folder = given / model.name
    return Installed(folder, f"in {given}") if folder.is_dir() else None


def _in_cache(model: Model) -> Installed | None:
    """Return the weights in the cache; None if there is no valid manifest."""
    manifest = _manifest(model)
    return Installed(_folder(model), str(manifest["source"]), _of_files(manifest)) if manifest else None


def _of_files(manifest: dict[str, Any]) -> str:
    """Return the combined hash of the files in a manifest."""
    return one_hash({name: str(record["sha256"]) for name, record in manifest["files"].items()})


def one_hash(hashes: Mapping[str, str]) -> str:
    """Return one sha256 for several files: the hash of the lines that `sha256sum *` prints.

    For a single file, this is the file's own hash.

    hashes: file name -> sha256
    """
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    listed = "".join(f"{found}  {name}\n" for name, found in sorted(hashes.items()))
    return hashlib.sha256(listed.encode()).hexdigest()


def _ready(model: Model, *, official: bool = False) -> Installed | None:
    """Return the cached weights if they are undamaged, and official if `official` is set."""
    installed = None if _damaged(model) else _in_cache(model)
    return installed if installed and (not official or installed.source == model.sources[0].label) else None


def _damaged(model: Model, *, read_all: bool = False) -> tuple[str, ...]:
    """Return the damaged files of a cached model; MANIFEST if its folder has no valid manifest."""
    manifest = _manifest(model)
    if manifest is None:
        return (MANIFEST,) if os.path.lexists(_folder(model)) else ()
    files: dict[str, dict[str, Any]] = manifest["files"]
    return tuple(
        name for name, record in files.items() if not _is_whole(_folder(model) / name, record, read_all=read_all)
    )


def _is_whole(file: Path, record: dict[str, Any], *, read_all: bool) -> bool:
    """Whether a file matches its manifest record. Checks the hash only if the time differs or `read_all` is set."""
    try:
        found = file.stat()
        if found.st_size != record["size"]:
            return False
        unchanged = found.st_mtime_ns == record["mtime_ns"] and not read_all
        return unchanged or _sha256(file) == record["sha256"]
    except OSError:
        return False


def _manifest(model: Model) -> dict[str, Any] | None:
    """Return the manifest of a cached model; None if it is missing, unreadable or incomplete."""
    try:
        manifest: dict[str, Any] = json.loads((_folder(model) / MANIFEST).read_text())
        complete = all(record.keys() >= {"sha256", "size", "mtime_ns"} for record in manifest["files"].values())
        complete = complete and bool(manifest["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if complete else None


def _make(model: Model, report: Report, sources: tuple[AnySource, ...]) -> Installed:
    """Install the model from the first source that is available.

    Raises ModelError, with the reasons, if no source is available, and StorageError if the model cannot be stored.
    """
    reasons = []
    for source in sources:
        try:
            source.require()
            _install(model, source, report)
        except (ModelError, WorkerDied) as error:
            log.info("%s: %s", model.name, error)
            reasons.append(str(error))
        except OSError as error:
            shutil.rmtree(_kept(model), ignore_errors=True)  # it may be what fills the disk
            raise _cannot_store(model, error) from error
        else:
            return _in_cache(model) or Installed(_folder(model), source.label)
    raise ModelError(f"the model {model.name} is not installed and cannot be fetched: {'; '.join(reasons)}")


def _install(model: Model, source: AnySource, report: Report) -> None:
    """Fetch the model from one source into a scratch folder, and rename that to the model's folder.

    Raises ModelError, WorkerDied or OSError.
    """
    from speakkit.engines import fetching  # noqa: PLC0415  only a fetch needs another process

    scratch = paths.models() / f".{model.name}.scratch"
    _clear(scratch)  # left by a killed run
    scratch.mkdir()
    try:
        fetching.run(fetching.Order(source, scratch, _kept(model)), report)
        files = {file.name: _record(file) for file in sorted(scratch.iterdir())}
        (scratch / MANIFEST).write_text(json.dumps({"source": source.label, "files": files}, indent=1))
        _clear(_folder(model))
        scratch.rename(_folder(model))
        _clear(_kept(model))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _clear(path: Path) -> None:
    """Remove the file or folder at `path`, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _record(file: Path) -> dict[str, Any]:
    """Return the manifest record of a file."""
    found = file.stat()
    return {"sha256": _sha256(file), "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _sha256(file: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _cannot_store(model: Model, error: OSError) -> StorageError:
    """Return the error for a model that cannot be stored, with its size and how to mend it."""
    reason = storage_error(error, f"store the model {model.name} in {paths.models()}")
    return StorageError(
        f"{reason}; it takes {model.size_mb} MB: free some space, or name another folder with SPEAKKIT_HOME"
    )


@contextmanager
def _locked(model: Model, report: Report) -> Iterator[Report]:
    """Hold the model's lock, so that concurrent processes fetch the model only once.

    Yields the function that takes the progress of the fetch, which the processes that wait report too.
    """
    try:
        paths.models().mkdir(parents=True, exist_ok=True)
        lock = FetchLock(paths.models(), model.name)
        lock.acquire(report)
    except OSError as error:
        raise _cannot_store(model, error) from error
    try:
        yield lock.shared(report)
    finally:
        lock.release()


def _kept(model: Model) -> Path:
    """Return the folder of what transfers that broke off have received."""
    return paths.models() / f".{model.name}.partial"


def _folder(model: Model) -> Path:
    """Return the model's folder in the cache."""
    return paths.models() / model.name
