"""Kokoro's voices: their names, their aliases, and the language that each one speaks."""

import difflib
from dataclasses import dataclass

from speakkit.errors import BadValue

LANGUAGES = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-br",
    "z": "zh",
}
"""The first letter of a voice's name -> the language that it was trained on."""

NAMES = tuple(
    f"{family}_{given}"
    for family, given_names in {
        "af": "heart alloy aoede bella jessica kore nicole nova river sarah sky",
        "am": "adam echo eric fenrir liam michael onyx puck santa",
        "bf": "alice emma isabella lily",
        "bm": "daniel fable george lewis",
        "ef": "dora",
        "em": "alex santa",
        "ff": "siwis",
        "hf": "alpha beta",
        "hm": "omega psi",
        "if": "sara",
        "im": "nicola",
        "jf": "alpha gongitsune nezumi tebukuro",
        "jm": "kumo",
        "pf": "dora",
        "pm": "alex santa",
        "zf": "xiaobei xiaoni xiaoxiao xiaoyi",
        "zm": "yunjian yunxi yunxia yunyang",
    }.items()
    for given in given_names.split()
)
"""The 54 voices of Kokoro v1.0 (VOICES.md of hexgrad/Kokoro-82M)."""

ALIASES = {
    "f1": "af_heart",
    "f2": "af_bella",
    "f3": "af_sky",
    "f4": "af_aoede",
    "m1": "am_fenrir",
    "m2": "am_puck",
    "m3": "am_michael",
    "m4": "bm_george",
    "s1": "ef_dora",
    "s2": "em_alex",
    "s3": "em_santa",
}

PACKAGED = frozenset(ALIASES.values())
"""The voices that are installed with speakkit, and so need no fetching."""

DEFAULT = "f1"


@dataclass(frozen=True)
class Voice:
    """One of Kokoro's voices."""

    name: str

    @property
    def language(self) -> str:
        """A key of the phonemizers, such as "en-us"."""
        return LANGUAGES[self.name[0]]


def find(name: str) -> Voice:
    """The voice of that name or alias. Raises BadValue, with the nearest names, where there is none."""
    full = ALIASES.get(name, name)
    if full in NAMES:
        return Voice(full)
    near = sorted(difflib.get_close_matches(name, [*ALIASES, *NAMES], n=4, cutoff=0.5))
    hint = (
        f"; did you mean {' or '.join(near)}?"
        if near
        else f"; try one of {', '.join(ALIASES)}, or a name such as af_heart"
    )
    raise BadValue(f"there is no voice {name!r}{hint}")
