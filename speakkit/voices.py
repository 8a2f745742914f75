"""Who can speak: Kokoro's voices and blends of them, their languages, and the voices of the clouds by name."""

import difflib
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from speakkit import paths
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

ISO_639_1 = {
    "en-us": "en",
    "en-gb": "en",
    "es": "es",
    "fr-fr": "fr",
    "hi": "hi",
    "it": "it",
    "ja": "ja",
    "pt-br": "pt",
    "zh": "zh",
}
"""speakkit's name of a language -> its code in ISO 639-1, by which recognizers know it."""

OTHER_LANGUAGE_NAMES = {
    "en": "en-us",
    "fr": "fr-fr",
    "pt": "pt-br",
    "es-es": "es",
    "hi-in": "hi",
    "it-it": "it",
    "ja-jp": "ja",
    "jp": "ja",
    "cmn": "zh",
    "zh-cn": "zh",
}

SEXES = {"f": "female", "m": "male"}
"""The second letter of a voice's name."""

ALIASES = {
    "kokoro": {
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
    },
    "gemini": {"f1": "Laomedeia", "f2": "Zephyr", "f3": "Aoede", "m1": "Puck"},
    "inworld": {
        "f1": "Sarah",
        "f2": "Deborah",
        "f3": "Ashley",
        "m1": "Dennis",
        "m2": "Mark",
        "bf1": "Olivia",
        "bf2": "Wendy",
    },
}
"""Engine -> its short names."""

PACKAGED = frozenset(ALIASES["kokoro"].values())
"""The voices that are installed with speakkit, and so need no fetching."""

DEFAULT = "f1"

WEIGHTS = (Fraction(1, 1000), Fraction(1_000_000))
"""The least and the most that one voice may weigh in a blend, and how far apart two may be."""

PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""What a voice of the user's own may be called: nothing that a blend could be taken for."""

PART = re.compile(r"(?P<name>[^\s+,:()]+)\s*(?:\((?P<brackets>[^()]*)\)|:(?P<colon>[^+,:()]*))?")
"""One voice of a blend and its weight: "af_bella", "af_bella(2)" or "af_bella:60"."""

SCRIPTS = {"HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh", "DEVANAGARI": "hi", "LATIN": "en-us"}
"""How the Unicode names of letters begin -> the language whose voices read them; the first that is found counts.
"""

SAMPLES = {
    "en-us": "The quick brown fox jumps over the lazy dog, and nobody in the village was surprised.",
    "en-gb": "The quick brown fox jumps over the lazy dog, and nobody in the village was surprised.",
    "es": "Buenos días, hoy hace muy buen tiempo y vamos a pasear por el parque.",
    "fr-fr": "Bonjour à tous, il fait très beau ce matin et nous allons marcher dans la forêt.",
    "hi": "नमस्ते, आज मौसम बहुत अच्छा है और हम बाग में घूमने जा रहे हैं।",
    "it": "Buongiorno a tutti, oggi il tempo è molto bello e andiamo a camminare nel parco.",
    "ja": "おはようございます。今日は天気がとてもいいので、公園を散歩しましょう。",
    "pt-br": "Bom dia a todos, hoje o tempo está muito bom e vamos passear no parque.",
    "zh": "大家早上好，今天天气很好，我们一起去公园散步吧。",
}
"""A sentence of each language, to hear a voice by."""


@dataclass(frozen=True)
class Profile:
    """What there is to know of a voice before it is heard.

    language: a key of the phonemizers, such as "en-us"; "" where it speaks many
    sex: one of SEXES; "" where it is not known
    grade: of the training data, "A" to "F+" (VOICES.md of hexgrad/Kokoro-82M); "" where none was given
    source: the licence of the training data, such as "CC BY (SIWIS)"; "" where it is not stated
    """

    engine: str
    name: str
    language: str
    sex: str
    grade: str
    source: str

    @property
    def aliases(self) -> tuple[str, ...]:
        """The short names."""
        return tuple(alias for alias, name in ALIASES[self.engine].items() if name == self.name)


@dataclass(frozen=True)
class Voice:
    """A voice, or a blend of several.

    name: such as "af_heart"; of a blend its canonical form, such as "af_bella(2)+af_sky"
    language: that of most of it, a key of the phonemizers
    mix: the names of the packs that it is made of, in order, and their shares, which sum to 1
    """

    name: str
    language: str
    mix: tuple[tuple[str, float], ...]


@cache
def profiles(engine: str = "kokoro") -> Mapping[str, Profile]:
    """The voices of an engine by name: the 54 of Kokoro v1.0, or those that a cloud is known to have."""
    rows = [line.split("\t") for line in (paths.data() / "voices.tsv").read_text().splitlines()[1:]]
    return {name: Profile(engine, name, *_of_name(name), *rest) for owner, name, *rest in rows if owner == engine}


def _of_name(name: str) -> tuple[str, str]:
    """The language and the sex that a name of Kokoro's kind tells, or "" and ""."""
    known = re.match(r"[abefhijpz][fm]_", name)
    return (LANGUAGES[name[0]], SEXES[name[1]]) if known else ("", "")


def language(name: str) -> str:
    """The language that `name` means, such as "fr-fr" for "fr". Raises BadValue where there is none."""
    wanted = name.lower().replace("_", "-")
    wanted = LANGUAGES.get(wanted, OTHER_LANGUAGE_NAMES.get(wanted, wanted))
    if wanted not in LANGUAGES.values():
        raise BadValue(f"there is no language {name!r}; speakkit speaks {', '.join(LANGUAGES.values())}")
    return wanted


def own_profile(name: str, source: str) -> Profile:
    """The profile of a voice of the user's own: its language by its name, en-us where that tells none."""
    language, sex = _of_name(name)
    return Profile("kokoro", name, language or LANGUAGES["a"], sex, "", source)


def reading(text: str) -> Profile | None:
    """A voice that reads the script of `text`, for a hint; None where no voice does."""
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha()}
    language = next((language for script, language in SCRIPTS.items() if script in scripts), None)
    return next((profile for profile in profiles().values() if profile.language == language), None)


def find(text: str, *, blends: Mapping[str, str] | None = None, own: Collection[str] = ()) -> Voice:
    """The voice that `text` names: a name, an alias, a blend, or the name of a blend.

    blends: the user's named blends; own: the names of the user's own packs.
    Raises BadValue, with the nearest names, for a voice that there is not, and for a blend that cannot be mixed.
    """
    blends = blends or {}
    weights: dict[str, Fraction] = {}
    for name, weight in parts(blends.get(text, text)):
        full = _full_name(name, blends, own)
        weights[full] = weights.get(full, Fraction(0)) + weight
    total = sum(weights.values())
    shares = {name: weights[name] / total for name in sorted(weights)}
    by_language: dict[str, Fraction] = {}
    for name, share in shares.items():
        language = own_profile(name, "").language
        by_language[language] = by_language.get(language, Fraction(0)) + share
    most = max(by_language, key=lambda found: by_language[found])
    return Voice(_canonical(shares), most, tuple((name, float(share)) for name, share in shares.items()))


def parts(blend: str) -> Iterator[tuple[str, Fraction]]:
    """The voices of a blend and their weights, as they are written. Raises BadValue where it is not written as one."""
    for part in re.split(r"[+,]", blend):
        found = PART.fullmatch(part.strip())
        if not found:
            what = f"{part.strip()!r} is no voice" if part.strip() else "a voice is missing"
            raise BadValue(f"in the voice {blend!r} {what}; a blend is written af_bella(2)+af_sky(1), or a:60,b:40")
        name, *weight = found.group("name", "brackets", "colon")
        yield name, _weight(next((given for given in weight if given is not None), "1"), blend)


def _weight(text: str, blend: str) -> Fraction:
    least, most = WEIGHTS
    if not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text) or not least <= Fraction(text) <= most:
        raise BadValue(f"in the blend {blend!r} the weight {text!r} is not between {float(least)} and {int(most)}")
    return Fraction(text)


def _full_name(name: str, blends: Iterable[str], own: Collection[str]) -> str:
    aliases = ALIASES["kokoro"]
    if name in own or name in profiles():
        return name
    if name in aliases:
        return aliases[name]
    if name in blends:
        raise BadValue(f"the blend {name!r} cannot be a part of another; write its voices out")
    engine = next((engine for engine in ALIASES if name.capitalize() in profiles(engine)), None)
    if engine:
        raise BadValue(f"{name!r} is a voice of {engine}, not of kokoro; see: speakkit voices --engine {engine}")
    near = sorted(difflib.get_close_matches(name, [*aliases, *profiles(), *own, *blends], n=4, cutoff=0.5))
    hint = (
        f"did you mean {' or '.join(near)}?" if near else f"try one of {', '.join(aliases)}, or a name such as af_heart"
    )
    raise BadValue(f"there is no voice {name!r}; {hint}")


def _canonical(shares: Mapping[str, Fraction]) -> str:
    """The one way to write a blend: names in order, weights the least whole numbers that are in proportion."""
    scale = math.lcm(*(share.denominator for share in shares.values()))
    whole = {name: int(share * scale) for name, share in shares.items()}
    least = math.gcd(*whole.values())
    counts = {name: weight // least for name, weight in whole.items()}
    if max(counts.values()) > WEIGHTS[1]:
        raise BadValue(f"the weights of {', '.join(shares)} are too far apart to be mixed")
    return "+".join(name if count == 1 else f"{name}({count})" for name, count in counts.items())
