"""`speakkit config`: show and change the settings, and store the API keys of the clouds."""

import copy
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import tomlkit
import typer
from tomlkit.exceptions import TOMLKitError

from speakkit import config, keys, paths, tomlfile
from speakkit.cli import complete, output
from speakkit.errors import BadValue, ConfigError, storage_error
from speakkit.setting import without_login

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show and change the settings.")

SettingName = Annotated[
    str,
    typer.Argument(metavar="KEY", help="A setting such as speed, or blends.NAME.", autocompletion=complete.settings),
]


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False) -> None:
    """Show each setting and the source of its value. API keys appear only as set or not set.

    speakkit config show
    """
    settings, clouds = _settings(), [_cloud(service) for service in keys.VARIABLES]
    if as_json:
        output.show_json({"file": str(paths.config()), "settings": settings, "keys": clouds})
        return
    rows = [(row["name"], _written(row["value"]), row["source"]) for row in settings]
    rows += [(f"key of {row['service']}", _set_or_not(row), row["source"] or row["mend"]) for row in clouds]
    output.show_table(("setting", "value", "from"), rows)


@app.command()
def path() -> None:
    """Print the path of config.toml, even if the file does not exist.

    speakkit config path
    """
    output.show(str(paths.config()))


@app.command("set")
def set_value(key: SettingName, value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value.")]) -> None:
    """Write a setting to config.toml. Its comments and order are kept.

    speakkit config set speed 1.25

    speakkit config set blends.narrator "af_bella(2)+af_sky(1)"
    """
    given = _given(key, value)
    table, name = _place(key)
    _edit(table, lambda held: held.__setitem__(name, given))
    output.show(f"{key} = {_written(given)}, in {paths.config()}")
    _warn_of_variable(key)


@app.command()
def unset(key: SettingName) -> None:
    """Remove a setting from config.toml, so that its default applies.

    speakkit config unset speed
    """
    table, name = _place(key)
    if name not in _held(tomlfile.read(paths.config()), table):
        if not table:
            with _usage():
                config.named(key)
        output.say(f"{key} is not set in {paths.config()}")
        return
    _edit(table, lambda held: held.pop(name, None))
    output.show(f"{key} is no longer set in {paths.config()}")
    _warn_of_variable(key)


@app.command("set-key")
def set_key(
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", help="gemini or inworld.", autocompletion=complete.services)
    ],
    words: Annotated[list[str] | None, typer.Argument(hidden=True, metavar="")] = None,
) -> None:
    """Store the API key of a cloud, from a prompt or from a pipe.

    speakkit config set-key gemini

    speakkit config set-key inworld < key.txt
    """
    if words:
        raise BadValue(
            "a key is not accepted on the command line, where other users and the shell's history can see it;"
            " leave it out, and enter it at the prompt"
        )
    keys.variables(service)
    keys.store(service, _asked(service) if sys.stdin and sys.stdin.isatty() else _piped())
    output.show(f"the key of {service} is stored in {paths.secrets()}")
    found = keys.find(service)
    if found and found.source in keys.variables(service):
        output.say(f"the variable {found.source} is set, and overrides the stored key")


CHECKS = {config.BLENDS: config.checked_blend, config.AGENTS: config.checked_agent}
"""Table of config.toml -> check of a name and value in it."""

OTHERS = {config.BLENDS: "a blend of voices", config.AGENTS: "how an agent speaks"}
"""Table of config.toml -> description of its entries."""


def _settings() -> list[dict[str, Any]]:
    about = {setting.name: setting.about for setting in config.SETTINGS}
    return [
        {
            "name": name,
            "value": _written(found.value) if isinstance(found.value, Path | str) else found.value,
            "source": found.source,
            "about": about.get(name) or OTHERS[name.partition(".")[0]],
        }
        for name, found in config.sourced_values().items()
    ]


def _cloud(service: str) -> dict[str, Any]:
    found = keys.find(service)
    mend = f"to set it: speakkit config set-key {service}"
    return {"service": service, "set": bool(found), "source": found.source if found else None, "mend": mend}


def _set_or_not(row: dict[str, Any]) -> str:
    return "set" if row["set"] else "not set"


def _written(value: object) -> str:
    """A value as text: lists with commas, booleans in lower case, None as "", and an address without its password."""
    if isinstance(value, list | tuple):
        return ", ".join(value)
    if isinstance(value, str):
        return without_login(value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _place(key: str) -> tuple[str, str]:
    """The table of config.toml that holds a setting, "" for the top level, and the setting's name in it."""
    table, _, name = key.partition(".")
    return (table, name) if "." in key and table in config.TABLES else ("", key)


def _given(key: str, text: str) -> str | float | bool | list[str]:
    """`text` as a TOML value of the setting `key`. Raises BadValue if there is no such setting, or if it is invalid."""
    table, name = _place(key)
    with _usage():
        if table:
            return CHECKS[table](name, text)
        setting = config.named(key)
        if setting.kind is bool:
            return bool(setting.checked({"true": True, "false": False}.get(text, text), key))
        value = setting.read(text, key)
        if isinstance(value, tuple):
            return list(value)
        return value if isinstance(value, int | float) else str(value)


@contextmanager
def _usage() -> Iterator[None]:
    """Raise a ConfigError of the block as BadValue, because the value is an argument here."""
    try:
        yield
    except ConfigError as error:
        raise BadValue(str(error)) from error


def _held(file: tomlfile.TomlFile, table: str) -> Mapping[str, Any]:
    """The values in a table of the file, or at its top level if `table` is "". Raises ConfigError if it is no table."""
    held = file.values.get(table, {}) if table else file.values
    if not isinstance(held, dict):
        raise ConfigError(f"{file.where(table)}: {table} must be a table; mend {file.path} by hand")
    return held


def _edit(table: str, change: Callable[[Any], object]) -> None:
    """Change the values in a table of config.toml, or at its top level if `table` is "".

    Raises ConfigError, and leaves the file as it is, if it is not valid TOML or cannot be edited.
    """
    file = paths.config()
    with tomlfile.locked(file):
        old = tomlfile.read(file)
        _held(old, table)
        text = _changed(old, table, change)
        if text is None:
            raise ConfigError(f"{file} cannot be edited here; change it by hand")
        tomlfile.replace(file, text)


def _changed(old: tomlfile.TomlFile, table: str, change: Callable[[Any], object]) -> str | None:
    """The text of the file after a change; None if tomlkit cannot make it, for example in lists nested too deep."""
    try:
        document, wanted = tomlkit.parse(old.text), copy.deepcopy(dict(old.values))
        for each in (document, wanted):
            change(each.setdefault(table, {}) if table else each)
        text = tomlkit.dumps(document)
        # tomlkit fails on some last lines without a newline
        return text if tomlfile.parsed(old.path, text) == wanted else None
    except (TOMLKitError, RecursionError):
        return None


def _warn_of_variable(key: str) -> None:
    variable = next((setting.variable for setting in config.SETTINGS if setting.name == key), "")
    if os.environ.get(variable):
        output.say(f"the variable {variable} is set, and overrides the file")


def _asked(service: str) -> str:
    return str(typer.prompt(f"API key of {service} (it is not shown)", hide_input=True, err=True))


def _piped() -> str:
    try:
        raw = sys.stdin.buffer.read(2 * keys.LONGEST) if sys.stdin else None
    except OSError as error:
        raise storage_error(error, "read standard input") from error
    return (raw or b"").decode("ascii", errors="replace")
