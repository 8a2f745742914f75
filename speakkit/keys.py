"""The API keys of the clouds: from the environment, else from secrets.toml, which its owner alone may read.

No error and no repr here holds a key, nor anything else from secrets.toml that could be one.
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
"""Each service that takes a key -> the variables that may hold it, the first one first."""

LONGEST = 4096
"""Characters: ten times the keys of any cloud."""

HEADER = "# Written by `speakkit config set-key`, and refused when others may read it.\n"


@dataclass(frozen=True)
class Key:
    """An API key. source: the variable, or a line such as "secrets.toml line 2"."""

    value: str = field(repr=False)
    source: str


def variables(service: str) -> tuple[str, ...]:
    """The variables that may hold the key of a service. Raises BadValue for an unknown one."""
    if service not in VARIABLES:
        raise BadValue(f"there is no service {_nameable(service)}; try {' or '.join(VARIABLES)}")
    return VARIABLES[service]


def find(service: str) -> Key | None:
    """The key of a service, where there is one.

    Raises BadValue for an unknown service, ConfigError for a key or a secrets.toml that cannot be used.
    """
    for variable in variables(service):
        if os.environ.get(variable, "").strip():
            return Key(_checked(os.environ[variable], variable), variable)
    file = tomlfile.read(paths.secrets(), private=True)
    keys = _keys(file)
    return Key(keys[service], file.where(service)) if service in keys else None


def store(service: str, key: str) -> None:
    """Keep a key in secrets.toml, beside those of other services.

    Raises BadValue for an unknown service or a text that is no key, ConfigError where secrets.toml is not safe or
    cannot be understood, StorageError where it cannot be written.
    """
    variables(service)
    try:
        checked = _checked(key, "what was given")
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
    """The key without the space around it. Raises ConfigError, which begins with `where`."""
    key = given.strip() if isinstance(given, str) else ""
    if not re.fullmatch(rf"[!-~]{{1,{LONGEST}}}", key):
        raise ConfigError(f"{where} is no key: a key is 1 to {LONGEST} ASCII characters without spaces")
    return key


def _nameable(name: str) -> str:
    """A name that was mistyped; one that could be a key in the wrong place is not shown."""
    return repr(name) if re.fullmatch(r"[a-z][a-z_-]{0,15}", name) else "of that name"
