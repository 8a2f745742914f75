"""What the shells offer on TAB: (value, help) for what has been typed so far. A fault offers nothing, in silence."""

import re
from collections.abc import Iterator
from pathlib import Path

from speakkit import config, keys
from speakkit import voices as table
from speakkit.errors import SpeakkitError


def voices(incomplete: str) -> Iterator[tuple[str, str]]:
    """Aliases, the user's blends and packs, and the 54 names; also after the + or the comma of a blend."""
    begun = re.match(r".*[+,]", incomplete)
    before = begun.group() if begun else ""
    aliases = ((alias, f"{name}, {table.profiles()[name].language}") for alias, name in table.ALIASES["kokoro"].items())
    names = ((name, _described(profile)) for name, profile in table.profiles().items())
    for name, about in (*aliases, *_own(), *names):
        if name.startswith(incomplete[len(before) :]):
            yield before + name, about


def languages(incomplete: str) -> Iterator[str]:
    """The languages that speakkit speaks."""
    return (name for name in table.LANGUAGES.values() if name.startswith(incomplete))


def models(incomplete: str) -> Iterator[tuple[str, str]]:
    """The models, and what each is for."""
    from speakkit.engines import catalog  # noqa: PLC0415  for this alone

    return ((name, model.about) for name, model in catalog.MODELS.items() if name.startswith(incomplete))


def settings(incomplete: str) -> Iterator[tuple[str, str]]:
    """The keys of config.toml."""
    return ((row.name, row.about) for row in config.SETTINGS if row.name.startswith(incomplete))


def services(incomplete: str) -> Iterator[str]:
    """The clouds that take a key."""
    return (name for name in keys.VARIABLES if name.startswith(incomplete))


def _described(profile: table.Profile) -> str:
    return f"{profile.language}, {profile.sex}" + (f", grade {profile.grade}" if profile.grade else "")


def _own() -> Iterator[tuple[str, str]]:
    """The user's blends and packs; none where the configuration is at fault."""
    try:
        found = config.load()
    except SpeakkitError:
        return
    yield from found.blends.items()
    yield from (
        (file.stem, "a voice of your own") for file in _files(found.voices) if table.PLAIN_NAME.fullmatch(file.stem)
    )


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return
