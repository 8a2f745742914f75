"""`speakkit`: the root of all commands."""

from typing import Annotated

import typer

import speakkit
from speakkit.cli import config, daemon, models, output, queue, text_input, voices
from speakkit.cli.bench import BenchCommand, bench
from speakkit.cli.client_script import client_script
from speakkit.cli.doctor import doctor
from speakkit.cli.error_handler import run
from speakkit.cli.explain import explain
from speakkit.cli.speak import speak
from speakkit.errors import ExitCode

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Give a computer a voice.",
    epilog=f"Exit codes: {'; '.join(f'{code.value} {code.about}' for code in ExitCode)}.",
)
app.command(cls=text_input.TextCommand)(speak)
app.command(cls=text_input.TextCommand)(explain)
app.add_typer(voices.app, name="voices")
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")
app.add_typer(queue.app, name="queue")
app.add_typer(daemon.app, name="daemon")
app.command()(doctor)
app.command(cls=BenchCommand)(bench)
app.command()(client_script)


def _show_version(context: typer.Context, value: bool) -> None:
    if value and not context.resilient_parsing:  # a shell that completes a line wants to know no version
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
