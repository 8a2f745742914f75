"""`speakkit`: the root of all commands. A command's module is imported when the command runs."""

from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

import speakkit
from speakkit.cli import output
from speakkit.cli.error_handler import run
from speakkit.errors import ExitCode


@dataclass(frozen=True)
class Entry:
    """A command, and what `speakkit --help` shows of it without importing it.

    module: under `speakkit.cli`; its `app` is the command, or the group of commands
    help: first line of the command's own help
    """

    module: str
    panel: str
    help: str


COMMANDS = {
    "speak": Entry("speak", "Speak", "Say a text aloud, or write it to a file."),
    "voices": Entry("voices", "Speak", "List the voices, hear them, and fetch them. Without a command: list."),
    "explain": Entry("explain", "Speak", "Show how a text would be read, and why, without speaking it."),
    "queue": Entry("queue", "Speak", "See and control what is spoken and what waits."),
    "bench": Entry("bench", "Measure", "Measure how fast this machine speaks: from text to files."),
    "doctor": Entry("doctor", "Set up", "Check this machine by speaking, and say how to mend what is wrong."),
    "models": Entry("models", "Set up", "List, fetch and check the models."),
    "config": Entry("config", "Set up", "Show and change the settings."),
    "daemon": Entry("daemon", "Set up", "Start, stop and look at the daemon, which starts by itself when needed."),
}
"""All commands, by panel and in the order of --help."""


class LazyGroup(typer.core.TyperGroup):
    """The group of COMMANDS."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.commands = {
            name: typer.core.TyperCommand(name, help=entry.help, rich_help_panel=entry.panel)
            for name, entry in COMMANDS.items()
        }

    def load(self, name: str) -> Any:
        """The command itself, whose module is imported."""
        command: Any = typer.main.get_command(import_module(f"speakkit.cli.{COMMANDS[name].module}").app)
        command.name = name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begin with, and the rest of them. Raises UsageError if there is none."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name else command, rest


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Give a computer a voice.",
    epilog=f"Exit codes: {'; '.join(f'{code.value} {code.about}' for code in ExitCode)}.",
)


def _show_version(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:  # not while a shell completes a line
        output.show(f"speakkit {speakkit.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> int:
    """The program `speakkit`."""
    return run(app, "speakkit")
