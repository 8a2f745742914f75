"""Engine names -> the modules that hold them. Nothing heavy is imported before an engine is asked for."""

import importlib
from functools import cache
from typing import Any, cast

from speakkit.engines.base import Judge, Phonemizer, Recognizer, Synthesizer
from speakkit.errors import BadValue, EngineError

SYNTHESIZERS = {"kokoro": "kokoro.Kokoro", "upstream": "upstream.Upstream"}
CLOUDS = ("gemini", "inworld")
PHONEMIZERS = {"en-us": "g2p.Misaki", "en-gb": "g2p.Misaki"}
RECOGNIZERS = {"whisper-base": "whisper.Whisper", "whisper-tiny.en": "whisper.Whisper"}
JUDGES = {"dnsmos": "dnsmos.Dnsmos"}


def _load(place: str, *arguments: str) -> object:
    module, name = place.split(".")
    engine: Any = getattr(importlib.import_module(f"speakkit.engines.{module}"), name)
    return engine.load(*arguments)


def require(engine: str) -> None:
    """Raises BadValue for an engine that there is not, EngineError for one that there is not yet."""
    if engine in CLOUDS:
        raise EngineError(f"the {engine} engine is not available yet; leave it out to speak with kokoro")
    if engine not in SYNTHESIZERS:
        raise BadValue(f"there is no engine {engine!r}; try one of {', '.join([*SYNTHESIZERS, *CLOUDS])}")


@cache
def synthesizer(engine: str = "kokoro", device: str = "auto") -> Synthesizer:
    """The synthesizer of that name, loaded once for each device. Raises BadValue, EngineError or ModelError."""
    require(engine)
    return cast("Synthesizer", _load(SYNTHESIZERS[engine], device))


@cache
def phonemizer(language: str) -> Phonemizer:
    """The phonemizer for a language, loaded once. Raises EngineError where there is none."""
    if language not in PHONEMIZERS:
        raise EngineError(f"speakkit cannot read {language} aloud yet; choose an English voice (af_, am_, bf_, bm_)")
    return cast("Phonemizer", _load(PHONEMIZERS[language], language))


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
