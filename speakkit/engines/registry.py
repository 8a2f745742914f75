"""Engine names -> the modules that hold them. Nothing heavy is imported before an engine is asked for."""

import importlib
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from speakkit.engines.base import Judge, Phonemizer, Recognizer, Synthesizer
from speakkit.engines.g2p import Composed
from speakkit.errors import BadValue, EngineError

if TYPE_CHECKING:
    from speakkit.engines.pool import Pooled

SYNTHESIZERS = {"kokoro": "kokoro.Kokoro", "upstream": "upstream.Upstream"}
CLOUDS = ("gemini", "inworld")
PHONEMIZERS = {
    **dict.fromkeys(("en-us", "en-gb"), "english.Misaki"),
    **dict.fromkeys(("es", "fr-fr", "hi", "it", "pt-br"), "espeak.Espeak"),
    "ja": "japanese.OpenJtalk",
    "zh": "mandarin.Pinyin",
}
SOURCES = {"en-us": "", "en-gb": "", "ja": "Open JTalk", "zh": "pypinyin"}
"""Where a language's phonemes are from, if not from espeak-ng; the English one says it of each word."""
EXTRAS = {"ja": ("ja", ("pyopenjtalk",)), "zh": ("zh", ("cn2an", "jieba", "ordered_set", "pypinyin"))}
"""Language -> the extra of speakkit that it needs, and what that extra installs."""
RECOGNIZERS = {"whisper-base": "whisper.Whisper", "whisper-tiny.en": "whisper.Whisper"}
JUDGES = {"dnsmos": "dnsmos.Dnsmos"}


def _load(place: str, *arguments: str | int) -> object:
    module, name = place.split(".")
    engine: Any = getattr(importlib.import_module(f"speakkit.engines.{module}"), name)
    return engine.load(*arguments)


def require(engine: str) -> None:
    """Raises BadValue for an engine that there is not, EngineError for one that there is not yet."""
    if engine in CLOUDS:
        raise EngineError(f"the {engine} engine is not available yet; leave it out to speak with kokoro")
    if engine not in SYNTHESIZERS:
        raise BadValue(f"there is no engine {engine!r}; try one of {', '.join([*SYNTHESIZERS, *CLOUDS])}")


def synthesizer(engine: str = "kokoro", device: str = "auto", batch: int | None = None) -> Synthesizer:
    """The synthesizer of that name, loaded once for each device.

    batch: the most chunks that are spoken at once; None for what is best on the device
    Raises BadValue, EngineError or ModelError.
    """
    require(engine)
    if batch is not None and batch < 1:
        raise BadValue(f"a batch of {batch} chunks cannot be spoken; use 1 or more")
    return _synthesizer(engine, device, batch)


@cache
def _synthesizer(engine: str, device: str, batch: int | None) -> Synthesizer:
    arguments = (device,) if batch is None else (device, batch)
    return cast("Synthesizer", _load(SYNTHESIZERS[engine], *arguments))


def require_language(language: str) -> None:
    """Raises EngineError, with what to install, for a language whose extra is missing."""
    missing = missing_packages(language)
    if missing:
        extra, _ = EXTRAS[language]
        raise EngineError(
            f"to speak {language} speakkit needs {', '.join(missing)}; install it: pip install 'speakkit[{extra}]'"
        )


@cache
def phonemizer(language: str) -> Phonemizer:
    """The phonemizer for one of `voices.LANGUAGES`, loaded once. Raises EngineError where its extra is missing."""
    require_language(language)
    return Composed(cast("Phonemizer", _load(PHONEMIZERS[language], language)), SOURCES.get(language, "espeak-ng"))


def pooled(language: str, processes: int) -> "Pooled":
    """As `phonemizer`, in processes of its own; close it. Raises EngineError, or BadValue for less than one process."""
    from speakkit.engines.pool import Pooled  # noqa: PLC0415  that module imports this one, in each process

    require_language(language)
    return Pooled(language, processes)


def missing_packages(language: str) -> tuple[str, ...]:
    """What of a language's extra is not installed; empty where nothing is missing, or the language needs none."""
    _, packages = EXTRAS.get(language, ("", ()))
    return tuple(package for package in packages if find_spec(package) is None)


@cache
def recognizer(name: str = "whisper-base", device: str = "auto") -> Recognizer:
    """The recognizer of that name, loaded once for each device."""
    if name not in RECOGNIZERS:
        raise BadValue(f"there is no recognizer {name!r}; try one of {', '.join(RECOGNIZERS)}")
    return cast("Recognizer", _load(RECOGNIZERS[name], name, device))


@cache
def judge(name: str = "dnsmos") -> Judge:
    """The judge of that name, loaded once."""
    if name not in JUDGES:
        raise BadValue(f"there is no judge {name!r}; try one of {', '.join(JUDGES)}")
    return cast("Judge", _load(JUDGES[name]))
