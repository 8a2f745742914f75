"""`speakkit voices`: list, preview and fetch the voices."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
import typer.core

from speakkit import voices as table
from speakkit.cli import complete, output
from speakkit.engines import hub, voice_files
from speakkit.errors import BadValue

GRADES = ("A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-", "F+", "F")
"""Grades of voices, best first."""


class VoicesGroup(typer.core.TyperGroup):
    """A command group whose default command is `list`: `speakkit voices --json` is `speakkit voices list --json`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    add_completion=False, cls=VoicesGroup, help="List, preview and fetch the voices. The default command is list."
)

Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME", show_default=False, autocompletion=complete.voices, help="Voices or blends."),
]


@app.command("list")
def list_voices(
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            "-l",
            metavar="LANGUAGE",
            autocompletion=complete.languages,
            help="Show only voices of this language.",
        ),
    ] = None,
    sex: Annotated[
        str | None, typer.Option("--sex", metavar="female|male", help="Show only voices of this sex.")
    ] = None,
    grade: Annotated[
        str | None, typer.Option("--grade", metavar="LETTER", help="Show only voices of at least this grade.")
    ] = None,
    installed: Annotated[bool, typer.Option("--installed", help="Show only voices that are installed.")] = False,
    engine: Annotated[str, typer.Option("--engine", metavar="NAME", help="kokoro, gemini or inworld.")] = "kokoro",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Show the voices: language, sex, grade of the training data, and short names.

    speakkit voices

    speakkit voices --lang es --json
    """
    only = {"language": lang and table.language(lang), "sex": sex and _sex(sex)}
    worst = len(GRADES) if grade is None else _rank(_grade(grade))
    rows = [
        row
        for row in _rows(engine)
        if all(not wanted or row[name] == wanted for name, wanted in only.items())
        and _rank(row["grade"]) <= worst
        and (row["installed"] or not installed)
    ]
    if as_json:
        output.show_json(rows)
        return
    columns = ("name", "short", "language", "sex", "grade", "source licence", "installed")
    output.show_table(columns, [_cells(row) for row in rows])


@app.command()
def preview(
    names: Names,
    text: Annotated[
        str | None, typer.Option("--text", help="Text to speak; default: a sentence in the voice's language.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write FILE instead of playing.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is not audio.")] = False,
) -> None:
    """Play a sentence of each voice, in its own language.

    speakkit voices preview f1 ff_siwis "af_bella(2)+af_sky(1)"

    speakkit voices preview jf_alpha -o jf_alpha.wav
    """
    from speakkit.cli.preview import preview as play  # noqa: PLC0415  it imports the speech pipeline

    raise typer.Exit(play(names, text, target, force=force))


@app.command()
def fetch() -> None:
    """Fetch all 54 voices of Kokoro, 28 MB, for use offline.

    speakkit voices fetch
    """
    with output.progress() as report:
        installed = hub.ensure("voices", report)
    output.show(f"voices: {installed.source}, {installed.folder}")


def _rows(engine: str) -> list[dict[str, Any]]:
    """The voices of an engine, as JSON objects; for Kokoro including those in the user's voice folder.

    Raises BadValue if there is no such engine.
    """
    if engine not in table.ALIASES:
        raise BadValue(f"there is no engine {engine!r}; try one of {', '.join(table.ALIASES)}")
    profiles = table.profiles(engine)
    if engine != "kokoro":
        return [_row(profile, "", installed=False) for profile in profiles.values()]
    ready = voice_files.installed()
    own = [table.own_profile(name, str(file)) for name, file in voice_files.own().items() if name not in profiles]
    official = [_row(profile, "Apache-2.0", installed=profile.name in ready) for profile in profiles.values()]
    return official + [_row(profile, "", installed=True) for profile in own]


def _row(profile: table.Profile, licence: str, *, installed: bool) -> dict[str, Any]:
    return asdict(profile) | {"licence": licence, "aliases": profile.aliases, "installed": installed}


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    short, installed = " ".join(row["aliases"]), "yes" if row["installed"] else "no"
    return (row["name"], short, row["language"], row["sex"], row["grade"], row["source"], installed)


def _sex(given: str) -> str:
    name = table.SEXES.get(given, given)
    if name not in table.SEXES.values():
        raise BadValue(f"--sex is {' or '.join(table.SEXES.values())}, not {given!r}")
    return name


def _grade(given: str) -> str:
    if given.upper() not in GRADES:
        raise BadValue(f"there is no grade {given!r}; the grades are {', '.join(GRADES)}")
    return given.upper()


def _rank(grade: str) -> int:
    """The position of a grade in GRADES, from 0 for the best; a missing grade is last."""
    return GRADES.index(grade) if grade in GRADES else len(GRADES)
