"""`speakkit daemon`: start, stop and inspect the process that speaks for all programs of a user."""

from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from typing import Annotated

import msgspec
import typer
from msgspec import structs

from speakkit import config, paths
from speakkit.cli import output
from speakkit.daemon import control
from speakkit.daemon.process import logfile, systemd
from speakkit.daemon.wire import client
from speakkit.daemon.wire.client import RequestRefused
from speakkit.daemon.wire.messages import DaemonStatus, Mode
from speakkit.errors import BadValue, ExitCode
from speakkit.speech_request import SpeechRequest

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Start, stop and inspect the daemon. It starts by itself when needed.",
)

LINES = 20
"""Default number of log lines that `logs` shows."""

Now = Annotated[bool, typer.Option("--now", help="Stop at once; kill a daemon that does not answer.")]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]


@app.command()
def start() -> None:
    """Start the daemon and load the voice now, so that the first message plays sooner.

    speakkit daemon start
    """
    settings = config.load()
    likely = SpeechRequest(
        voice=settings.voice, lang=settings.lang, threads=settings.threads, engine=settings.engine.value,
        device=settings.device.value,
    )  # fmt: skip
    with client.connect() as connection:
        with suppress(RequestRefused):  # by a busy daemon of an older version
            list(connection.request("warm", **msgspec.to_builtins(likely)))
        output.show(f"running: process {connection.greeting.pid}, speakkit {connection.greeting.version}")


@app.command()
def stop(now: Now = False) -> None:
    """Stop the daemon after it has spoken all queued messages.

    speakkit daemon stop

    speakkit daemon stop --now
    """
    output.show("stopped" if _stopped(now=now) else "not running")


@app.command()
def restart(now: Now = False) -> None:
    """Stop the daemon and start a new one, which reads the settings again.

    speakkit daemon restart
    """
    config.load()  # so that invalid settings are reported before the daemon is stopped
    _stopped(now=now)
    start()


@app.command()
def status(as_json: Json = False) -> None:
    """Show daemon status; exit 4 if it is not running.

    speakkit daemon status

    speakkit daemon status --json
    """
    found = control.status()
    if as_json:
        output.show_json({"running": found is not None, **(structs.asdict(found) if found else {})})
    elif found:
        output.show_table(("", "daemon"), _rows(found))
    else:
        output.show("not running")
    raise typer.Exit(ExitCode.DONE if found else ExitCode.CHECK_FAILED)


@app.command()
def logs(
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, metavar="N", help="Number of lines, counted from the end.")
    ] = LINES,
) -> None:
    """Show the end of the daemon's log. The log contains none of your texts.

    speakkit daemon logs -n 100
    """
    found = logfile.last_lines(lines)
    for line in found:
        output.show(line)
    if not found:
        output.say(f"there is nothing in {paths.daemon_log()}")


@app.command()
def units(
    name: Annotated[
        str | None,
        typer.Argument(metavar="UNIT", show_default=False, help="socket or service; default: both."),
    ] = None,
) -> None:
    """Print systemd units that start the daemon.

    speakkit daemon units socket > speakkit.socket

    speakkit daemon units service > speakkit.service
    """
    found = systemd.units()
    if name is not None and name not in found:
        raise BadValue(f"there is no unit {name!r}; try {' or '.join(found)}")
    _show_file("\n".join(text for unit, text in found.items() if name in (None, unit)))


@app.command("client-script")
def client_script() -> None:
    """Print a client program for containers: one file, for Python 3.8 and later.

    speakkit daemon client-script > speak.py
    """
    _show_file((files("speakkit.daemon.containers") / "client_script.py").read_text("utf-8"))


def _show_file(text: str) -> None:
    for line in text.splitlines():
        output.show(line)


def _stopped(*, now: bool) -> bool:
    """Stop the daemon. Returns False if none was running."""
    return control.stop(Mode.now if now else Mode.drain)


def _rows(found: DaemonStatus) -> list[tuple[str, str]]:
    """The rows of the status table: name and value."""
    rows = [
        ("state", found.state + ", a newer one takes over when it is idle" * found.restart_when_idle),
        ("process", str(found.pid)),
        ("speakkit", found.version),
        ("runs for", f"{found.uptime:.0f} s"),
        ("connections", str(found.connections)),
        ("idle exit", "never" if found.idle_exit < 0 else f"after {found.idle_exit:g} s"),
    ]
    return rows + [(name, _shown(value)) for name, value in found.work.items()]


def _shown(value: object) -> str:
    """A value of the table; counts as "3 played, 1 failed", without those that are 0."""
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in value.items() if count) or "none"
    return str(value)
