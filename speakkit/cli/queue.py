"""`speakkit queue`: show and control the speech queue of the daemon."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer
from msgspec import structs

from speakkit.cli import agents, output, text_input, via_daemon
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import EndedUtterance, Event, Happening, History, Watched

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show and control the speech queue.")

WIDTH = 40
"""Maximum number of characters shown of a text."""

Json = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]
Agent = Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Agent name, as with speak.")]


def _back(written: str | int) -> int:
    """Parse the position of an utterance, counted back from the last one; -2 and 2 are the same."""
    digits = str(written).removeprefix(text_input.DASHED).removeprefix("-")
    if not re.fullmatch("[0-9]{1,9}", digits) or not int(digits):
        raise typer.BadParameter(f"{str(written).removeprefix(text_input.DASHED)!r} is not an utterance; try -1")
    return int(digits)


@app.command("list")
def list_(
    agent: Agent = None,
    ended: Annotated[bool, typer.Option("--ended", help="Show how the last 32 utterances ended.")] = False,
    as_json: Json = False,
) -> None:
    """Show current and queued speech, in order. Only your own agent's texts are shown.

    speakkit queue list

    speakkit queue list --ended
    """
    if ended:
        _show_ended(agent, as_json=as_json)
        return
    listing = next(_asked(agent, "queue"), None)
    rows = [dict(row) for row in getattr(listing, "rows", ())]
    paused, muted = (bool(getattr(listing, name, False)) for name in ("paused", "muted"))
    if as_json:
        output.show_json({"utterances": rows, "paused": paused, "muted": muted, "more": getattr(listing, "more", 0)})
        return
    if rows:
        output.show_table(("", "agent", "priority", "in", "text"), [_shown(row) for row in rows])
    else:
        output.show("nothing is spoken, and nothing waits")
    if paused:
        output.say("speech is paused; resume it with: speakkit queue resume")
    if muted:
        output.say("speech is muted; unmute it with: speak --unmute")


@app.command()
def watch(
    agent: Agent = None,
    as_lines: Annotated[bool, typer.Option("--jsonl", help="Print one line of JSON for each event.")] = False,
) -> None:
    """Print each event until Ctrl-C: queued, beep, started, word, ended. Only your own agent's texts are shown.

    speakkit queue watch --jsonl
    """
    with client.connect(agents.name(agent)) as daemon:
        for event in daemon.request("watch"):
            if isinstance(event, Watched):
                _show_event(event, as_line=as_lines)


@app.command()
def skip(agent: Agent = None) -> None:
    """Cancel the current utterance.

    speakkit queue skip
    """
    list(_asked(agent, "skip"))


@app.command()
def clear(
    agent: Agent = None,
    everything: Annotated[bool, typer.Option("--all", help="Cancel the speech of all agents.")] = False,
) -> None:
    """Cancel current and queued speech of an agent.

    speakkit queue clear --agent builder

    speakkit queue clear --all
    """
    list(_asked(agent, "clear", scope="all" if everything else "agent"))


@app.command()
def pause(agent: Agent = None) -> None:
    """Pause all but urgent speech; resumes after 5 minutes.

    speakkit queue pause
    """
    list(_asked(agent, "pause"))


@app.command()
def resume(agent: Agent = None) -> None:
    """Resume speech after a pause.

    speakkit queue resume
    """
    list(_asked(agent, "resume"))


@app.command(cls=text_input.TextCommand)
def again(
    back: Annotated[
        int, typer.Argument(parser=_back, metavar="-N", help="Which utterance; -1 is the last one played.")
    ] = 1,
    target: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write FILE instead of playing.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is not audio.")] = False,
    agent: Agent = None,
) -> None:
    """Play one of the last 8 utterances again.

    speakkit queue again

    speakkit queue again -2 -o missed.wav
    """
    raise typer.Exit(via_daemon.say_again(agents.name(agent), back, target, force=force))


def _asked(agent: str | None, op: str, **fields: Any) -> Iterator[Event]:
    """Send a request to the running daemon, and yield its response events; no events if none is running."""
    if daemon := client.running(agents.name(agent)):
        with daemon:
            yield from daemon.request(op, **fields)


def _show_ended(agent: str | None, *, as_json: bool) -> None:
    history = next(_asked(agent, "history"), None)
    rows = history.rows if isinstance(history, History) else ()
    if as_json:
        output.show_json({"ended": [structs.asdict(row) for row in rows]})
    elif rows:
        output.show_table(("ended", "agent", "result", "text"), [_shown_end(row) for row in rows])
    else:
        output.show("nothing has ended since the daemon started")


def _show_event(event: Watched, *, as_line: bool) -> None:
    told = {name: value for name, value in structs.asdict(event).items() if value is not None and name != "id"}
    if as_line:
        output.show_json_line(told)
    elif event.event is not Happening.word:
        output.show(f"{event.event:8}{event.agent}  {(event.result or event.text or '')[:WIDTH]}".rstrip())


def _shown_end(row: EndedUtterance) -> tuple[str, str, str, str]:
    about = row.reason or row.code
    if row.lost:
        about = f"{row.lost} word{'s' * (row.lost > 1)} lost"
    result = f"{row.result}: {about}" if about not in ("", row.result) else row.result
    return f"{datetime.fromtimestamp(row.at):%H:%M:%S}", row.agent, result, _cut(row.text, row.characters)  # noqa: DTZ006  local time


def _cut(text: str | None, characters: int) -> str:
    """The beginning of a text, or its length if it is not known."""
    if text is None:
        return f"({characters} characters)"
    return text if characters <= WIDTH else f"{text[: WIDTH - 3]}..."


def _shown(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    place = "now" if row["stage"] == "playing" else "next" if row["position"] == 0 else str(row["position"])
    return place, row["agent"], row["priority"], f"{row['eta']:.0f} s", _cut(row["text"], row["characters"])
