"""`speakkit models`: list, fetch and verify the models."""

from typing import Annotated, Any

import typer

from speakkit.cli import complete, output
from speakkit.engines import catalog, hub
from speakkit.errors import ExitCode, ModelError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="List, fetch and check the models.")


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        show_default=False,
        help="Names, as `speakkit models list` shows them.",
        autocompletion=complete.models,
    ),
]


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Show the models: state, weights, size and purpose.

    speakkit models list
    """
    rows = [_described(name) for name in hub.MODELS]
    if as_json:
        output.show_json(rows)
        return
    output.show_table(
        ("model", "state", "weights", "MB", "what it is"),
        [(row["name"], row["state"], row["weights"] or "", str(row["size_mb"]), row["about"]) for row in rows],
    )
    for row in rows:
        if row["state"] == "installed" and not row["official"]:
            output.show(f"to get the official weights of {row['name']}: speakkit models fetch --official {row['name']}")


@app.command()
def fetch(
    names: Names = None,
    official: Annotated[
        bool, typer.Option("--official", help="Replace rebuilt weights with the published ones.")
    ] = False,
) -> None:
    """Fetch models that are missing or damaged; without a name, those that are used by default.

    speakkit models fetch kokoro
    """
    for name in _names(names):
        with output.progress() as report:
            installed = hub.ensure(name, report, official=official)
        output.show(f"{name}: {installed.source}, {installed.folder}")


@app.command()
def verify(names: Names = None) -> None:
    """Compare every installed file, or those of the named models, with its recorded checksum.

    Exit code 4 if one differs or is missing.

    speakkit models verify
    """
    failed = False
    for name in _names(names or list(hub.MODELS)):
        broken = hub.damaged(name)
        failed = failed or bool(broken)
        installed = hub.state(name).installed
        verdict = (
            f"damaged: {', '.join(broken)}; mend it with: speakkit models fetch {name}" if broken else "not installed"
        )
        output.show(f"{name}: {'whole' if installed and not broken else verdict}")
    if failed:
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command()
def path(
    name: Annotated[str, typer.Argument(help="A name of `speakkit models list`.", autocompletion=complete.models)],
) -> None:
    """Print the folder that holds a model.

    speakkit models path kokoro
    """
    installed = hub.state(name).installed
    if installed is None:
        raise ModelError(f"the model {name} is not installed; fetch it: speakkit models fetch {name}")
    output.show(str(installed.folder))


def _names(given: list[str] | None) -> list[str]:
    for name in given or []:
        hub.state(name)  # so that an unknown name is rejected before anything is done for the others
    return given or list(catalog.DEFAULT)


def _described(name: str) -> dict[str, Any]:
    found = hub.state(name)
    official = found.model.sources[0].label
    return {
        "name": name,
        "about": found.model.about,
        "state": "damaged" if found.damaged else "installed" if found.installed else "not installed",
        "weights": found.installed.source if found.installed else None,
        "official": bool(found.installed and found.installed.source == official),
        "size_mb": found.model.size_mb,
        "path": str(found.installed.folder) if found.installed else None,
    }
