"""Tests of the table of commands: it matches the commands, and loads none of them."""

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
    """Each entry has the command's name and the first line of its help."""
    command = GROUP.load(name)
    assert command.name == name
    assert inspect.cleandoc(command.help).splitlines()[0] == COMMANDS[name].help


def test_panels_hold_all_commands(run):
    """The help shows the panels in the order of the table, and every command in them."""
    shown = run("speakkit", "--help").out.decode()
    panels = list(dict.fromkeys(entry.panel for entry in COMMANDS.values()))
    assert [line.split()[1] for line in shown.splitlines() if any(f"─ {panel} ─" in line for panel in panels)] == [
        panel.split()[0] for panel in panels
    ]
    assert all(f"│ {name} " in shown for name in COMMANDS)


def test_help_loads_no_command():
    """--help imports none of the command modules."""
    code = (
        "import json, sys; from speakkit.cli.app import app; from speakkit.cli.error_handler import run;"
        "run(app, 'speakkit', ['--help']); print(); print(json.dumps([*sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(json.loads(said.splitlines()[-1]))
    assert loaded.isdisjoint(f"speakkit.cli.{entry.module}" for entry in COMMANDS.values())
    assert not {"numpy", "msgspec"} & loaded


def test_an_unknown_command_is_a_mistake_of_use(run):
    """An unknown command exits with 2 and suggests a similar one."""
    result = run("speakkit", "qeue")
    assert (result.code, result.out) == (2, b"")
    assert "queue" in result.err
