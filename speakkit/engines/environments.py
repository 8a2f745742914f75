"""Environments of external engines: a folder each, with a virtual environment and the command that runs in it.

An environment is defined by its engine.toml, which is written last: a folder without it is not ready. It can also be
written by hand, for an engine that was installed by other means:

    command = ["/opt/conda/envs/asr/bin/python", "/home/me/adapter.py"]

See `json_lines` for what the command has to do.
"""

import hashlib
import logging
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from speakkit import paths, tomlfile
from speakkit.engines import installing, sources
from speakkit.engines.fetch_lock import FetchLock
from speakkit.engines.recipes import RECIPES, adapters
from speakkit.errors import BadValue, ConfigError, EngineError, ModelError, NetworkError, StorageError, storage_error
from speakkit.progress import Report

DEFINITION = "engine.toml"
"""File that defines an environment."""

REQUIREMENTS = "requirements.txt"
"""Copy of the requirements that an environment was made from."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

LARGEST = 1 << 20
"""Maximum bytes of a file of requirements."""

log = logging.getLogger(__name__)


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of engine.toml.

    command: program and arguments. It runs in the folder of engine.toml, with the virtual environment first on PATH
    about: what it is, in a few words
    licence: SPDX expression for code and weights together
    version: hash of the names and versions of all installed packages
    """

    command: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    about: str = ""
    licence: str = ""
    version: str = ""


@dataclass(frozen=True)
class Environment:
    """The environment of an external engine.

    definition: None if the environment is not complete
    """

    name: str
    folder: Path
    definition: Definition | None


@dataclass(frozen=True)
class _Plan:
    """What an environment is made from. text: content of the file of requirements."""

    requirements: Path
    text: str
    definition: Definition


def find(name: str) -> tuple[Path, Definition]:
    """Return the folder and the definition of an environment.

    Raises BadValue if there is none of this name, EngineError if it is not complete, ConfigError if its definition is
    invalid.
    """
    folder = _folder(name)
    if not folder.is_dir():
        created = [each.name for each in existing()]
        raise BadValue(
            f"there is no external engine {name!r}; {_one_of(created)}create it: speakkit models env create {name}"
        )
    definition = _definition(folder)
    if definition is None:
        raise EngineError(f"the environment {name} is not complete; create it again: speakkit models env create {name}")
    return folder, definition


def existing() -> list[Environment]:
    """Return all environments, also those that are not complete, by name. Raises ConfigError as `find` does."""
    try:
        folders = sorted(path for path in paths.environments().iterdir() if NAME.fullmatch(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage_error(error, f"read {paths.environments()}") from error
    return [Environment(folder.name, folder, _definition(folder)) for folder in folders if folder.is_dir()]


def create(name: str, requirements: Path | None, command: str | None, report: Report) -> Environment:
    """Create an environment, and return it; return the existing one if it was made from the same.

    requirements: file in pip's format; None for those of the recipe `name`
    command: the command as a shell writes it; None for that of the recipe
    Raises BadValue if there is no such recipe, or the name, file or command is invalid; EngineError if there is another
    environment of this name or a package cannot be installed; NetworkError, StorageError or ModelError if it cannot be
    installed now.
    """
    plan = _plan(name, requirements, command)
    with _locked(name, report) as shared:
        folder = _folder(name)
        if _definition(folder) is None:
            with _explained(name):
                sources.require_network()
                _make(folder, plan, shared)
        elif not _is_made_from(folder, plan):
            raise EngineError(
                f"there is another environment {name}; to replace it, remove it first: "
                f"speakkit models env remove {name}"
            )
        return Environment(name, folder, _definition(folder))


def remove(name: str, report: Report) -> None:
    """Remove an environment, also one that is not complete. Raises BadValue if there is none, or StorageError."""
    folder = _folder(name)
    if not _is_there(folder):
        raise BadValue(f"there is no environment {name!r}; {_one_of([each.name for each in existing()])}".rstrip("; "))
    with _locked(name, report):
        try:
            (folder / DEFINITION).unlink(missing_ok=True)  # so that it is not ready once files are missing
            _clear(folder)
        except OSError as error:
            raise storage_error(error, f"remove {folder}") from error


def _one_of(names: list[str]) -> str:
    return f"there are {', '.join(names)}; " if names else ""


def _folder(name: str) -> Path:
    """Return the folder of an environment. Raises BadValue if the name is invalid."""
    if not NAME.fullmatch(name):
        raise BadValue(
            f"an environment cannot be named {name!r}; use up to 64 lower-case letters, digits, ., _ and -, "
            "a letter or digit first"
        )
    return paths.environments() / name


def _is_there(folder: Path) -> bool:
    return folder.exists() or folder.is_symlink()


def _definition(folder: Path) -> Definition | None:
    """Return the definition in `folder`; None if there is none. Raises ConfigError if it is invalid."""
    file = folder / DEFINITION
    if not _is_there(file):
        return None
    read = tomlfile.read(file)
    try:
        return msgspec.convert(dict(read.values), Definition)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file} cannot be used: {str(error)[:1].lower()}{str(error)[1:]}") from error


def _plan(name: str, requirements: Path | None, command: str | None) -> _Plan:
    """Return what to make the environment `name` from. Raises BadValue as `create` does."""
    _folder(name)
    recipe = RECIPES.get(name)
    if recipe is None and (requirements is None or command is None):
        raise BadValue(
            f"there is no recipe {name!r}; try one of {', '.join(RECIPES)}, or define an engine of your own with "
            "--requirements FILE and --command COMMAND"
        )
    file = requirements or (recipe.requirements if recipe else Path())
    words = _words(command) if command is not None else recipe.command if recipe else ()
    about, licence = (recipe.about, recipe.licence) if recipe else ("", "")
    return _Plan(file.absolute(), _text(file), Definition(words, about, licence))


def _words(command: str) -> tuple[str, ...]:
    """Split a command as a shell does. Raises BadValue if that is impossible, or if it is empty."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise BadValue(f"the command {command!r} cannot be split into words: {str(error).lower()}") from error
    if not words:
        raise BadValue("the command is empty; give one such as: python -m my_engine")
    return words


def _text(file: Path) -> str:
    """Return the content of a file of requirements. Raises BadValue if it is no such file, or StorageError."""
    try:
        if not file.is_file():
            raise BadValue(f"there is no file of requirements {file}")
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise BadValue(f"{file} is no file of requirements: it is larger than {LARGEST >> 20} MB")
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadValue(f"{file} is no file of requirements: it is not UTF-8 text") from error
    except OSError as error:
        raise storage_error(error, f"read {file}") from error


def _is_made_from(folder: Path, plan: _Plan) -> bool:
    """Return whether the complete environment in `folder` was made from the same requirements and command."""
    definition = _definition(folder)
    file = folder / REQUIREMENTS
    return (
        definition is not None
        and definition.command == plan.definition.command
        and (file.is_file() and _text(file) == plan.text)
    )


def _make(folder: Path, plan: _Plan, report: Report) -> None:
    """Make an environment. If that fails, nothing is left behind; if this process is killed, no engine.toml."""
    _clear(folder)
    with ExitStack() as unless_complete:
        unless_complete.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir()
        (folder / REQUIREMENTS).write_text(plan.text)
        installing.run(installing.Order(folder, plan.requirements), report)
        for file in adapters(folder.name):
            shutil.copy(file, folder)
        installed = (folder / installing.INSTALLED).read_bytes()
        version = hashlib.sha256(installed).hexdigest()[:12]
        _write(folder, msgspec.structs.replace(plan.definition, version=version))
        unless_complete.pop_all()


def _write(folder: Path, definition: Definition) -> None:
    """Write engine.toml, whole or not at all."""
    import tomlkit  # noqa: PLC0415  only this needs it

    tomlfile.replace(folder / DEFINITION, tomlkit.dumps(msgspec.to_builtins(definition)))


def _clear(folder: Path) -> None:
    """Remove what is at `folder`."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Raise the errors of the block with the name of the environment."""
    what = f"cannot create the environment {name}"
    try:
        yield
    except (NetworkError, StorageError, EngineError, ModelError) as error:
        reason = str(error).replace(f"the worker of {installing.PLACE}", "its installation")
        kind = type(error) if isinstance(error, NetworkError | StorageError) else EngineError
        raise kind(f"{what}: {reason}") from error
    except OSError as error:
        raise storage_error(error, f"create the environment {name} in {paths.environments()}") from error


@contextmanager
def _locked(name: str, report: Report) -> Iterator[Report]:
    """Hold the lock of an environment. Yields a `report` that also tells the processes that wait."""
    try:
        paths.environments().mkdir(parents=True, exist_ok=True)
        lock = FetchLock(paths.environments(), name)
        lock.acquire(report)
    except OSError as error:
        raise storage_error(error, f"write {paths.environments()}") from error
    try:
        yield lock.shared(report)
    finally:
        lock.release()
