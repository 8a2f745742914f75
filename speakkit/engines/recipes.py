"""Recipes of external engines that speakkit knows: pinned requirements, and an adapter that answers in lines of JSON.

None was run here: they need weights of a Hub, and a GPU. See `environments`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from speakkit import paths

WIRE = "wire.py"
"""Module that all adapters import."""


@dataclass(frozen=True)
class Recipe:
    """How the environment of an engine is made.

    stem: name of its two files in speakkit's data, NAME.txt and NAME.py
    about: what it is, in a few words
    licence: SPDX expression for code and weights together
    """

    stem: str
    about: str
    licence: str

    @property
    def requirements(self) -> Path:
        """File of its requirements, in pip's format."""
        return _data() / f"{self.stem}.txt"

    @property
    def command(self) -> tuple[str, ...]:
        """The command that answers requests, in the folder of the environment."""
        return ("python", f"{self.stem}.py")


RECIPES: Mapping[str, Recipe] = {
    "parakeet-nemo": Recipe(
        "parakeet_nemo",
        "Parakeet TDT_CTC 1.1B through NeMo, English; 4.3 GB of weights are fetched at the first use; unverified",
        "Apache-2.0 AND CC-BY-4.0",
    ),
    "utmosv2": Recipe(
        "utmosv2_mos",
        "UTMOSv2, an estimate of speech quality; weights are fetched at the first use, by wget; unverified",
        "MIT",
    ),
}
"""Name of the environment -> its recipe."""


def adapters(name: str) -> tuple[Path, ...]:
    """Return the files to copy into the environment `name`; none if there is no recipe."""
    recipe = RECIPES.get(name)
    return (_data() / f"{recipe.stem}.py", _data() / WIRE) if recipe else ()


def _data() -> Path:
    return paths.data() / "engines"
