"""The table of commands: it says what the commands say of themselves, and loads none of them."""

import inspect
import json
import subprocess
import sys
from typing import Any

import pytest
import typer.main

from speakkit.cli.app import COMMANDS, app

GROUP: Any = typer.main.get_command(app)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name):
    """The first line of its help, under its name."""
    command = GROUP.load(name)
    assert command.name == name
    assert inspect.cleandoc(command.help).splitlines()[0] == COMMANDS[name].help


def test_panels_hold_all_commands(run):
    """In the order of the table."""
    shown = run("speakkit", "--help").out.decode()
    panels = list(dict.fromkeys(entry.panel for entry in COMMANDS.values()))
    assert [line.split()[1] for line in shown.splitlines() if any(f"─ {panel} ─" in line for panel in panels)] == [
        panel.split()[0] for panel in panels
    ]
    assert all(f"│ {name} " in shown for name in COMMANDS)


def test_help_loads_no_command():
    """Only the one that is run is imported."""
    code = (
        "import json, sys; from speakkit.cli.app import app; from speakkit.cli.error_handler import run;"
        "run(app, 'speakkit', ['--help']); print(); print(json.dumps([*sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(json.loads(said.splitlines()[-1]))
    assert loaded.isdisjoint(f"speakkit.cli.{entry.module}" for entry in COMMANDS.values())
    assert not {"numpy", "msgspec"} & loaded


def test_an_unknown_command_is_a_mistake_of_use(run):
    """With what is like it."""
    result = run("speakkit", "qeue")
    assert (result.code, result.out) == (2, b"")
    assert "queue" in result.err
