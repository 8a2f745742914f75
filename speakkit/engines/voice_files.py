"""Voice packs by name: which ones there are, and how those that are missing are fetched. `voice_packs` reads them."""

from collections.abc import Mapping
from pathlib import Path

from speakkit import voices
from speakkit.engines import hub, locations
from speakkit.errors import storage_error
from speakkit.progress import Report
from speakkit.voices import PACKAGED, PLAIN_NAME, Voice, profiles

ENDINGS = (".bin", ".pt", ".safetensors")
"""Endings of the user's own packs. If several packs have the same name, the later ending wins."""


def own() -> Mapping[str, Path]:
    """Return the packs in the user's voice folder, as name -> file.

    Files with other endings or invalid names are ignored. Raises StorageError if the folder cannot be read.
    """
    folder = locations.current().voices
    try:
        files = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise storage_error(error, f"read the voice folder {folder}") from error
    ranked = [file for ending in ENDINGS for file in files if file.suffix == ending]
    return {file.stem: file for file in ranked if PLAIN_NAME.fullmatch(file.stem)}


def named(name: str) -> Voice:
    """Return the voice called `name`: a voice, an alias, a blend, or the name of a blend or of a pack of the user.

    Raises BadValue if there is no such voice.
    """
    return voices.find(name, blends=locations.current().blends, own=own())


def installed() -> frozenset[str]:
    """Return the names of the voices that can be used without a download."""
    everything = profiles() if hub.state("voices").installed else PACKAGED
    return frozenset([*everything, *own()])


def is_complete(voice: Voice) -> bool:
    """Whether all packs of `voice` are installed."""
    names = {name for name, _ in voice.mix}
    return names <= PACKAGED or names <= installed()


def ensure(voice: Voice, report: Report = hub.silent) -> None:
    """Download the packs of `voice` if they are missing.

    Raises ModelError if they cannot be fetched.
    """
    if not is_complete(voice):
        hub.ensure("voices", report)
