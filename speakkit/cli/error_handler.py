"""Error handling of the commands: turns every exception into a line on standard error and an exit code."""

import os
import platform
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

import typer
import typer.main
from typer._completion_classes import completion_init

from speakkit import __version__, config, paths
from speakkit.cli import interrupt, streams
from speakkit.cli.output import say, show_notices
from speakkit.engines import locations
from speakkit.errors import ExitCode, SpeakkitError, WorkerBug


def run(app: typer.Typer, program: str, arguments: Sequence[str] | None = None) -> int:
    """Run `app`, and return the exit code.

    program: name of the program, for messages
    arguments: command line arguments; None for those of this process
    """
    locations.use(config.locations)
    interrupt.listen()
    completion_init()  # else Typer does not respond to the scripts in completions/
    with streams.opened():
        show_notices(program)
        return _run(app, program, arguments)


def _run(app: typer.Typer, program: str, arguments: Sequence[str] | None) -> int:
    """Run `app`. Returns the exit code, after a line about any error."""
    try:
        command = typer.main.get_command(app)
        return int(command.main(arguments, prog_name=program, standalone_mode=False) or ExitCode.DONE)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        if usage := _usage(error):  # empty if the help was shown because a subcommand is missing
            say(f"{program}: {usage}; see {context.command_path if context else program} --help")
        return error.exit_code
    except SpeakkitError as error:
        say(f"{program}: {error}")
        return error.exit_code
    except BrokenPipeError:  # the reader of standard output has closed it
        return ExitCode.FAILED
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001  all unexpected exceptions are handled here
        return _unforeseen(error, program)


def _unforeseen(error: Exception, program: str) -> ExitCode:
    if interrupt.is_requested():  # compiled code raises other exceptions if a callback is interrupted
        return ExitCode.INTERRUPTED
    kind = error.kind if isinstance(error, WorkerBug) else type(error).__name__
    for line in f"{program}: a bug in speakkit: {kind}; {_logged(error, kind)}".splitlines():
        say(line)
    return ExitCode.BUG


def _usage(error: typer.TyperException) -> str:
    near = getattr(error, "possibilities", None)
    message = error.format_message().split(" (Possible options")[0].rstrip(".")
    hint = f"; did you mean {near[0]}?" if near else ""
    return message[:1].lower() + message[1:] + hint


def _logged(error: Exception, kind: str) -> str:
    """Append the traceback, without any of the user's text, to the log. Returns the end of the message to the user."""
    log = paths.log()
    frames = "".join(traceback.format_tb(error.__traceback__))
    if isinstance(error, WorkerBug):
        frames += f"in a worker:\n{error.frames}"
    entry = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, speakkit {__version__}, "
        f"Python {platform.python_version()}, {platform.platform()}\n{frames}{kind}\n\n"
    )
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(entry)
    except OSError:
        return f"the log {log} cannot be written:\n{entry}"
    return f"please report it with its entry in {log}"
