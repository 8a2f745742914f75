"""`speakkit models env`: create, list and remove the environments of external engines."""

from pathlib import Path
from typing import Annotated

import typer

from speakkit.cli import complete, output
from speakkit.engines import environments
from speakkit.engines.recipes import RECIPES

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Manage the environments of external engines.")


@app.command()
def create(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help=f"{', '.join(RECIPES)}, or a name of your own.",
            autocompletion=complete.environments,
        ),
    ],
    requirements: Annotated[
        Path | None,
        typer.Option("--requirements", metavar="FILE", help="Packages to install, in pip's format, with versions."),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--command",
            help="Command that answers requests, such as 'python -m my_engine'. Paths of files must be full.",
        ),
    ] = None,
) -> None:
    """Create a virtual environment and install an engine into it.

    It is made by uv or, if that is not installed, by pip. Without options, NAME is one of the recipes of speakkit. With
    both, it is an engine of your own. If the environment is there already, made from the same, nothing is done.

    speakkit models env create parakeet-nemo

    speakkit models env create my --requirements my.txt --command my-asr
    """
    with output.progress() as report:
        created = environments.create(name, requirements, command, report)
    output.show(f"external:{name}: ready, {created.folder}")


@app.command("list")
def list_environments(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Show the environments that were created, and the recipes of others.

    speakkit models env list
    """
    found = {each.name: each for each in environments.existing()}
    rows = []
    for name in [*found, *(name for name in RECIPES if name not in found)]:
        each = found.get(name)
        definition = each.definition if each else None
        about = definition.about if definition else RECIPES[name].about if name in RECIPES else ""
        rows.append(
            {
                "name": name,
                "state": "ready" if definition else "incomplete" if each else "not created",
                "version": definition.version if definition else None,
                "about": about,
                "command": list(definition.command) if definition else None,
                "path": str(each.folder) if each else None,
            }
        )
    if as_json:
        output.show_json(rows)
        return
    output.show_table(
        ("environment", "state", "version", "what it is"),
        [(str(row["name"]), str(row["state"]), str(row["version"] or ""), str(row["about"])) for row in rows],
    )


@app.command()
def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the environment.", autocompletion=complete.environments)
    ],
) -> None:
    """Remove an environment with all its packages. Weights that its engine fetched are elsewhere, and stay.

    speakkit models env remove parakeet-nemo
    """
    with output.progress() as report:
        environments.remove(name, report)
    output.show(f"{name}: removed")
