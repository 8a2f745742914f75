"""Voices: Kokoro's voices and blends of them, their languages, and the names of cloud voices."""

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
"""First letter of a Kokoro voice name -> the language that the voice was trained on."""

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
"""speakkit's language name -> its ISO 639-1 code, which recognizers use."""

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
"""Accepted alternative language name -> speakkit's language name."""

SEXES = {"f": "female", "m": "male"}
"""Second letter of a Kokoro voice name -> the sex of the voice."""

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
"""Engine -> its voice aliases, as alias -> full voice name."""

PACKAGED = frozenset(ALIASES["kokoro"].values())
"""Full names of the Kokoro voices that are installed with speakkit, so that nothing is downloaded for them."""

DEFAULT = "f1"
"""Alias of the default voice."""

WEIGHTS = (Fraction(1, 1000), Fraction(1_000_000))
"""Minimum and maximum weight of one voice in a blend. The maximum also limits the ratio of two weights."""

PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Valid name of a user's own voice. It excludes every character that blend syntax uses."""

PART = re.compile(r"(?P<name>[^\s+,:()]+)\s*(?:\((?P<brackets>[^()]*)\)|:(?P<colon>[^+,:()]*))?")
"""One voice of a blend with its weight: "af_bella", "af_bella(2)" or "af_bella:60"."""

SCRIPTS = {"HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh", "DEVANAGARI": "hi", "LATIN": "en-us"}
"""Prefix of Unicode letter names -> the language whose voices read that script. The first match counts."""

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
"""Language -> a sample sentence for listening to a voice."""


@dataclass(frozen=True)
class Profile:
    """Metadata of one voice.

    language: a language key of the phonemizers, such as "en-us"; "" if the voice speaks several languages
    sex: a value of SEXES; "" if unknown
    grade: grade of the training data, "A" to "F+" (VOICES.md of hexgrad/Kokoro-82M); "" if none was given
    source: licence of the training data, such as "CC BY (SIWIS)"; "" if not stated
    """

    engine: str
    name: str
    language: str
    sex: str
    grade: str
    source: str

    @property
    def aliases(self) -> tuple[str, ...]:
        """The short names of the voice."""
        return tuple(alias for alias, name in ALIASES[self.engine].items() if name == self.name)


@dataclass(frozen=True)
class Voice:
    """A voice, or a blend of several voices.

    name: such as "af_heart"; for a blend, its canonical form, such as "af_bella(2)+af_sky"
    language: language of the largest share of the blend, a language key of the phonemizers
    mix: (voice pack name, share) pairs, in order; the shares sum to 1
    """

    name: str
    language: str
    mix: tuple[tuple[str, float], ...]


@cache
def profiles(engine: str = "kokoro") -> Mapping[str, Profile]:
    """Return the voices of an engine, as name -> profile.

    These are the 54 voices of Kokoro v1.0, or the known voices of a cloud.
    """
    rows = [line.split("\t") for line in (paths.data() / "voices.tsv").read_text().splitlines()[1:]]
    return {name: Profile(engine, name, *_of_name(name), *rest) for owner, name, *rest in rows if owner == engine}


def _of_name(name: str) -> tuple[str, str]:
    """Return the language and sex that a Kokoro-style voice name encodes, or "" and "" for any other name."""
    known = re.match(r"[abefhijpz][fm]_", name)
    return (LANGUAGES[name[0]], SEXES[name[1]]) if known else ("", "")


def language(name: str) -> str:
    """Return speakkit's language name for `name`, such as "fr-fr" for "fr".

    Raises BadValue if there is no such language.
    """
    wanted = name.lower().replace("_", "-")
    wanted = LANGUAGES.get(wanted, OTHER_LANGUAGE_NAMES.get(wanted, wanted))
    if wanted not in LANGUAGES.values():
        raise BadValue(f"there is no language {name!r}; speakkit speaks {', '.join(LANGUAGES.values())}")
    return wanted


def own_profile(name: str, source: str) -> Profile:
    """Return the profile of a user's own voice.

    The name gives the language; it is en-us if the name gives none.
    """
    language, sex = _of_name(name)
    return Profile("kokoro", name, language or LANGUAGES["a"], sex, "", source)


def reading(text: str) -> Profile | None:
    """Return a voice that reads the script of `text`, for use in a hint; None if no voice does."""
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha()}
    language = next((language for script, language in SCRIPTS.items() if script in scripts), None)
    return next((profile for profile in profiles().values() if profile.language == language), None)


def find(text: str, *, blends: Mapping[str, str] | None = None, own: Collection[str] = ()) -> Voice:
    """Return the voice for `text`: a name, an alias, a blend, or the name of a blend.

    blends: the user's named blends, as name -> blend
    own: the names of the user's own voice packs
    Raises BadValue if a voice does not exist, with the nearest names, or if a blend cannot be mixed.
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
    """Yield the voices of a blend with their weights, as written.

    Raises BadValue if `blend` does not follow the blend syntax.
    """
    for part in re.split(r"[+,]", blend):
        found = PART.fullmatch(part.strip())
        if not found:
            what = f"{part.strip()!r} is not a voice" if part.strip() else "a voice is missing"
            raise BadValue(f"in the voice {blend!r} {what}; a blend is written af_bella(2)+af_sky(1), or a:60,b:40")
        name, *weight = found.group("name", "brackets", "colon")
        yield name, _weight(next((given for given in weight if given is not None), "1"), blend)


def _weight(text: str, blend: str) -> Fraction:
    """Return the weight that `text` gives. Raises BadValue if it is not a number within WEIGHTS."""
    least, most = WEIGHTS
    if not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text) or not least <= Fraction(text) <= most:
        raise BadValue(f"in the blend {blend!r} the weight {text!r} is not between {float(least)} and {int(most)}")
    return Fraction(text)


def _full_name(name: str, blends: Iterable[str], own: Collection[str]) -> str:
    """Return the full name of one voice of a blend. Raises BadValue if there is no such voice."""
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
    """Return the canonical form of a blend: names in order, with the smallest whole-number weights.

    Raises BadValue if a weight would exceed the maximum of WEIGHTS.
    """
    scale = math.lcm(*(share.denominator for share in shares.values()))
    whole = {name: int(share * scale) for name, share in shares.items()}
    least = math.gcd(*whole.values())
    counts = {name: weight // least for name, weight in whole.items()}
    if max(counts.values()) > WEIGHTS[1]:
        raise BadValue(f"the weights of {', '.join(shares)} are too far apart to be mixed")
    return "+".join(name if count == 1 else f"{name}({count})" for name, count in counts.items())
