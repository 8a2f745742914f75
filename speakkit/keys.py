"""Read and store the API keys of cloud services: from the environment, else from secrets.toml.

secrets.toml must be readable by its owner only. No error message and no repr of this module contains a key, or any
other text of secrets.toml that could be one.
"""

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any

from speakkit import paths, tomlfile
from speakkit.errors import BadValue, ConfigError

VARIABLES = {
    "gemini": ("SPEAKKIT_GEMINI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "inworld": ("SPEAKKIT_INWORLD_API_KEY", "INWORLD_API_KEY"),
}
"""Service -> the environment variables that may hold its key, in order of precedence."""

LONGEST = 4096
"""Longest accepted key, in characters: ten times the keys of any cloud."""

HEADER = "# Written by `speakkit config set-key`, and refused when others may read it.\n"


@dataclass(frozen=True)
class Key:
    """An API key.

    source: the name of the variable that holds it, or a line such as "secrets.toml line 2"
    """

    value: str = field(repr=False)
    source: str


def variables(service: str) -> tuple[str, ...]:
    """The variables that may hold the key of `service`. Raises BadValue if the service is unknown."""
    if service not in VARIABLES:
        raise BadValue(f"there is no service {_nameable(service)}; try {' or '.join(VARIABLES)}")
    return VARIABLES[service]


def find(service: str) -> Key | None:
    """The key of `service`, or None if it is not set.

    Raises BadValue if the service is unknown, ConfigError if a key is malformed or secrets.toml cannot be used.
    """
    for variable in variables(service):
        if os.environ.get(variable, "").strip():
            return Key(_checked(os.environ[variable], variable), variable)
    file = tomlfile.read(paths.secrets(), private=True)
    keys = _keys(file)
    return Key(keys[service], file.where(service)) if service in keys else None


def store(service: str, key: str) -> None:
    """Store a key in secrets.toml, beside those of other services.

    Raises BadValue if the service is unknown or the key malformed, ConfigError if secrets.toml is not private or
    cannot be parsed, StorageError if it cannot be written.
    """
    variables(service)
    try:
        checked = _checked(key, "the given text")
    except ConfigError as error:
        raise BadValue(str(error)) from None
    with tomlfile.locked(paths.secrets()):
        keys = _keys(tomlfile.read(paths.secrets(), private=True)) | {service: checked}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in keys.items()]
        tomlfile.replace(paths.secrets(), HEADER + "".join(lines))


def _keys(file: tomlfile.TomlFile) -> dict[str, str]:
    for name in file.values:
        if name not in VARIABLES:
            where = file.where(name)
            raise ConfigError(f"{where}: there is no service {_nameable(name)}; try {' or '.join(VARIABLES)}")
    return {name: _checked(value, f"{file.where(name)}: {name}") for name, value in file.values.items()}


def _checked(given: Any, where: str) -> str:
    """The key, stripped of white space. Raises ConfigError, prefixed with `where`, if it is malformed."""
    key = given.strip() if isinstance(given, str) else ""
    if not re.fullmatch(rf"[!-~]{{1,{LONGEST}}}", key):
        raise ConfigError(f"{where} is not an API key: a key is 1 to {LONGEST} ASCII characters without spaces")
    return key


def _nameable(name: str) -> str:
    """A mistyped service name, quoted for an error message; "of that name" if the text could be a misplaced key."""
    return repr(name) if re.fullmatch(r"[a-z][a-z_-]{0,15}", name) else "of that name"
