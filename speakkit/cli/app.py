"""`speakkit`: the program with all commands. A command's module is imported when the command runs."""

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
class CommandEntry:
    """A command, with what `speakkit --help` shows of it without importing its module.

    module: name under `speakkit.cli`; its `app` is the command, or the group of commands
    panel: title of its panel in --help
    help: first line of the command's own help
    """

    module: str
    panel: str
    help: str


COMMANDS = {
    "speak": CommandEntry("speak", "Speak", "Speak a text, or write it to a file."),
    "voices": CommandEntry("voices", "Speak", "List, preview and fetch the voices. The default command is list."),
    "explain": CommandEntry("explain", "Speak", "Show how a text would be read, and why, without speaking it."),
    "queue": CommandEntry("queue", "Speak", "Show and control the speech queue."),
    "timestamps": CommandEntry("timestamps", "Check", "Find out when each word of a recording is said."),
    "bench": CommandEntry("bench", "Measure", "Measure how fast this machine speaks, from text to audio files."),
    "doctor": CommandEntry("doctor", "Set up", "Test speech on this machine, and show how to fix problems."),
    "models": CommandEntry("models", "Set up", "List, fetch and check the models."),
    "config": CommandEntry("config", "Set up", "Show and change the settings."),
    "daemon": CommandEntry("daemon", "Set up", "Start, stop and inspect the daemon. It starts by itself when needed."),
}
"""Command name -> entry, in the order of --help."""


class LazyGroup(typer.core.TyperGroup):
    """The command group of COMMANDS. It imports a command's module when the command is resolved."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.commands = {
            name: typer.core.TyperCommand(name, help=entry.help, rich_help_panel=entry.panel)
            for name, entry in COMMANDS.items()
        }

    def load(self, name: str) -> Any:
        """Import the module of a command, and return the command."""
        command: Any = typer.main.get_command(import_module(f"speakkit.cli.{COMMANDS[name].module}").app)
        command.name = name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The name of the command that `args` start with, the command, and the remaining arguments.

        Raises UsageError if there is no such command.
        """
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
    if value and not context.resilient_parsing:  # not during shell completion
        output.show(f"speakkit {speakkit.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Parse the options before the command."""


def main() -> int:
    """The program `speakkit`."""
    return run(app, "speakkit")
