"""Shell completion: the values that start with the typed text, some with a description. Errors yield no values."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from speakkit import config, keys
from speakkit import voices as table
from speakkit.errors import SpeakkitError
from speakkit.printable import printable


def voices(incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield voice aliases, the user's blends and voice packs, and the 54 names; also after "+" or "," in a blend."""
    begun = re.match(r".*[+,]", incomplete)
    before = begun.group() if begun else ""
    aliases = ((alias, f"{name}, {table.profiles()[name].language}") for alias, name in table.ALIASES["kokoro"].items())
    names = ((name, _described(profile)) for name, profile in table.profiles().items())
    for name, about in (*aliases, *_own(), *names):
        if name.startswith(incomplete[len(before) :]):
            yield before + name, about


def languages(incomplete: str) -> Iterator[str]:
    """The supported languages."""
    return (name for name in table.LANGUAGES.values() if name.startswith(incomplete))


def models(incomplete: str) -> Iterator[tuple[str, str]]:
    """The models, with their purpose."""
    from speakkit.engines import catalog  # noqa: PLC0415  only this completion needs it

    return ((name, model.about) for name, model in catalog.MODELS.items() if name.startswith(incomplete))


def environments(incomplete: str) -> Iterator[tuple[str, str]]:
    """The environments of external engines, and the recipes, with their purpose."""
    from speakkit.engines import environments as created  # noqa: PLC0415  likewise
    from speakkit.engines.recipes import RECIPES  # noqa: PLC0415  likewise

    found = {name: recipe.about for name, recipe in RECIPES.items()}
    with suppress(SpeakkitError):
        found |= {each.name: each.definition.about if each.definition else "incomplete" for each in created.existing()}
    return ((name, printable(about)) for name, about in found.items() if name.startswith(incomplete))


def settings(incomplete: str) -> Iterator[tuple[str, str]]:
    """The keys of config.toml."""
    return ((row.name, row.about) for row in config.SETTINGS if row.name.startswith(incomplete))


def services(incomplete: str) -> Iterator[str]:
    """The clouds that need an API key."""
    return (name for name in keys.VARIABLES if name.startswith(incomplete))


def _described(profile: table.Profile) -> str:
    return f"{profile.language}, {profile.sex}" + (f", grade {profile.grade}" if profile.grade else "")


def _own() -> Iterator[tuple[str, str]]:
    """Yield the user's blends and voice packs; none if the settings are invalid."""
    try:
        found = config.load()
    except SpeakkitError:
        return
    yield from ((name, printable(blend)) for name, blend in found.blends.items())
    yield from (
        (file.stem, "a voice of your own") for file in _files(found.voices) if table.PLAIN_NAME.fullmatch(file.stem)
    )


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return
