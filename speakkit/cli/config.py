"""`speakkit config`: the settings, where each one is from, and the keys of the clouds."""

import copy
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import tomlkit
import typer

from speakkit import config, keys, paths, tomlfile
from speakkit.cli import complete, output
from speakkit.errors import BadValue, ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show and change the settings.")

SettingName = Annotated[
    str,
    typer.Argument(metavar="KEY", help="A setting such as speed, or blends.NAME.", autocompletion=complete.settings),
]


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False) -> None:
    """Show every setting, and where its value is from. Of a key it is shown only that it is there.

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
    """Print where the file of settings is, or would be.

    speakkit config path
    """
    output.show(str(paths.config()))


@app.command("set")
def set_value(
    key: SettingName, value: Annotated[str, typer.Argument(metavar="VALUE", help="What it is to be.")]
) -> None:
    """Put a setting into the file, whose comments and order stay as they are.

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
    """Take a setting out of the file, so that its default counts.

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
    """Keep the API key of a cloud, which is asked for, or read from standard input.

    speakkit config set-key gemini

    speakkit config set-key inworld < key.txt
    """
    if words:
        raise BadValue(
            "a key is not taken from the command line, where other users and the shell's history see it;"
            " leave it out, and you are asked for it"
        )
    keys.variables(service)
    keys.store(service, _asked(service) if sys.stdin and sys.stdin.isatty() else _piped())
    output.show(f"the key of {service} is kept in {paths.secrets()}")
    found = keys.find(service)
    if found and found.source in keys.variables(service):
        output.say(f"the variable {found.source} is set, and counts before it")


CHECKS = {config.BLENDS: config.checked_blend, config.AGENTS: config.checked_agent}

OTHERS = {config.BLENDS: "a blend of voices", config.AGENTS: "how an agent speaks"}


def _settings() -> list[dict[str, Any]]:
    about = {setting.name: setting.about for setting in config.SETTINGS}
    return [
        {
            "name": name,
            "value": str(found.value) if isinstance(found.value, Path) else found.value,
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
    """A value as people write it."""
    if isinstance(value, list | tuple):
        return ", ".join(value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _place(key: str) -> tuple[str, str]:
    """The table that holds a setting, empty for none, and its name there."""
    table, _, name = key.partition(".")
    return (table, name) if "." in key and table in config.TABLES else ("", key)


def _given(key: str, text: str) -> str | float | bool | list[str]:
    """`text` as TOML holds it. Raises BadValue where there is no such setting, or the value is not allowed."""
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
    """What is wrong with an argument is a fault of usage."""
    try:
        yield
    except ConfigError as error:
        raise BadValue(str(error)) from error


def _held(file: tomlfile.TomlFile, table: str) -> Mapping[str, Any]:
    """What the file has in a table, or outside of all. Raises ConfigError where something else is in its place."""
    held = file.values.get(table, {}) if table else file.values
    if not isinstance(held, dict):
        raise ConfigError(f"{file.where(table)}: {table} must be a table; mend {file.path} by hand")
    return held


def _edit(table: str, change: Callable[[Any], object]) -> None:
    """Change what is in a table, or outside of all. Raises ConfigError where the file is no TOML; it is then kept."""
    file = paths.config()
    with tomlfile.locked(file):
        old = tomlfile.read(file)
        _held(old, table)
        document, wanted = tomlkit.parse(old.text), copy.deepcopy(dict(old.values))
        for each in (document, wanted):
            change(each.setdefault(table, {}) if table else each)
        text = tomlkit.dumps(document)
        if tomlfile.parsed(file, text) != wanted:  # tomlkit errs on some last lines without an end
            raise ConfigError(f"{file} is written in a way that cannot be edited here; change it by hand")
        tomlfile.replace(file, text)


def _warn_of_variable(key: str) -> None:
    variable = next((setting.variable for setting in config.SETTINGS if setting.name == key), "")
    if os.environ.get(variable):
        output.say(f"the variable {variable} is set, and counts before the file")


def _asked(service: str) -> str:
    return str(typer.prompt(f"API key of {service} (it is not shown)", hide_input=True, err=True))


def _piped() -> str:
    return sys.stdin.buffer.read(2 * keys.LONGEST).decode("ascii", errors="replace") if sys.stdin else ""
