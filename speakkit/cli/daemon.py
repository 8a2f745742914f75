"""`speakkit daemon`: the process that speaks for all programs of a user, one after the other."""

from importlib.resources import files
from typing import Annotated

import typer
from msgspec import structs

from speakkit import config, paths
from speakkit.cli import output
from speakkit.daemon import control
from speakkit.daemon.process import logfile, systemd
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import DaemonStatus, Mode
from speakkit.errors import BadValue, ExitCode

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Start, stop and look at the daemon, which starts by itself when needed.",
)

LINES = 20

Now = Annotated[bool, typer.Option("--now", help="Stop speaking; kill a daemon that does not answer.")]
Json = Annotated[bool, typer.Option("--json", help="Print one object.")]


@app.command()
def start() -> None:
    """Start the daemon now, so that the first message plays sooner.

    speakkit daemon start
    """
    with client.connect() as connection:
        output.show(f"running: process {connection.greeting.pid}, speakkit {connection.greeting.version}")


@app.command()
def stop(now: Now = False) -> None:
    """End the daemon once it has spoken what it accepted.

    speakkit daemon stop

    speakkit daemon stop --now
    """
    output.show("stopped" if _stopped(now=now) else "not running")


@app.command()
def restart(now: Now = False) -> None:
    """End the daemon and start another, which reads the settings anew.

    speakkit daemon restart
    """
    config.load()  # a fault in them is told while there still is a daemon
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
        int, typer.Option("--lines", "-n", min=1, metavar="N", help="How many of the last lines.")
    ] = LINES,
) -> None:
    """Show the end of the daemon's log, which holds none of your texts.

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
        typer.Argument(metavar="UNIT", show_default=False, help="socket or service; both by default."),
    ] = None,
) -> None:
    """Print systemd units that start the daemon.

    speakkit daemon units socket > speakkit.socket

    speakkit daemon units service > speakkit.service
    """
    found = systemd.units()
    if name is not None and name not in found:
        raise BadValue(f"there is no unit {name!r}; try {' or '.join(found)}")
    output.show("\n".join(text for unit, text in found.items() if name in (None, unit)).rstrip("\n"))


@app.command("client-script")
def client_script() -> None:
    """Print a program that speaks from inside a container: one file, for Python 3.8 and later.

    speakkit daemon client-script > speak.py
    """
    output.show((files("speakkit.daemon.containers") / "client_script.py").read_text("utf-8").rstrip("\n"))


def _stopped(*, now: bool) -> bool:
    """End the daemon; False where there was none."""
    return control.stop(Mode.now if now else Mode.drain)


def _rows(found: DaemonStatus) -> list[tuple[str, str]]:
    """What people want to know of it."""
    rows = [
        ("state", found.state + ", a newer one takes over when it is idle" * found.restart_when_idle),
        ("process", str(found.pid)),
        ("speakkit", found.version),
        ("runs for", f"{found.uptime:.0f} s"),
        ("connections", str(found.connections)),
        ("idle exit", "never" if found.idle_exit < 0 else f"after {found.idle_exit:g} s"),
    ]
    return rows + [(name, str(value)) for name, value in found.work.items()]
