"""`speakkit`: the root of all commands."""

from typing import Annotated

import typer

import speakkit
from speakkit.cli import models, output
from speakkit.cli.error_handler import run
from speakkit.cli.speak import SpeakCommand, speak

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Give a computer a voice. Exit codes: 0 done, 1 failed, 2 usage, 3 bug, 5 spoken but words were lost, "
    "6 no sound device, 7 network, 130 interrupted.",
)
app.command(cls=SpeakCommand)(speak)
app.add_typer(models.app, name="models")


def _show_version(value: bool) -> None:
    if value:
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
